"""Conduction velocities of one heart from its QRS duration and its activation map, by the eikonal equation.

Unknowns are logarithms of the velocities, normal about those of the configuration. The QRS complex lasts from the first
to the last activation of the ventricle, or of both where both are activated; the times of a map count from a reference
of their own, of whose offset nothing is known. Jacobians are the tangents of the discrete times, the estimate is where
the misfit is least within bounds, the posterior normal with the inverse of the Gauss-Newton matrix (Laplace).
"""

import logging
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.linalg import eigh
from scipy.optimize import least_squares
from scipy.spatial import cKDTree

from ..electrophysiology import substrate
from ..electrophysiology.assembly import Array, Index
from ..electrophysiology.substrate import Labels
from ..electrophysiology.wavefront import NAMES, Wavefront
from ..intake.activation_map import ActivationMap
from ..parameters import Electrophysiology, Fibers
from ..parameters.calibration import Conduction
from ..verdicts import Quarantined

log = logging.getLogger("twinbeat")

UNKNOWN = 1e3  # ms: standard deviation of the offset of a map
WORST = 4.0  # largest root mean square of the misfit, in standard deviations
FEWEST = 0.5  # share of a map's points that has to lie on the muscle
NEAR = 1e-3  # of ln v: closer to a bound is on it
ENOUGH = 1e-5  # relative change of the misfit, and of x, at which the search ends


@dataclass(frozen=True)
class Measured:
    """What was measured of the wave: the duration ``qrs`` in ms or none, and ``times`` (site,) in ms at ``nodes``
    (site,) of the mesh; of a map, ``left_out`` points lie off the muscle.
    """

    qrs: float | None
    nodes: Index
    times: Array
    left_out: int
    conduction: Conduction

    def __len__(self) -> int:
        return len(self.times) + (self.qrs is not None)

    def residuals(self, time: Array, offset: float) -> Array:
        """(datum,) in standard deviations, for the times (point,) of a wave and the offset of the map."""
        lasting = [] if self.qrs is None else [(np.ptp(time) - self.qrs) / self.conduction.qrs_sigma]
        return np.concatenate([lasting, (time[self.nodes] + offset - self.times) / self.conduction.map_sigma])

    def slopes(self, time: Array, tangents: Array) -> Array:
        """Derivatives (datum, unknown) of the residuals by what ``tangents`` (unknown, point) are those of, and by the
        offset, which comes last."""
        lasting = np.append(tangents[:, time.argmax()] - tangents[:, time.argmin()], 0.0) / self.conduction.qrs_sigma
        mapped = np.vstack([tangents, np.ones_like(time)])[:, self.nodes].T / self.conduction.map_sigma
        return mapped if self.qrs is None else np.vstack([lasting, mapped])


class Fit:
    """The misfit of prior and measurements as a function of x: logarithms of the fitted velocities, then the offset."""

    def __init__(self, wave: Wavefront | None, measured: Measured, parameters: Electrophysiology) -> None:
        self.wave, self.measured = wave, measured
        self.usual = np.log([getattr(parameters, f"velocity_{name}") for name in NAMES])
        self.fitted = [NAMES.index(name) for name in measured.conduction.fitted]
        self.mean = np.append(self.usual[self.fitted], 0.0)
        self.spread = np.append(np.full(len(self.fitted), measured.conduction.spread), UNKNOWN)
        self.solves = 0
        self._x, self._front = None, None

    def logs(self, x: Array) -> Array:
        """Logarithms (3,) of all velocities."""
        logs = self.usual.copy()
        logs[self.fitted] = x[:-1]
        return logs

    def time(self, x: Array) -> Array:
        """Times (point,) in ms of the wave."""
        if self._x is None or not np.array_equal(self._x, x):
            self._x, self._front, self.solves = x.copy(), self.wave.front(self.logs(x)), self.solves + 1
        return self._front.time

    def residuals(self, x: Array) -> Array:
        """(datum + unknown,): of the measurements, then of the prior, in standard deviations."""
        return np.append(self.measured.residuals(self.time(x), x[-1]), (x - self.mean) / self.spread)

    def jacobian(self, x: Array) -> Array:
        """Derivatives (datum + unknown, unknown) of the residuals."""
        time = self.time(x)
        tangents = self.wave.tangents(self.logs(x), self._front)[self.fitted]
        return np.vstack([self.measured.slopes(time, tangents), np.diag(1 / self.spread)])

    def run(self) -> tuple[Array, Array]:
        """The estimate and its covariance (unknown, unknown). Raises Quarantined: at-bounds, calibration-misfit."""
        known = self.measured.conduction
        bounds = [(*np.log(getattr(known, f"bounds_{name}")),) for name in known.fitted] + [(-np.inf, np.inf)]
        found = least_squares(
            self.residuals, self.mean, self.jacobian, tuple(np.transpose(bounds)), ftol=ENOUGH, xtol=ENOUGH
        )
        for name, value, (low, high) in zip(known.fitted, found.x, bounds, strict=False):
            if min(value - low, high - value) < NEAR:
                text = f"the conduction velocity of {name} lies on its bounds of {np.exp(low):g} to {np.exp(high):g}"
                raise Quarantined("at-bounds", f"{text} mm/ms; expected a value between")
        off = float(np.sqrt(np.mean(found.fun[: len(self.measured)] ** 2)))
        if off > WORST:
            text = f"the best velocities miss activation by {off:.1f} standard deviations"
            raise Quarantined("calibration-misfit", f"{text}; expected at most {WORST:g}")
        jacobian = self.jacobian(found.x)
        return found.x, np.linalg.inv(jacobian.T @ jacobian)


