"""Calibration: Taylor test of the adjoint gradient, and recovery of what was planted on another mesh."""

from collections.abc import Iterator

import numpy as np
import xarray as xr
from mpi4py import MPI

from .. import fibers
from ..calibration import calibrate, contraction, scales, targets
from ..calibration.observations import COUNT, Observations
from ..calibration.problem import Evaluation, Frames, Point, Problem
from ..mechanics import contractile, problems
from ..parameters import Calibration, Mechanics
from .row import Row, timed

REST = 1.3
PRESSURE = np.array([REST, 3.0, 8.0, 12.0, 14.5, 15.0, 14.0, 9.0, 3.0, 0.5, 0.6, 0.75, 0.9, 1.1])
TENSION = np.array([0.0, 9.0, 27.0, 43.0, 55.0, 60.0, 57.0, 40.0, 16.0, 0.0, 0.0, 0.0, 0.0, 0.0])
STIFFNESS, SCAR = 1.7, (7, 13)
NOISE, PRESSURE_SIGMA = 0.01, 0.05


def rows() -> Iterator[Row]:
    """The rows of ``make verify``."""
    yield from _gradient()
    yield from _recovery()


def _problem(size: float, controls: Calibration | None = None) -> tuple[Problem, xr.Dataset]:
    """A human-sized ventricle with tetrahedra of ``size`` mm and a scar, to be seen in the planted frames; with
    ``controls`` the shares of segments and what these scale are unknown as well."""
    ventricle, mapping, anatomy = problems.human(MPI.COMM_SELF, size, 1)
    ventricle.newton.tolerance = 1e-8
    count = len(PRESSURE) - 1
    goal, weight = np.full((count, COUNT), 20.0), np.ones((count, COUNT))
    frames = Frames(PRESSURE[1:], np.full(count, PRESSURE_SIGMA), goal, weight, TENSION[1:] > 0)
    observations = Observations(ventricle, targets.of_mesh(anatomy))
    tissue = _tissue(anatomy)[mapping.cells]
    further = {}
    if controls is not None:
        further["regions"] = contraction.regions(anatomy)[mapping.cells]
        further["scaled"] = scales.sought(ventricle, tissue == fibers.SCAR, controls)
    return Problem(ventricle, contractile(tissue), observations, frames, **further), anatomy


def _tissue(anatomy: xr.Dataset) -> np.ndarray:
    return fibers.tissue(anatomy, np.isin(anatomy["segment"].values, SCAR), 0.0)


def _planted(problem: Problem) -> Evaluation:
    shares, logs = np.linspace(0.7, 1.3, problem.shares), np.full(len(problem.scaled), 0.4)
    problem.unload(STIFFNESS, REST, logs)
    states = []
    for tension, pressure in zip(TENSION[1:], PRESSURE[1:], strict=True):
        problem.load(tension, pressure, shares)
        problem.ventricle.solve()
        states.append(problem.ventricle.snapshot())
    return problem.evaluate(Point(STIFFNESS, REST, TENSION[1:], PRESSURE[1:], shares, logs), states)


def _gradient() -> Iterator[Row]:
    """Order of the Taylor remainder along a direction in all parameters, and adjoint against tangents."""
    problem, _ = _problem(20.0, Calibration(scar_stiffening={"fitted": True}, pericardium={"fitted": True}))
    first = _planted(problem)
    logs, shares = np.array([0.3, -0.3]), 0.2 * np.cos(np.arange(problem.shares))
    direction = np.concatenate([[0.4, 0.2], logs, shares, -0.1 * TENSION[1:], 0.1 * PRESSURE[1:]])

    def half(evaluation: Evaluation) -> float:
        return 0.5 * float(np.sum(evaluation.misfit(problem.frames) ** 2))

    def remainder(h: float) -> float:
        there = Point(
            stiffness=STIFFNESS * np.exp(h * direction[0]),
            end_diastolic=REST + h * direction[1],
            tension=(1 - 0.1 * h) * TENSION[1:],
            pressure=(1 + 0.1 * h) * PRESSURE[1:],
            shares=first.point.shares + h * shares,
            logs=first.point.logs + h * logs,
        )
        moved = problem.evaluate(there, [solution.snapshot for solution in first.solutions])
        return half(moved) - half(first) - h * first.gradient @ direction

    def off() -> float:
        tangent = first.tangent_gradient(problem.frames)
        size = np.where(tangent == 0, 1.0, np.abs(tangent))  # nought by the share of a segment without muscle
        return float((np.abs(first.gradient - tangent) / size).max())

    yield timed(
        "Taylor test of the adjoint gradient: order",
        2.0,
        0.05,
        "theory; remainders at h = 0.04 and 0.02",
        lambda: np.log2(remainder(0.04) / remainder(0.02)),
    )
    yield timed("adjoint against tangent gradient: largest relative difference", 0.0, 1e-7, "theory", off)


def _recovery() -> Iterator[Row]:
    """Planted on a mesh of 12 mm, recovered on one of 18 mm; the ejection fraction in points."""
    source, _ = _problem(12.0)
    seen = _planted(source).values
    source.unload(STIFFNESS, REST)
    ratio = np.concatenate([np.ones((1, COUNT)), seen / source.observations.values()])
    ratio[1:] *= 1 + NOISE * np.random.default_rng(2026).standard_normal(seen.shape)
    twin, anatomy = _problem(18.0)
    goal = ratio * twin.observations.values()
    found = calibrate(anatomy, aims(goal, PRESSURE, 0.5, 60.0, 850.0), _tissue(anatomy), Calibration(), Mechanics())
    fractions = [100 * (1 - volume.min() / volume[0]) for volume in (found.volume.values, goal[:, 0])]
    text = "planted truth on another mesh, 1 % noise"
    yield timed("recovery of the stiffness (%)", 0, 15, text, lambda: 100 * (float(found.stiffness) / STIFFNESS - 1))
    peak = float(found.tension.max())
    yield timed("recovery of the peak tension (%)", 0, 15, text, lambda: 100 * (peak / TENSION.max() - 1))
    yield timed("recovery of the ejection fraction (points)", fractions[1], 3, text, lambda: fractions[0])


def aims(goal: np.ndarray, pressure: np.ndarray, radius_sigma: float, step: float, cycle: float) -> xr.Dataset:
    """Targets of values (frame, 17) at planted pressures (frame,) in kPa, ``step`` ms apart; radii are known to so many
    mm, volumes to NOISE of end-diastole's."""
    count = len(goal)
    return xr.Dataset(
        {
            "volume": (("time",), goal[:, 0]),
            "volume_sigma": (("time",), np.full(count, NOISE * goal[0, 0])),
            "pressure": (("time",), pressure),
            "pressure_sigma": (("time",), np.full(count, PRESSURE_SIGMA)),
            "radius": (("segment", "time"), goal[:, 1:].T),
            "radius_sigma": (("segment", "time"), np.full((COUNT - 1, count), radius_sigma)),
            "end_diastole": 0,
            "end_systole": int(goal[:, 0].argmin()),
            "cycle": cycle,
        },
        coords={"time": step * np.arange(count), "segment": np.arange(1, COUNT)},
    )
