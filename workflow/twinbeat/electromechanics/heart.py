"""The beating twin whose muscle contracts by its cells' calcium, in a circulation fitted to the patient."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr
from mpi4py import MPI

from .. import beat, circulation
from ..activation import Curve, delays
from ..circulation import Coupled, Loop, Pump
from ..contraction import LAWS, Calcium
from ..intake.clinical import Clinical
from ..mechanics import Contractile, Journal, at_points
from ..parameters import Beat, Electrophysiology, Mechanics
from .cells import Cells, Muscle
from .kinds import calcium

BEGIN = 1.2
"""Factor on the published tension of the whole organ (120 kPa) from which that of a patient is sought."""
SMALLEST_STEP, LARGEST_STEP = 0.6, 1.7
"""Of that factor from beat to beat."""
TELLING = 0.05
"""Change of its logarithm from which the change of the stroke tells the slope: filling changes the stroke as well."""

CLOSE, FASTER = 0.3, 0.3
"""As those of ``mechanics.newton``: steps between equilibria are short here, and in some 28,000 elements ten steps with
a factorisation that there is cost less than another one."""


class CellHeart(beat.Heart):
    """The ventricle of a twin with ``cells``; ``march`` takes it through beats."""

    ventricle: Contractile
    cells: Cells
    calcium: Calcium
    """Of the anatomy's cells."""

    def __init__(
        self, anatomy: xr.Dataset, posterior: xr.Dataset, filling: float, mechanics: Mechanics, comm: MPI.Comm
    ) -> None:
        super().__init__(anatomy, posterior, filling, mechanics, comm, Contractile)
        self.ventricle.newton.close, self.ventricle.newton.faster = CLOSE, FASTER

    def drive(self, muscle: Muscle, settings: Beat, scale: float) -> None:
        """Let cells (of the anatomy) contract as ``muscle`` says, with a factor on their tension."""
        here, self.calcium = self._mapping.cells, muscle.calcium
        local = replace(muscle, calcium=self._here(muscle.calcium), share=muscle.share[here])
        self.cells = Cells(self.ventricle, local, settings.coupling, scale)
        self._weights = self._muscle[here]

    def renew(self, calcium: Calcium) -> None:
        """Go on with other calcium of the anatomy's cells."""
        self.calcium = calcium
        self.cells.muscle = replace(self.cells.muscle, calcium=self._here(calcium))

    def unloaded(self) -> np.ndarray | None:
        """Displacement (point, 3) in mm of the anatomy's points to the unloaded shape, on rank 0."""
        return at_points(self.ventricle, self._mapping, self.ventricle.reference.x.array)

    def _here(self, calcium: Calcium) -> Calcium:
        here = self._mapping.cells
        return replace(calcium, kind=calcium.kind[here], activation=calcium.activation[here])

    def strengthen(self, factor: float) -> None:
        self.cells.scale *= factor

    def mean_tension(self) -> float:
        return self.cells.mean(self._weights)

    def mean_calcium(self, times: np.ndarray) -> np.ndarray:
        """Mean calcium (time,) in µM of contracting muscle at times in ms."""
        return np.array([self.cells.calcium(self._weights, float(time)) for time in times])

    def _equilibrium(self, volume: float, time: float) -> float:
        return self.cells.hold(self.journal, volume, time)


class Strengthening:
    """The factor on tension that brings the stroke volume to a goal in mL: by the last two beats, at first by the
    closed form at the end of systole, where T b(V) + p0(V) keeps the pressure: dV / d ln T = -T b / (dp/dV)."""

    def __init__(self, goal: float) -> None:
        self.goal = goal
        self._total = 0.0  # logarithm of the factors so far
        self._last: tuple[float, float] | None = None  # that of the beat before, and its stroke volume

    def __call__(self, volume: np.ndarray, pump: Pump) -> float:
        stroke = float(np.ptp(volume))
        slope = _closed_form_slope(volume, pump)
        if self._last is not None and abs(self._total - self._last[0]) > TELLING:
            secant = (stroke - self._last[1]) / (self._total - self._last[0])
            slope = float(np.clip(secant, 0.5 * slope, 1.5 * slope))
        self._last = self._total, stroke
        factor = float(np.clip(np.exp((self.goal - stroke) / slope), SMALLEST_STEP, LARGEST_STEP))
        self._total += np.log(factor)
        return factor