def calibrate(
    anatomy: xr.Dataset,
    parameters: tuple[Conduction, Electrophysiology, Fibers],
    qrs: float | None = None,
    activation: ActivationMap | None = None,
    scar: Labels | None = None,
) -> xr.Dataset:
    """The variables of ``conduction`` from a QRS duration in ms and a map; without either, the prior.

    Raises Quarantined: map-off-heart, at-bounds, calibration-misfit, all-scar.
    """
    known, electrophysiology, angles = parameters
    if qrs is None and activation is None:
        nothing = Measured(None, np.zeros(0, int), np.zeros(0), 0, known)
        fit = Fit(None, nothing, electrophysiology)
        return _result(fit, fit.mean, np.diag(fit.spread**2))
    insulated = electrophysiology.model_copy(update={"method": "eikonal"})
    heart = substrate.build(anatomy, insulated, angles, scar)
    measured = placed(heart.muscle["points"].values, anatomy["to_lps"].values, qrs, activation, known)
    fit = Fit(Wavefront(heart, electrophysiology), measured, electrophysiology)
    x, covariance = fit.run()
    log.info("conduction: %d data, %d solutions of the eikonal equation", len(measured), fit.solves)
    return _result(fit, x, covariance)


def placed(
    points: Array, to_lps: Array, qrs: float | None, activation: ActivationMap | None, known: Conduction
) -> Measured:
    """The measurements at the nearest of the muscle's points (point, 3), as far as they are within ``known.reach``."""
    if activation is None:
        return Measured(qrs, np.zeros(0, int), np.zeros(0), 0, known)
    away, nodes = cKDTree(points).query((activation.points - to_lps[:3, 3]) @ to_lps[:3, :3])
    near = away <= known.reach
    if near.mean() < FEWEST:
        text = f"{near.sum()} of {len(near)} points of the activation map lie within {known.reach:g} mm of the muscle"
        raise Quarantined("map-off-heart", f"{text}; expected at least half: it may not be registered to the image")
    return Measured(qrs, nodes[near], activation.times[near], int((~near).sum()), known)


def _result(fit: Fit, x: Array, covariance: Array) -> xr.Dataset:
    measured, kept = fit.measured, len(fit.fitted)
    own, prior = covariance[:kept, :kept], np.diag(fit.spread[:kept] ** 2)
    velocities = dict(zip(NAMES, np.exp(fit.logs(x)), strict=True))
    names = [f"ln {name}" for name in measured.conduction.fitted]
    stored = {
        **{f"velocity_{name}": value for name, value in velocities.items()},
        "covariance": (("parameter", "parameter_"), own),
        "known": (("parameter",), 1 - np.diag(own) / np.diag(prior)),
        "information": (("mode",), eigh(prior, own, eigvals_only=True)[::-1] - 1),
        "measurements": len(measured),
        "forward_solves": fit.solves,
    }
    if measured.qrs is not None:
        stored |= {"qrs_measured": measured.qrs, "qrs_fitted": np.ptp(fit.time(x))}
    if len(measured.times):
        stored |= {
            "map_points": (("site", "component"), fit.wave.points[measured.nodes]),
            "map_time": (("site",), measured.times - x[-1]),
            "map_fitted": (("site",), fit.time(x)[measured.nodes]),
            "map_left_out": measured.left_out,
        }
    return xr.Dataset(stored, {"parameter": names, "parameter_": names})
