"""From anatomy, targets and scar to the posterior of one heart."""

import logging
from dataclasses import replace

import numpy as np
import xarray as xr
from scipy.stats import norm

from .. import mesh
from ..parameters import Calibration, Mechanics
from ..verdicts import Quarantined
from . import contraction, wall
from .fit import Estimate, Fit
from .pose import pose
from .posterior import Posterior
from .problem import Frames
from .start import first
from .stored import stored

log = logging.getLogger("twinbeat")

WORST = 4.0  # largest mean misfit of volumes and pressures, in standard deviations
FIRST = 1  # forward solves of the first estimate


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
    posed, rest = pose(anatomy, targets, tissue, calibration, mechanics), int(targets["end_diastole"])
    muscle = mesh.wall_volume(anatomy["points"].values, anatomy["cells"].values)
    estimate = _best(posed.fit, float(targets["pressure"][rest]), muscle)
    _check(estimate, posed.fit.frames)
    off = wall.moved(posed.fit, estimate.evaluation, muscle, float(targets["volume"][rest]))
    posterior = Posterior(posed.fit, estimate.evaluation, off)
    _tell(posterior, estimate)
    found = stored(posed, estimate, posterior, targets).assign(tissue=(("cell",), tissue))
    return contraction.rescaled(found, anatomy, posterior) if calibration.contraction.fitted else found


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
