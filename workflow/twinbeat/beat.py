"""The beating twin: its calibrated ventricle, driven by its activation, in a circulation fitted to the patient.

The calibrated tension becomes a curve of the time since local activation; the circulation gets the patient's heart
rate, pressures and stroke volume; both are solved together for the periodic beat (``circulation.couple``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr
from mpi4py import MPI

from . import circulation, mesh
from .activation import Curve, delays, lasting, local_curve
from .circulation import Coupled, Goals, Loop, Pump, Pumps, Reading
from .fibers import SCAR, SEGMENTS
from .fibers.regions import LEFT_WALL
from .intake.clinical import Clinical
from .mechanics import Dynamics, FiberStrain, Journal, Per, Snapshot, Ventricle, at_points, from_anatomy
from .parameters import Beat, Mechanics, WhatIf
from .units import KPA_PER_MMHG
from .verdicts import Quarantined

TOLERANCE = 1e-3
"""Of Newton's last step in mm and kPa; the error is about its square."""
FILLING_SIGMA, STROKE_SIGMA = 0.1, 0.02
"""Standard deviations to which the circulation meets end-diastolic pressure (kPa) and stroke volume (share of EDV)."""


@dataclass(frozen=True)
class Factors:
    """A heart varied about the calibrated one: factors on stiffness, tension, filling pressure and resistance."""

    stiffness: float = 1.0
    tension: float = 1.0
    preload: float = 1.0
    resistance: float = 1.0


class Heart:
    """The ventricle of a twin, or both; ``hold`` makes it a heart for ``circulation.couple``.

    The anatomy is at rest under the cavity pressures ``filling`` (kPa), ``full`` (cavity,) mL. Where ``mechanics`` has
    mass or viscosity, muscle has from ``move`` on, and is a heart for ``circulation.march``. Keeps of each time held
    the displacement of the anatomy's points (on rank 0) and the fibre strain per segment.
    """

    def __init__(
        self,
        anatomy: xr.Dataset,
        posterior: xr.Dataset,
        filling: Per,
        mechanics: Mechanics,
        comm: MPI.Comm,
        solid: type[Ventricle] = Ventricle,
    ) -> None:
        self._dynamics = Dynamics(mechanics.density, mechanics.viscosity) if mechanics.dynamic else None
        self.ventricle, self._mapping = from_anatomy(anatomy, mechanics, comm, solid, self._dynamics)
        self.ventricle.newton.tolerance = TOLERANCE
        self.ventricle.stiffness.value = float(posterior.stiffness)
        self._scale(posterior)
        self.ventricle.unload(filling)
        self.full = self.ventricle.volumes()
        self._strain = FiberStrain(self.ventricle, anatomy.segment.values[self._mapping.cells])
        self.journal = Journal(None, self.ventricle)
        self._held: dict[float, Snapshot] = {}
        self.displacement: dict[float, np.ndarray | None] = {}
        self.strain: dict[float, np.ndarray] = {}
        self.contractile, self._muscle = posterior.contractile.values, healthy(anatomy, posterior)
        self._curve, self._delays = Curve(np.array([0.0]), np.array([0.0]), 1.0), np.zeros(len(self.contractile))

    def _scale(self, posterior: xr.Dataset) -> None:
        """The scaled properties that calibration found."""
        if "pericardium" in posterior:
            self.ventricle.pericardium.value *= float(posterior.pericardium)
        if "scar_stiffening" in posterior:
            scar = posterior.tissue.values[self._mapping.cells] == SCAR
            self.ventricle.stiffening.x.array[scar] = float(posterior.scar_stiffening)
        if "stiffening" in posterior:
            self.ventricle.stiffening.x.array[:] = posterior.stiffening.values[self._mapping.cells]

    def contract(self, local: Curve, late: np.ndarray) -> None:
        """Let cells contract as ``local``, each ``late`` (cell,) by so many ms."""
        self._curve, self._delays = local, late

    def move(self, cycle: float) -> bool:
        """Whether muscle has mass or viscosity, as it has from here on; times come again after a cycle in ms."""
        if self._dynamics:
            self._dynamics.start(cycle)
        return self._dynamics is not None

    def strengthen(self, factor: float) -> None:
        """Let muscle develop this much more tension."""
        self.contractile = factor * self.contractile

    def mean_tension(self) -> float:
        """Of healthy muscle where it was held last, kPa."""
        return float(self._muscle @ self._tension / self._muscle.sum())

    def unloaded_volume(self) -> Per:
        """Volume in mL of the unloaded cavity."""
        ventricle, now = self.ventricle, self.ventricle.snapshot()
        ventricle.state.x.array[:] = ventricle.reference.x.array
        volumes = ventricle.volumes()
        ventricle.restore(now)
        return float(volumes[0]) if len(volumes) == 1 else volumes

    def hold(self, volume: Per, time: float) -> Per:
        """Cavity pressure in kPa at a volume in mL and a time in ms, sought from the state of the last beat."""
        if self._dynamics:
            self._dynamics.to(time)
        if time in self._held:
            self.ventricle.restore(self._held[time])
        pressure = self._equilibrium(volume, time)
        self._held[time], self.strain[time] = self.ventricle.snapshot(), self._strain()
        self.displacement[time] = at_points(self.ventricle, self._mapping, self.ventricle.state.x.array)
        return self.ventricle.comm.bcast(pressure, root=0)

    def _equilibrium(self, volume: Per, time: float) -> Per:
        self._tension = self.contractile * self._curve(time - self._delays)
        self.ventricle.tension.x.array[:] = self._tension[self._mapping.cells]
        return self.journal.hold(volume)


