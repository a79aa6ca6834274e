"""What is stored of a calibrated heart: estimate, fitted motion and uncertainty, in the order of the targets."""

import numpy as np
import xarray as xr

from ..mechanics import at_points
from .fit import Estimate
from .pose import Posed
from .posterior import Posterior
from .problem import Problem
from .windows import SEGMENTS


def stored(posed: Posed, estimate: Estimate, posterior: Posterior, targets: xr.Dataset) -> xr.Dataset:
    """Estimate, fitted motion, and what the posterior says of them."""
    order, problem, count = posed.order, posed.fit.problem, targets.sizes["time"]
    unseen = order[problem.frames.weight[:, 0] == 0]
    return _fitted(posed, estimate, targets).assign(
        contractile=(("cell",), posed.healthy),
        misfit=(("iteration",), np.array(estimate.history)),
        forward_solves=((), estimate.solves),
        held_out=(("time",), np.isin(np.arange(count), unseen)),
        **_uncertainty(posterior, order, int(targets["end_diastole"])),
        parameter=_names(problem, order[posed.fit.free]),
    )


def _names(problem: Problem, free: np.ndarray) -> list[str]:
    """Of the parameters in the order of the posterior's covariance; ``free``: the frames whose tension is."""
    tensions, shares = (f"tension {k}" for k in free), (f"contraction {1 + k}" for k in range(problem.shares))
    return ["ln stiffness", *tensions, *shares, *(f"ln {each.name}" for each in problem.scaled)]


def _uncertainty(posterior: Posterior, order: np.ndarray, rest: int) -> dict[str, tuple]:
    """What is stored of the posterior; the volume at end-diastole is that of the mesh."""
    volume, pressure = np.zeros((2, len(order) + 1))
    volume[order], pressure[[rest, *order]] = posterior.volume_sigma(), posterior.pressure_sigma()
    return {
        "covariance": (("parameter", "parameter_"), posterior.covariance),
        "known": (("parameter",), posterior.known),
        "information": (("mode",), posterior.information),
        "volume_fit_sigma": (("time",), volume),
        "pressure_fit_sigma": (("time",), pressure),
    }


def _strain(targets: xr.Dataset, frames: np.ndarray) -> dict[str, tuple]:
    """The fitted strains of the targets' curves: the last columns of values (frame, value)."""
    return {"strain": (("curve", "time"), frames[:, -targets.sizes["curve"] :].T)} if "strain" in targets else {}


def _fitted(posed: Posed, estimate: Estimate, targets: xr.Dataset) -> xr.Dataset:
    """Estimate and fitted motion of all frames; end-diastole is the mesh itself."""
    problem, mapping, order = posed.fit.problem, posed.mapping, posed.order
    best, count = estimate.evaluation, targets.sizes["time"]
    unloaded, values = problem.at_rest(best.point)
    frames = np.repeat(values[None], count, axis=0)
    frames[order] = best.values
    tension = np.zeros(count)
    tension[order] = best.point.tension
    pressure = np.full(count, best.point.end_diastolic)
    pressure[order] = best.point.pressure
    motion = np.zeros((count, mapping.points, 3))
    for k, solution in zip(order, best.solutions, strict=True):
        motion[k] = at_points(problem.ventricle, mapping, solution.snapshot.state)
    return xr.Dataset(
        {
            "stiffness": best.point.stiffness,
            **{each.name: np.exp(log) for each, log in zip(problem.scaled, best.point.logs, strict=True)},
            "tension": (("time",), tension),
            "volume": (("time",), frames[:, 0]),
            "radius": (("segment", "time"), frames[:, 1 : 1 + SEGMENTS].T),
            **_strain(targets, frames),
            "pressure": (("time",), pressure),
            "displacement": (("time", "point", "component"), motion),
            "unloaded": (("point", "component"), at_points(problem.ventricle, mapping, unloaded)),
        },
        coords={"time": targets["time"].values, "segment": np.arange(1, SEGMENTS + 1)},
    )
