"""From anatomy, targets and scar to the posterior of one heart."""

import logging

import numpy as np
import xarray as xr
from mpi4py import MPI

from .. import mesh
from ..mechanics import at_points, contractile, from_anatomy
from ..mesh.distribute import Mapping
from ..parameters import Calibration, Mechanics
from ..verdicts import Quarantined
from . import contraction as contracting
from .fit import Estimate, Fit
from .observations import Observations
from .posterior import Posterior
from .problem import Frames, Problem
from .start import first
from .targets import of_mesh
from .windows import SEGMENTS

log = logging.getLogger("twinbeat")

FEWEST = 1  # relaxed frames that the stiffness can be seen in
WORST = 4.0  # largest mean misfit of volumes and pressures, in standard deviations
FIRST = 1  # forward solves of the first estimate
TOLERANCE = 1e-4  # mm and kPa in the last Newton step, whose square is the error


def calibrate(
    anatomy: xr.Dataset,
    targets: xr.Dataset,
    tissue: np.ndarray,
    calibration: Calibration,
    mechanics: Mechanics,
) -> xr.Dataset:
    """Posterior of the stiffness C, of the tension of each active frame and, by configuration, of the share of it that
    each AHA segment develops; the pressures are fitted too.

    ``tissue`` (cell,) is that of ``fibers.tissue``.

    Raises Quarantined: mechanics-diverged, calibration-diverged, at-bounds, calibration-misfit, few-relaxed-frames.
    """
    comm = MPI.COMM_SELF
    ventricle, mapping = from_anatomy(anatomy, mechanics, comm)
    ventricle.newton.tolerance = TOLERANCE
    contraction, rest = calibration.contraction, int(targets["end_diastole"])
    healthy = np.ones(len(tissue)) if contraction.unaided else contractile(tissue)
    regions = contracting.regions(anatomy)[mapping.cells] if contraction.fitted else None
    order, frames = select(targets, calibration.held_out)
    observations = Observations(ventricle, of_mesh(anatomy))
    problem = Problem(ventricle, healthy[mapping.cells], observations, frames, regions)
    wall = mesh.wall_volume(anatomy["points"].values, anatomy["cells"].values)
    known, sigma = (float(targets[name][rest]) for name in ("pressure", "pressure_sigma"))
    start = first(problem, calibration.stiffness_prior, known, wall, calibration.tension_bounds[1])
    spread = contracting.spread(anatomy, healthy, contraction) if contraction.fitted else None
    fit = Fit(problem, calibration, (known, sigma), spread)
    estimate = fit.run(*start)
    _check(estimate, frames)
    posterior = Posterior(fit, estimate.evaluation)
    _tell(posterior, estimate)
    fitted = _fitted(problem, mapping, estimate, order, targets).assign(
        tissue=(("cell",), tissue),
        contractile=(("cell",), healthy),
        misfit=(("iteration",), np.array(estimate.history)),
        forward_solves=((), estimate.solves + FIRST),
        held_out=(("time",), np.isin(np.arange(targets.sizes["time"]), order[frames.weight[:, 0] == 0])),
        **_uncertainty(posterior, order, rest),
        parameter=[
            "ln stiffness",
            *(f"tension {frame}" for frame in order[fit.free]),
            *(f"contraction {1 + region}" for region in range(problem.shares)),
        ],
    )
    return fitted if regions is None else contracting.rescaled(fitted, anatomy, posterior)


def select(targets: xr.Dataset, held_out: int | None = None) -> tuple[np.ndarray, Frames]:
    """The frames after end-diastole in the order of time: their indices, and what is fitted in them; of every
    ``held_out`` frames the last is not.

    The muscle may be active up to the frame after the lowest pressure that follows end-systole; then it is relaxed.
    What is off in a radius (contours, the shape of the mesh) is off in every frame: together they count as one.
    """
    count, rest = targets.sizes["time"], int(targets["end_diastole"])
    order = (rest + np.arange(1, count)) % count
    pressure = targets["pressure"].values[order]
    systole = (int(targets["end_systole"]) - rest - 1) % count
    early = pressure[systole : systole + max(1, 2 * (len(order) - systole) // 3)]
    free = np.arange(len(order)) <= systole + early.argmin() + 1
    if (relaxed := int((~free).sum())) < FEWEST:
        raise Quarantined(
            "few-relaxed-frames", f"{relaxed} frames between relaxation and end-diastole, {FEWEST} needed"
        )
    observed = [targets["volume"].values[None], targets["radius"].values]
    sigmas = [targets["volume_sigma"].values[None], np.sqrt(len(order)) * targets["radius_sigma"].values]
    values, sigma = (np.concatenate(parts)[:, order].T for parts in (observed, sigmas))
    weight = 1 / sigma
    if held_out:
        weight[held_out - 1 :: held_out] = 0
    return order, Frames(pressure, targets["pressure_sigma"].values[order], values, weight, free)


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


def _tell(posterior: Posterior, estimate: Estimate) -> None:
    text = "calibrate: %d forward solves; the data know more than the prior along %d of %d axes"
    log.info(text, estimate.solves + FIRST, (posterior.information > 1).sum(), posterior.information.size)


def _check(estimate: Estimate, frames: Frames) -> None:
    """A misfit may hide in pressures that were pulled away from what was measured: both count."""
    pulled = (estimate.evaluation.point.pressure - frames.pressure) / frames.pressure_sigma
    fitted = frames.weight[:, 0] > 0
    off = float(np.sqrt(np.mean((estimate.evaluation.misfit(frames)[:, 0] ** 2 + pulled**2)[fitted])))
    if off > WORST:
        found = f"the best fit misses volumes and pressures by {off:.1f} standard deviations"
        raise Quarantined("calibration-misfit", f"{found}; expected at most {WORST:g}")


def _fitted(
    problem: Problem, mapping: Mapping, estimate: Estimate, order: np.ndarray, targets: xr.Dataset
) -> xr.Dataset:
    """Estimate and fitted motion of all frames in the order of the targets; end-diastole is the mesh itself."""
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
            "tension": (("time",), tension),
            "volume": (("time",), frames[:, 0]),
            "radius": (("segment", "time"), frames[:, 1:].T),
            "pressure": (("time",), pressure),
            "displacement": (("time", "point", "component"), motion),
            "unloaded": (("point", "component"), at_points(problem.ventricle, mapping, unloaded)),
        },
        coords={"time": targets["time"].values, "segment": np.arange(1, SEGMENTS + 1)},
    )
