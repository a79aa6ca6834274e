"""Conduction velocities: Taylor test of the discrete derivatives, and recovery of what was planted on another mesh."""

from collections.abc import Iterator
from functools import cache

import numpy as np
import xarray as xr

from .. import fibers
from ..calibration import conduction
from ..electrophysiology import substrate
from ..electrophysiology.wavefront import NAMES, Wavefront
from ..intake.activation_map import ActivationMap
from ..mesh import synthetic
from ..parameters import Electrophysiology, Fibers
from ..parameters.calibration import Conduction
from .row import Row, timed

SINUS = Electrophysiology(size="1.2 mm", velocity_transverse="0.4 mm/ms")
"""From the usual sites, at velocities that are not the planted ones, on a mesh for the third of a human heart."""
PACED = SINUS.model_copy(update={"roots": (), "leads": ((0.6, 180.0, 1.0, 0.0),)})
"""From the lateral epicardium: on its way the wave runs along and across fibres."""
KNOWN = Conduction(fitted=NAMES, map_sigma="2 ms", qrs_sigma="3 ms", reach="5 mm")
PLANTED = {"fiber": 0.75, "transverse": 0.33, "endocardium": 1.1}  # mm/ms
POINTS, OFFSET = 150, -37.0  # of the map; ms, of its clock
SHAPE = {"short": (10.0, 16.0), "long": (24.0, 30.0), "base": 6.0}  # mm


def rows() -> Iterator[Row]:
    """The rows of ``make verify``."""
    yield timed("conduction velocities, Taylor test of the gradient: order", 2.0, 0.05, "theory", order)
    text = "planted truth on another mesh, map of 150 points, 2 ms"
    for words, parameters, names in (("sinus rhythm", SINUS, NAMES[1:]), ("paced", PACED, NAMES)):
        off = errors(conduction.calibrate(heart(), (KNOWN, parameters, Fibers()), *planted(parameters)))
        for name in names:
            yield timed(f"recovery of the velocity of {name}, {words} (%)", 0.0, 10.0, text, lambda: off[name])  # noqa: B023


@cache
def heart() -> xr.Dataset:
    """The anatomy of the inverse problem: 13,000 points at 1.2 mm."""
    return fibers.assign(synthetic.ellipsoid(4.0, 2, **SHAPE), Fibers())


def planted(parameters: Electrophysiology) -> tuple[float, ActivationMap]:
    """QRS duration in ms, and a map of points of both walls with errors of 2 ms and 0.5 mm, of another anatomical and
    another electrical mesh (63,000 points at 0.7 mm) with the planted velocities."""
    fine = parameters.model_copy(update={"size": 0.7})
    wall = substrate.build(fibers.assign(synthetic.ellipsoid(3.0, 3, **SHAPE), Fibers()), fine, Fibers())
    time = Wavefront(wall, fine).front(np.log(list(PLANTED.values()))).time
    rng, to_lps = np.random.default_rng(5), heart()["to_lps"].values
    walls = np.flatnonzero(np.isin(wall.muscle["depth"].values, (0, 1)))
    nodes = rng.choice(walls, POINTS, replace=False)
    points = wall.muscle["points"].values[nodes] + rng.normal(0, 0.5, (POINTS, 3))
    times = time[nodes] + OFFSET + rng.normal(0, 2, POINTS)
    return float(np.ptp(time)), ActivationMap(points @ to_lps[:3, :3].T + to_lps[:3, 3], times)


def errors(found: xr.Dataset) -> dict[str, float]:
    """Of the velocities, in %."""
    return {name: 100 * (float(found[f"velocity_{name}"]) / value - 1) for name, value in PLANTED.items()}


def order() -> float:
    """By how what is left after the gradient of the discrete misfit falls with the step.

    Steps are so small that all points of the map have their times from the same face: where one changes over, as fronts
    collide there, the misfit itself has a kink.
    """
    wall = substrate.build(heart(), SINUS, Fibers())
    places = wall.muscle["points"].values, heart()["to_lps"].values
    fit = conduction.Fit(Wavefront(wall, SINUS), conduction.placed(*places, *planted(SINUS), KNOWN), SINUS)
    x, way = np.append(fit.mean[:-1], OFFSET), np.array([0.3, -0.5, 0.4, 2.0])
    gradient, misfit = fit.jacobian(x).T @ fit.residuals(x), 0.5 * np.sum(fit.residuals(x) ** 2)
    steps = 4e-4 * 0.5 ** np.arange(5)
    left = [0.5 * np.sum(fit.residuals(x + h * way) ** 2) - misfit - h * gradient @ way for h in steps]
    return float(np.polyfit(np.log(steps), np.log(np.abs(left)), 1)[0])