def simulate(
    anatomy: xr.Dataset,
    posterior: xr.Dataset,
    activation: xr.Dataset,
    targets: xr.Dataset,
    clinical: Clinical,
    beat: Beat,
    mechanics: Mechanics,
    comm: MPI.Comm,
    factors: Factors | None = None,
    checkpoint: Path | None = None,
) -> xr.Dataset:
    """The periodic beat as VARIABLES["beat"] has it (displacements on rank 0 only), varied by ``factors``.

    A run that was cut off goes on where it was if it is started again with the same ``checkpoint``, a folder.

    Raises Quarantined: beat-unsteady, circulation-unsteady, mechanics-diverged.
    """
    factors = factors or Factors()
    cycle, end_diastole = float(targets.cycle), int(targets.end_diastole)
    heart = Heart(anatomy, posterior, float(posterior.pressure[end_diastole]), mechanics, comm)
    heart.ventricle.stiffness.value *= factors.stiffness
    curve = Curve(posterior.time.values, factors.tension * posterior.tension.values, cycle)
    early, muscle = of_cells(anatomy, activation), healthy(anatomy, posterior)
    heart.contract(local_curve(curve, early, muscle), delays(early, muscle))
    unloaded, goals = heart.unloaded_volume(), goals_of(posterior, clinical, end_diastole)
    calibrated = Curve(posterior.time.values, posterior.tension.values, cycle)
    fitted = circulation.fit(learned(posterior, unloaded, calibrated), cycle / 1000, goals)
    pump = learned(posterior, unloaded, curve).stiffened(factors.stiffness)

    def circulate(pump: Pump, last: Loop | None) -> Loop:
        if factors == Factors():
            return circulation.fit(pump, cycle / 1000, goals, last or fitted)
        filling = factors.preload * goals.end_diastolic[0]
        return circulation.settle(pump, last or fitted, factors.resistance * fitted.resistance, filling)

    return run(heart, pump, circulate, curve, beat, checkpoint)


Circulate = Callable[[Pump, Loop | None], Loop]
"""The limit cycle with a pump, starting from the last one."""


def run(
    heart: Heart, pump: Pump, circulate: Circulate, mean: Curve, beat: Beat, checkpoint: Path | None = None
) -> xr.Dataset:
    """The periodic beat of a heart whose muscle has a ``mean`` tension, in the circulation that ``circulate`` gives.

    Equilibria are kept in the folder ``checkpoint`` until it is found, to go on there after the machine cut it off.
    """
    go = partial(circulation.march, starling=0.0) if heart.move(mean.cycle) else circulation.couple
    with Journal(checkpoint, heart.ventricle) as heart.journal:
        coupled = go(heart, pump, circulate, times(mean.cycle, beat), beat.beats, beat.steady)
    check(coupled.steadiness, beat)
    return dataset(heart, coupled, mean, beat.frames)


def times(cycle: float, beat: Beat) -> np.ndarray:
    """When the heart is solved within a ``cycle``, ms."""
    return np.arange(0, cycle - beat.time_step / 2, beat.time_step)


def going_on(pump: Pump, usual: xr.Dataset, own: float, run: WhatIf) -> Circulate:
    """The circulation of the ``usual`` beat, whose cycle is ``own`` in ms, with what ``run`` changes about it."""
    cycle, scales = run.cycle(own), (usual.attrs["resistance_scale"], usual.attrs["compliance_scale"])
    start = circulation.resume(pump, cycle / 1000, scales, usual.state.values, lasting(cycle, own))
    blood = run.blood * start.circulation.blood(usual.state.values)

    def circulate(pump: Pump, last: Loop | None) -> Loop:
        return circulation.keep(pump, last or start, run.resistance * start.resistance, blood)

    return circulate


