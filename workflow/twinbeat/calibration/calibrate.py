"""From anatomy, targets and scar to the posterior of one heart."""

import logging
from dataclasses import replace

import numpy as np
import xarray as xr
from mpi4py import MPI
from scipy.stats import norm

from .. import mesh
from ..fibers import SCAR
from ..mechanics import ENDOCARDIUM, EPICARDIUM, at_points, contractile, from_anatomy
from ..mesh.distribute import Mapping
from ..parameters import Calibration, Mechanics
from ..verdicts import Quarantined
from . import contraction as contracting
from . import curves, scales, strains, wall
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
    each AHA segment develops and of scaled properties of the mechanics; the pressures are fitted too.

    ``tissue`` (cell,) is that of ``fibers.tissue``.

    Raises Quarantined: mechanics-diverged, calibration-diverged, at-bounds, calibration-misfit, few-relaxed-frames.
    """
    ventricle, mapping = from_anatomy(anatomy, mechanics, MPI.COMM_SELF)
    ventricle.newton.tolerance = TOLERANCE
    contraction, rest = calibration.contraction, int(targets["end_diastole"])
    healthy = np.ones(len(tissue)) if contraction.unaided else contractile(tissue)
    order, frames = select(targets, calibration.held_out)
    problem = Problem(
        ventricle,
        healthy[mapping.cells],
        Observations(
            ventricle, of_mesh(anatomy), walls(targets), strains.of(ventricle, anatomy, mapping.cells, targets)
        ),
        frames,
        contracting.regions(anatomy)[mapping.cells] if contraction.fitted else None,
        scales.sought(ventricle, tissue[mapping.cells] == SCAR, calibration),
    )
    spread = contracting.spread(anatomy, healthy, contraction) if contraction.fitted else None
    measured = float(targets["pressure"][rest]), float(targets["pressure_sigma"][rest])
    fit = Fit(problem, calibration, measured, spread)
    muscle = mesh.wall_volume(anatomy["points"].values, anatomy["cells"].values)
    estimate = _best(fit, measured[0], muscle)
    _check(estimate, frames)
    off = wall.moved(fit, estimate.evaluation, muscle, float(targets["volume"][rest]))
    posterior = Posterior(fit, estimate.evaluation, off)
    _tell(posterior, estimate)
    fitted = _fitted(problem, mapping, estimate, order, targets).assign(
        tissue=(("cell",), tissue),
        contractile=(("cell",), healthy),
        misfit=(("iteration",), np.array(estimate.history)),
        forward_solves=((), estimate.solves),
        held_out=(("time",), np.isin(np.arange(targets.sizes["time"]), order[frames.weight[:, 0] == 0])),
        **_uncertainty(posterior, order, rest),
        parameter=_names(problem, order[fit.free]),
    )
    return contracting.rescaled(fitted, anatomy, posterior) if contraction.fitted else fitted


def walls(targets: xr.Dataset) -> tuple[int, ...]:
    """The walls (tags) whose radii the targets have."""
    return (ENDOCARDIUM, EPICARDIUM) if "epicardial_radius" in targets else (ENDOCARDIUM,)


def _names(problem: Problem, free: np.ndarray) -> list[str]:
    """Of the parameters in the order of the posterior's covariance; ``free``: the frames whose tension is."""
    tensions, shares = (f"tension {k}" for k in free), (f"contraction {1 + k}" for k in range(problem.shares))
    return ["ln stiffness", *tensions, *shares, *(f"ln {each.name}" for each in problem.scaled)]


def _best(fit: Fit, end_diastolic: float, muscle: float) -> Estimate:
    """The estimate with the least misfit of those to which starts lead that divide the prior of C evenly, with the
    solves of all that arrived. Where none does, the reason of the first is raised."""
    known, found, failures = fit.calibration, [], []
    for quantile in (np.arange(known.starts) + 0.5) / known.starts:
        stiffness = np.exp(np.log(known.stiffness_prior) + known.stiffness_spread * norm.ppf(quantile))
        within = float(np.clip(stiffness, *known.stiffness_bounds))
        try:
            start = first(fit.problem, within, end_diastolic, muscle, known.tension_bounds[1])
            found.append(fit.run(*start))
            log.info("calibrate: from C = %.2f kPa to a misfit of %.2f", within, found[-1].history[-1])
        except Quarantined as failure:
            log.info("calibrate: from C = %.2f kPa: %s", within, failure.message)
            failures.append(failure)
    if not found:
        raise failures[0]
    solves = sum(estimate.solves + FIRST for estimate in found)
    return replace(min(found, key=lambda estimate: estimate.history[-1]), solves=solves)


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
    radii = [name for name in ("radius", "epicardial_radius") if name in targets]
    observed = [targets["volume"].values[None], *(targets[name].values for name in radii)]
    common = [np.sqrt(len(order)) * targets[f"{name}_sigma"].values for name in radii]
    sigmas = [targets["volume_sigma"].values[None], *common]
    if "strain" in targets:
        strain, spread = curves.observed(targets)
        observed, sigmas = [*observed, strain], [*sigmas, spread]
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
    text = "calibrate: %.1f forward solves; the data know more than the prior along %d of %d axes"
    log.info(text, estimate.solves, (posterior.information > 1).sum(), posterior.information.size)


def _check(estimate: Estimate, frames: Frames) -> None:
    """A misfit may hide in pressures that were pulled away from what was measured: both count."""
    pulled = (estimate.evaluation.point.pressure - frames.pressure) / frames.pressure_sigma
    fitted = frames.weight[:, 0] > 0
    off = float(np.sqrt(np.mean((estimate.evaluation.misfit(frames)[:, 0] ** 2 + pulled**2)[fitted])))
    if off > WORST:
        found = f"the best fit misses volumes and pressures by {off:.1f} standard deviations"
        raise Quarantined("calibration-misfit", f"{found}; expected at most {WORST:g}")


def _strain(targets: xr.Dataset, frames: np.ndarray) -> dict[str, tuple]:
    """The fitted strains of the targets' curves: the last columns of values (frame, value)."""
    return {"strain": (("curve", "time"), frames[:, -targets.sizes["curve"] :].T)} if "strain" in targets else {}


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
