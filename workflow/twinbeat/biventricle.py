"""The beat of both ventricles: the calibrated muscle of the left one in a mesh of both, between two circulations.

Calibration stays with the left ventricle alone. Its stiffness, tension and scar go into the left wall and the septum,
ratios of ``beat.both`` times those into the right wall. Each muscle contracts when it is activated; where the left one
alone was, the right wall goes with the muscle next to it. The mesh is at rest
under both end-diastolic pressures. Both ventricles are pumps of the closed loop (``circulation.Pumps``), each corrected
to its pressures in three dimensions.
"""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import xarray as xr
from mpi4py import MPI
from scipy.spatial import cKDTree

from . import beat, circulation
from .activation import Curve, local_curve
from .circulation import Loop, Pumps, Reading
from .fibers import SCAR
from .fibers.regions import RIGHT_WALL
from .intake.clinical import Clinical
from .mesh.interpolate import averaging
from .parameters import Beat, BothVentricles, Mechanics
from .units import KPA_PER_MMHG

log = logging.getLogger("twinbeat")
READINGS = 12
"""States, at most, that the closed forms learn from before the first beat."""


def simulate(
    heart: xr.Dataset,
    anatomy: xr.Dataset,
    posterior: xr.Dataset,
    activation: xr.Dataset,
    targets: xr.Dataset,
    clinical: Clinical,
    settings: Beat,
    mechanics: Mechanics,
    comm: MPI.Comm,
    checkpoint: Path | None = None,
) -> xr.Dataset:
    """The periodic beat as VARIABLES["beat"] has it, with the right ventricle's; displacements are those of ``heart``.

    ``heart`` is the mesh of both ventricles with its fibres, the other stores are those of the left one;
    ``checkpoint`` is as in ``beat.run``. Raises Quarantined: beat-unsteady, circulation-unsteady, mechanics-diverged.
    """
    both, cycle, end_diastole = settings.both, float(targets.cycle), int(targets.end_diastole)
    filling = np.array([float(posterior.pressure[end_diastole]), both.end_diastolic_pressure])
    own = mechanics.model_copy(update={"elements": both.elements})
    beating = beat.Heart(heart, carried(heart, anatomy, posterior, both), filling, own, comm)
    curve = Curve(posterior.time.values, posterior.tension.values, cycle)
    early, muscle = beat.of_cells(anatomy, activation), beat.healthy(anatomy, posterior)
    late = delayed(heart, activation, float(np.average(early, weights=muscle)))
    beating.contract(local_curve(curve, early, muscle), late)
    pumps = taught(beating, curve, posterior, end_diastole)
    goals = beat.goals_of(posterior, clinical, end_diastole)
    start = circulation.begin(pumps, cycle / 1000, beating.full)

    def circulate(pumps: Pumps, last: Loop | None) -> Loop:
        return circulation.fit(pumps, cycle / 1000, goals, last or start)

    return beat.run(beating, pumps, circulate, curve, settings, checkpoint)


def carried(heart: xr.Dataset, anatomy: xr.Dataset, posterior: xr.Dataset, both: BothVentricles) -> xr.Dataset:
    """What ``beat.Heart`` takes from a posterior, on the cells of both ventricles: the left wall has that of the
    nearest cell of the left ventricle alone."""
    right = heart["cell_tags"].values == RIGHT_WALL
    nearest = cKDTree(_middles(anatomy)).query(_middles(heart))[1]
    stiffening = np.ones(len(right))
    if "scar_stiffening" in posterior:
        stiffening[posterior["tissue"].values[nearest] == SCAR] = float(posterior["scar_stiffening"])
    fields = {
        "contractile": np.where(right, both.tension, posterior["contractile"].values[nearest]),
        "stiffening": np.where(right, both.stiffness, stiffening),
    }
    kept = [name for name in ("stiffness", "pericardium") if name in posterior]
    return posterior[kept].assign({name: ("cell", values) for name, values in fields.items()})


def delayed(heart: xr.Dataset, activation: xr.Dataset, mean: float) -> np.ndarray:
    """How much later (cell,) in ms than the ``mean`` cell those of both ventricles contract: as the nearest muscle that
    was activated."""
    fine = activation["fine_points"].values, activation["fine_cells"].values
    onto = averaging(heart["points"].values, heart["cells"].values, *fine)
    return onto @ activation["fine_activation"].values - mean


def _middles(mesh: xr.Dataset) -> np.ndarray:
    return mesh["points"].values[mesh["cells"].values].mean(axis=1)


def taught(beating: beat.Heart, curve: Curve, posterior: xr.Dataset, end_diastole: int) -> Pumps:
    """The closed forms of both ventricles, from the heart held at calibrated frames.

    The left volume changes as calibration found it, the right one as much: over a beat both eject the same.
    """
    unloaded, full = beating.unloaded_volume(), beating.full
    ejected = posterior.volume.values[end_diastole] - posterior.volume.values
    readings: list[list[Reading]] = []
    frames = np.unique(np.linspace(0, len(ejected) - 1, READINGS).round().astype(int))
    for count, frame in enumerate(frames, 1):
        time, volume = float(posterior.time[frame]), full - ejected[frame]
        pressure = np.asarray(beating.hold(volume, time)) / KPA_PER_MMHG
        log.info("beat: state %d of %d that both pumps learn from", count, len(frames))
        readings.append([Reading(*map(float, one)) for one in zip(volume, [curve(time)] * 2, pressure, strict=True)])
    period = curve.cycle / 1000
    learned = [
        replace(circulation.learn(own, float(rest), curve, period), limit=float(most / rest - 1))
        for own, rest, most in zip(zip(*readings, strict=True), unloaded, full, strict=True)
    ]
    return Pumps(*learned)