def _closed_form_slope(volume: np.ndarray, pump: Pump) -> float:
    """mL of stroke volume per ln T; of a heart that contracts (at least 1 mmHg, at most 10 mL per mmHg)."""
    index = int(np.argmin(volume))
    least, time = float(volume[index]), index / len(volume) * pump.period
    active = pump.static(least, pump.tension(time)) - pump.static(least, 0.0)
    rise = pump.pressure(least + 0.5, time) - pump.pressure(least - 0.5, time)
    return max(active, 1.0) / max(rise, 0.1)


def simulate(
    anatomy: xr.Dataset,
    posterior: xr.Dataset,
    activation: xr.Dataset,
    targets: xr.Dataset,
    clinical: Clinical,
    settings: Beat,
    mechanics: Mechanics,
    comm: MPI.Comm,
    *,
    electrophysiology: Electrophysiology,
    checkpoint: Path | None = None,
    feedback: Callable[[CellHeart], circulation.Renewed] | None = None,
) -> xr.Dataset:
    """The periodic beat as VARIABLES["beat"] has it (displacements on rank 0 only), driven by cells.

    ``checkpoint`` is as in ``beat.simulate``; ``feedback`` gives what beats of the heart do to its cells.
    Raises Quarantined: beat-unsteady, beat-diverged, circulation-unsteady, mechanics-diverged, contraction-diverged,
    no-calcium, calcium-unsteady, and what feedback raises.
    """
    cycle, end_diastole = float(targets.cycle), int(targets.end_diastole)
    heart = CellHeart(anatomy, posterior, float(posterior.pressure[end_diastole]), mechanics, comm)
    late = delays(beat.of_cells(anatomy, activation), beat.healthy(anatomy, posterior))
    muscle = muscle_of(anatomy, posterior, late, electrophysiology, cycle, settings)
    heart.drive(muscle, settings, BEGIN)
    goals = beat.goals_of(posterior, clinical, end_diastole)
    calibrated = Curve(posterior.time.values, posterior.tension.values, cycle)
    pump = beat.learned(posterior, heart.unloaded_volume(), calibrated)

    def circulate(pump: Pump, last: Loop | None) -> Loop:
        return circulation.fit(pump, cycle / 1000, goals, last)

    renewed = feedback(heart) if feedback else circulation.as_it_is
    return marched(heart, pump, circulate, settings, checkpoint, Strengthening(goals.stroke_volume[0]), renewed)


def marched(
    heart: CellHeart,
    pump: Pump,
    circulate: beat.Circulate,
    settings: Beat,
    checkpoint: Path | None,
    stronger: circulation.Stronger = circulation.as_strong,
    renewed: circulation.Renewed = circulation.as_it_is,
) -> xr.Dataset:
    """The periodic beat in the circulation that ``circulate`` gives; ``checkpoint`` is as in ``beat.run``."""
    times = beat.times(heart.cells.muscle.cycle, settings)
    heart.move(heart.cells.muscle.cycle)
    with Journal(checkpoint, heart.ventricle, heart.cells.name) as heart.journal:
        coupled = circulation.march(heart, pump, circulate, times, settings.beats, settings.steady, stronger, renewed)
    beat.check(coupled.steadiness, settings)
    return dataset(heart, coupled, settings.frames)


def muscle_of(
    anatomy: xr.Dataset,
    posterior: xr.Dataset,
    late: np.ndarray,
    parameters: Electrophysiology,
    cycle: float,
    settings: Beat,
) -> Muscle:
    """The cells of the anatomy, activated ``late`` (cell,) in ms: the R wave, time 0, is where the mean cell is."""
    law, unloaded = LAWS[settings.contraction], settings.unloaded_stretch
    source = calcium(anatomy, parameters, cycle, late, law, unloaded)
    return Muscle(law, source, posterior.contractile.values, unloaded)


def dataset(heart: CellHeart, coupled: Coupled, frames: int) -> xr.Dataset:
    """The beat's store, with calcium, and the scale of tension and its largest possible value as attributes."""
    times = coupled.time
    mean = Curve(times, np.array([coupled.pump.tension(t / 1000) for t in times]), coupled.pump.period * 1000)
    scale = heart.cells.scale
    figures = {"tension_scale": scale, "reference_tension": scale * heart.cells.muscle.law.reference}
    found = beat.dataset(heart, coupled, mean, frames).assign_attrs(figures)
    return found.assign(calcium=("time", heart.mean_calcium(times)))