def of_cells(anatomy: xr.Dataset, activation: xr.Dataset) -> np.ndarray:
    """Activation (cell,) in ms: the means of the left wall's on the electrical mesh."""
    fine = activation["fine_cells"].values
    left = fine[activation["fine_wall"].values == LEFT_WALL] if "fine_wall" in activation else fine
    onto = mesh.averaging(anatomy["points"].values, anatomy["cells"].values, activation["fine_points"].values, left)
    return onto @ activation["fine_activation"].values


def healthy(anatomy: xr.Dataset, posterior: xr.Dataset) -> np.ndarray:
    """Volume (cell,) in mm^3 of muscle that contracts."""
    return mesh.cell_volumes(anatomy.points.values, anatomy.cells.values) * posterior.contractile.values


def check(steadiness: float, beat: Beat) -> None:
    """Raise Quarantined("beat-unsteady") when the last two beats differ by more than ``beat.steady``."""
    if steadiness > beat.steady:
        found = f"the last two beats differ by {steadiness:.2g}, expected at most {beat.steady:g}"
        raise Quarantined("beat-unsteady", found)


def goals_of(posterior: xr.Dataset, clinical: Clinical, end_diastole: int) -> Goals:
    """What the circulation shall show: the calibrated filling and stroke, and the cuff's pressures."""
    volume = posterior.volume.values
    return Goals(
        end_diastolic=(float(posterior.pressure[end_diastole]), FILLING_SIGMA),
        systolic=(clinical.systolic.value, clinical.systolic.sigma),
        diastolic=(clinical.diastolic.value, clinical.diastolic.sigma),
        stroke_volume=(float(np.ptp(volume)), STROKE_SIGMA * float(volume.max())),
    )


def learned(posterior: xr.Dataset, unloaded: float, mean: Curve) -> Pump:
    """The closed form of the calibrated heart, from its fitted frames, with a ``mean`` tension of its muscle."""
    fitted = zip(
        posterior.volume.values, posterior.tension.values, posterior.pressure.values / KPA_PER_MMHG, strict=True
    )
    readings = [Reading(*map(float, frame)) for frame in fitted]
    return circulation.learn(readings, unloaded, mean, mean.cycle / 1000)


def dataset(heart: Heart, coupled: Coupled, curve: Curve, frames: int) -> xr.Dataset:
    """The beat's store; its attributes are figures of the loop."""
    times, cycle = coupled.time, coupled.loop.cycle
    volume, pressure = (found.reshape(len(times), -1)[:, 0] for found in (coupled.volume, coupled.pressure))
    kept = times[np.unique(np.linspace(0, len(times) - 1, frames).round().astype(int))]
    shapes = [heart.displacement[float(t)] for t in kept]
    values = {
        "volume": (("time",), volume),
        "pressure": (("time",), pressure),
        "aortic_pressure": (("time",), coupled.aortic),
        "fiber_strain": (("segment", "time"), np.stack([heart.strain[float(t)] for t in times], axis=1)),
        "tension": (("time",), curve(times)),
        "steadiness": ((), coupled.steadiness),
        "state": (("quantity",), cycle.states[0]),
    }
    if shapes[0] is not None:
        values["displacement"] = (("frame", "point", "component"), np.stack(shapes))
    figures = {
        "ejection_fraction": 100 * float(np.ptp(volume) / volume.max()),
        "stroke_volume": float(np.ptp(volume)),
        "cycle": curve.cycle,
        "pressure_rise": float(np.gradient(cycle.pressure, cycle.time).max()),
        "resistance": float(coupled.loop.circulation.systemic_arteries.R),
        "compliance": float(coupled.loop.circulation.systemic_arteries.C),
        "resistance_scale": coupled.loop.resistance,
        "compliance_scale": coupled.loop.compliance,
    }
    coordinates = {"time": times, "frame": kept, "segment": SEGMENTS, "quantity": list(circulation.STATES)}
    found = xr.Dataset(values, coordinates, attrs=figures)
    return found if coupled.volume.ndim == 1 else with_the_right(found, coupled)


def with_the_right(beat: xr.Dataset, coupled: Coupled) -> xr.Dataset:
    """The beat with what is stored of the right ventricle; ``stroke_difference`` (mL, left less right) is 0 in a closed
    loop that repeats itself."""
    cycle = coupled.loop.cycle
    left, right = np.ptp(cycle.states[:, Pumps.chamber], axis=0)
    arterial = circulation.at(coupled.time, cycle, circulation.P_AR_PUL) * KPA_PER_MMHG
    found = {"volume": coupled.volume[:, 1], "pressure": coupled.pressure[:, 1], "arterial_pressure": arterial}
    figures = {"right_stroke_volume": float(right), "stroke_difference": float(left - right)}
    return beat.assign({f"right_{name}": ("time", values) for name, values in found.items()}).assign_attrs(figures)
