"""Bounded Gauss-Newton on ln C, the end-diastolic pressure and the free tensions; Laplace posterior at its end."""

import logging
from dataclasses import dataclass

import numpy as np
from scipy.optimize import lsq_linear

from ..mechanics import Snapshot
from ..parameters import Calibration
from ..verdicts import Quarantined
from .problem import Evaluation, Point, Problem

log = logging.getLogger("twinbeat")

ENOUGH = 0.005  # predicted fall of the misfit at which the estimate is within a tenth of its standard deviation
REACH = np.array([0.8, 0.2, 40.0])  # first trust region: ln C, kPa of pressure, kPa of tension
LIKELY = 5.0  # standard deviations of the end-diastolic pressure that bound it
LOWEST = 0.05  # kPa of it
SMALLEST_REACH = 1e-3


@dataclass(frozen=True)
class Estimate:
    """The optimum and the misfit of each iteration."""

    evaluation: Evaluation
    history: list[float]


class Fit:
    """Least squares of a problem with its priors on x = (ln C, pressure at end-diastole, free tensions).

    ln C is normal, the pressure is ``end_diastolic`` (kPa, with its standard deviation), the tension bends little.
    """

    def __init__(self, problem: Problem, calibration: Calibration, end_diastolic: tuple[float, float]) -> None:
        self.problem, self.frames, self.calibration = problem, problem.frames, calibration
        self.end_diastolic = end_diastolic
        self.free = np.flatnonzero(problem.frames.free)
        count = len(problem.frames)
        bend = np.diff(np.eye(count + 2), n=2, axis=0)[:, 1:-1] / calibration.tension_bend
        self._bend = bend[:, self.free]
        value, sigma = end_diastolic
        pressures = max(value - LIKELY * sigma, LOWEST), value + LIKELY * sigma
        bounds = np.log(calibration.stiffness_bounds), pressures, calibration.tension_bounds
        self._low, self._high = (
            np.array([bounds[0][i], bounds[1][i]] + [bounds[2][i]] * len(self.free)) for i in (0, 1)
        )

    # --- the quadratic model

    def parameters(self, evaluation: Evaluation) -> np.ndarray:
        """x."""
        point = evaluation.point
        return np.concatenate([[np.log(point.stiffness), point.end_diastolic], point.tension[self.free]])

    def _prior(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weighted residuals of the priors and their Jacobian."""
        c = self.calibration
        value, sigma = self.end_diastolic
        first = [(x[0] - np.log(c.stiffness_prior)) / c.stiffness_spread, (x[1] - value) / sigma]
        jacobian = np.zeros((2 + len(self._bend), len(x)))
        jacobian[0, 0], jacobian[1, 1], jacobian[2:, 2:] = 1 / c.stiffness_spread, 1 / sigma, self._bend
        return np.concatenate([first, self._bend @ x[2:]]), jacobian

    def misfit(self, evaluation: Evaluation) -> float:
        """Half the sum of squared weighted residuals, priors included."""
        prior, _ = self._prior(self.parameters(evaluation))
        return 0.5 * float(np.sum(evaluation.misfit(self.frames) ** 2) + prior @ prior)

    def gradient(self, evaluation: Evaluation) -> np.ndarray:
        """Of ``misfit`` by x, by the discrete adjoint."""
        prior, jacobian = self._prior(self.parameters(evaluation))
        return evaluation.gradient[np.concatenate([[0, 1], 2 + self.free])] + jacobian.T @ prior

    def jacobian(self, evaluation: Evaluation) -> np.ndarray:
        """Of the weighted residuals (frame * 17, parameter), by the tangents."""
        count = len(self.frames)
        J = np.zeros((count, self.frames.weight.shape[1], 2 + len(self.free)))
        J[:, :, 0] = self.frames.weight * evaluation.by_stiffness
        J[:, :, 1] = self.frames.weight * evaluation.by_end_diastolic
        J[self.free, :, 2 + np.arange(len(self.free))] = (self.frames.weight * evaluation.by_tension)[self.free]
        return J.reshape(-1, J.shape[-1])

    def hessian(self, evaluation: Evaluation) -> np.ndarray:
        """Gauss-Newton matrix, priors included."""
        J, prior = self.jacobian(evaluation), self._prior(self.parameters(evaluation))[1]
        return J.T @ J + prior.T @ prior

    # --- the iteration

    def run(self, start: Point, states: list[Snapshot]) -> Estimate:
        """The optimum from a first estimate. Raises Quarantined: calibration-diverged, at-bounds."""
        current = self.problem.evaluate(start, states)
        history, reach = [self.misfit(current)], 1.0
        while len(history) <= self.calibration.iterations:
            step, fall = self._step(current, reach)
            stiffness = current.point.stiffness
            log.info("calibrate: iteration %d, misfit %.2f, C %.2f kPa", len(history), history[-1], stiffness)
            if fall < ENOUGH:
                self._check_bounds(current)
                return Estimate(current, history)
            trial = self._try(current, step)
            if trial is not None and self.misfit(trial) < history[-1] - 1e-4 * fall:
                current, reach = trial, min(2 * reach, 4.0)
                history.append(self.misfit(trial))
            elif (reach := reach / 4) < SMALLEST_REACH:
                break
        raise Quarantined(
            "calibration-diverged",
            f"after {len(history) - 1} iterations the misfit of {history[-1]:.1f} could still fall by {fall:.2g}; "
            f"expected less than {ENOUGH}",
        )

    def _step(self, evaluation: Evaluation, reach: float) -> tuple[np.ndarray, float]:
        """The minimum of the quadratic model in the box of bounds and reach, and by how much the model falls."""
        x, H, g = self.parameters(evaluation), self.hessian(evaluation), self.gradient(evaluation)
        L = np.linalg.cholesky(H)
        box = reach * REACH[np.minimum(np.arange(len(x)), 2)]
        low, high = np.maximum(self._low - x, -box), np.minimum(self._high - x, box)
        low, high = np.minimum(low, 0) - 1e-12, np.maximum(high, 0) + 1e-12
        step = lsq_linear(L.T, -np.linalg.solve(L, g), bounds=(low, high), tol=1e-12).x
        return step, float(-(g @ step + 0.5 * step @ H @ step))

    def _try(self, current: Evaluation, step: np.ndarray) -> Evaluation | None:
        """The evaluation after a step; None where a frame has no equilibrium there."""
        x = np.clip(self.parameters(current) + step, self._low, self._high)
        tension = current.point.tension.copy()
        tension[self.free] = x[2:]
        try:
            return self.problem.evaluate(Point(float(np.exp(x[0])), float(x[1]), tension), current)
        except Quarantined as failure:
            log.info("calibrate: step taken back: %s", failure.message)
            return None

    def _check_bounds(self, evaluation: Evaluation) -> None:
        x, (low, high) = self.parameters(evaluation), self.calibration.stiffness_bounds
        if min(x[0] - self._low[0], self._high[0] - x[0]) < 1e-6:
            found = f"C = {evaluation.point.stiffness:.3g} kPa lies on its bounds of {low:g} to {high:g} kPa"
            raise Quarantined("at-bounds", f"{found}; expected a value between")
        if x[2:].max(initial=0.0) > self.calibration.tension_bounds[1] - 1e-6:
            found = f"the tension of a frame lies on its bound of {self.calibration.tension_bounds[1]:g} kPa"
            raise Quarantined("at-bounds", f"{found}; expected a smaller one")

    # --- the posterior

    def covariance(self, evaluation: Evaluation, sigma: np.ndarray) -> np.ndarray:
        """Laplace covariance of (ln C, free tensions), with what uncertain pressures add by moving the optimum.

        ``sigma`` (frame,) are the standard deviations of the frames' pressures in kPa.
        """
        inverse = np.linalg.inv(self.hessian(evaluation))
        J, w = self.jacobian(evaluation), self.frames.weight
        pull = (w * evaluation.by_pressure * sigma[:, None])[:, :, None] * np.eye(len(w))[:, None, :]
        moved = inverse @ J.T @ pull.reshape(len(J), -1)
        kept = np.delete(np.arange(len(inverse)), 1)
        return (inverse + moved @ moved.T)[np.ix_(kept, kept)]
