"""A synthetic twin: a coarse ellipsoid whose posterior comes from its own mechanics, for tests of the beat."""

import numpy as np
import pytest
import xarray as xr
from mpi4py import MPI

from twinbeat import fibers
from twinbeat.intake.clinical import Clinical, Figure
from twinbeat.mechanics import Ventricle, from_anatomy
from twinbeat.mesh import synthetic
from twinbeat.parameters import Fibers, Mechanics

CYCLE, END_DIASTOLIC, STIFFNESS, PEAK = 800.0, 1.2, 2.0, 55.0
VOLUME = np.array([1.0, 1.0, 0.92, 0.75, 0.62, 0.56, 0.56, 0.66, 0.84, 0.93, 0.98, 1.0])
TENSION = np.array([0.0, 0.35, 0.75, 0.95, 1.0, 0.9, 0.4, 0.08, 0.0, 0.0, 0.0, 0.0])


def twin(
    comm: MPI.Comm, size: float = 22.0, layers: int = 1, tension: np.ndarray = PEAK * TENSION, **chosen: str
) -> dict[str, xr.Dataset]:
    """Stores anatomy, posterior, activation and targets of 12 frames; segment 7 is a scar. The same on every rank.

    ``tension`` (frame,) is that of healthy muscle in kPa; ``chosen`` are entries of ``mechanics``.
    """
    stores = _twin(size, layers, tension, Mechanics(**chosen)) if comm.rank == 0 else None
    return comm.bcast(stores, root=0)


def _twin(size: float, layers: int, tension: np.ndarray, mechanics: Mechanics) -> dict[str, xr.Dataset]:
    anatomy = fibers.assign(synthetic.ellipsoid(size, layers), Fibers())
    ventricle, _ = from_anatomy(anatomy, mechanics, MPI.COMM_SELF)
    ventricle.stiffness.value = STIFFNESS
    ventricle.unload(END_DIASTOLIC)
    healthy = np.where(anatomy.segment.values == 7, 0.0, 1.0)
    volume, pressure = VOLUME * ventricle.cavity_volume(), []
    for v, T in zip(volume, tension, strict=True):
        ventricle.tension.x.array[:] = T * healthy[ventricle.domain.topology.original_cell_index]
        pressure.append(ventricle.solve_volume(lambda _, v=v: (v, 0.0)))
    time = {"time": np.arange(12) * CYCLE / 12}
    fitted = {"volume": ("time", volume), "pressure": ("time", pressure), "tension": ("time", tension)}
    posterior = xr.Dataset({**fitted, "contractile": ("cell", healthy), "stiffness": STIFFNESS}, time)
    times = 40 * anatomy.longitudinal.values
    activation = xr.Dataset(
        {
            "activation": ("point", times),
            "fine_points": (("fine_point", "component"), anatomy.points.values),
            "fine_cells": (("fine_cell", "corner"), anatomy.cells.values),
            "fine_activation": ("fine_point", times),
        }
    )
    targets = xr.Dataset({"cycle": CYCLE, "end_diastole": 0})
    return {"anatomy": anatomy, "posterior": posterior, "activation": activation, "targets": targets}


def clinical() -> Clinical:
    """A cuff of 95 / 68 mmHg, which is what the tension of this ventricle gives."""
    known = {"systolic": 12.7, "diastolic": 9.0, "lv_end_diastolic_pressure": END_DIASTOLIC}
    figures = {name: Figure(value=value, sigma=0.7, source="measured") for name, value in known.items()}
    return Clinical(heart_rate=Figure(value=75.0, sigma=2.0, source="measured"), **figures)


def cut_off(patch: pytest.MonkeyPatch, after: float = np.inf) -> list:
    """Let the machine cut a run off ``after`` so many equilibria with MemoryError; grows with those that are solved."""
    solve, solved = Ventricle.solve_volume, []

    def counted(ventricle, law):
        if len(solved) == after:
            raise MemoryError
        solved.append(law)
        return solve(ventricle, law)

    patch.setattr(Ventricle, "solve_volume", counted)
    return solved
