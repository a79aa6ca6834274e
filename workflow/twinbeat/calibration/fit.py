"""Bounded Gauss-Newton on ln C, the free tensions, the pressures, and the share of the tension in each region.

The pressures have errors as the images have: where the muscle is relaxed, the volume answers so strongly to them that
an error of 0.1 kPa held for the truth would bend C. So each is an unknown whose prior is its measurement.
"""

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
REACH = 0.8, 0.3, 0.2, 40.0  # first trust region: ln C, shares, kPa of pressure, kPa of tension
LIKELY = 5.0  # standard deviations of a pressure or of a share that bound it
LOWEST = 0.05  # kPa of the one at end-diastole
SMALLEST_REACH = 1e-3


@dataclass(frozen=True)
class Estimate:
    """The optimum, the misfit of each iteration, and how often all frames were brought to equilibrium on the way."""

    evaluation: Evaluation
    history: list[float]
    solves: float


class Fit:
    """Least squares of a problem with its priors on
    x = (ln C, pressure at end-diastole, logs, shares, free tensions, pressures).

    ln C is normal, the pressure at end-diastole is ``end_diastolic`` (kPa, with its standard deviation), those of the
    frames are what the problem's frames say, and the tension bends little. The shares of the tension that regions
    develop are normal about 1 with the covariance ``spread`` (region, region); without one there are none. The logs are
    normal about those of the likely values of what the problem scales.
    """

    def __init__(
        self,
        problem: Problem,
        calibration: Calibration,
        end_diastolic: tuple[float, float],
        spread: np.ndarray | None = None,
    ) -> None:
        self.problem, self.frames, self.calibration = problem, problem.frames, calibration
        self._spread = np.zeros((0, 0)) if spread is None else spread
        count, self.free = len(self.frames), np.flatnonzero(self.frames.free)
        self._likely = np.array([each.prior.likely for each in problem.scaled])
        self._log_spread = np.array([each.prior.spread for each in problem.scaled])
        self.logs = slice(2, 2 + len(self._likely))
        self.shares = slice(self.logs.stop, self.logs.stop + len(self._spread))
        self.tensions = slice(self.shares.stop, self.shares.stop + len(self.free))
        self.pressures = np.array([1, *range(self.tensions.stop, self.tensions.stop + count)])
        self._measured = np.array([end_diastolic[0], *self.frames.pressure])
        self._sigma = np.array([end_diastolic[1], *self.frames.pressure_sigma])
        self._prior_jacobian = self._priors(count)
        self._low, self._high, self._reach = self._limits()

    def _priors(self, count: int) -> np.ndarray:
        """Jacobian of the priors' weighted residuals: of ln C, pressures, bends of the tension, and shares."""
        bend = np.diff(np.eye(count + 2), n=2, axis=0)[:, 1:-1] / self.calibration.tension_bend
        whitened = np.linalg.inv(np.linalg.cholesky(self._spread))
        jacobian = np.zeros((2 + count + len(bend) + len(self._spread) + len(self._likely), self.tensions.stop + count))
        jacobian[0, 0] = 1 / self.calibration.stiffness_spread
        jacobian[1 + np.arange(1 + count), self.pressures] = 1 / self._sigma
        jacobian[2 + count : 2 + count + len(bend), self.tensions] = bend[:, self.free]
        rest = jacobian[2 + count + len(bend) :]
        rest[: len(self._spread), self.shares] = whitened
        rest[len(self._spread) :, self.logs] = np.diag(1 / self._log_spread)
        return jacobian

    def _limits(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lower and upper bounds of x, and the first trust region."""
        low, high, reach = np.zeros((3, self._prior_jacobian.shape[1]))
        low[0], high[0] = np.log(self.calibration.stiffness_bounds)
        low[self.tensions], high[self.tensions] = self.calibration.tension_bounds
        low[self.pressures], high[self.pressures] = self._measured + np.outer([-LIKELY, LIKELY], self._sigma)
        low[self.logs], high[self.logs] = np.log(self._likely) + np.outer([-LIKELY, LIKELY], self._log_spread)
        high[self.shares] = 1 + LIKELY * np.sqrt(np.diag(self._spread))
        low[1] = max(low[1], LOWEST)
        reach[self.logs] = REACH[0]
        reach[0], reach[self.shares], reach[self.pressures], reach[self.tensions] = REACH
        return low, high, reach

    # --- the quadratic model

    def parameters(self, evaluation: Evaluation) -> np.ndarray:
        """x (parameter,)."""
        point = evaluation.point
        return np.array([*point.shared(), *point.tension[self.free], *point.pressure])

    def point(self, x: np.ndarray) -> Point:
        """What x (parameter,) stands for; the tension is nought in frames where it is not free."""
        tension = np.zeros(len(self.frames))
        tension[self.free] = x[self.tensions]
        return Point(float(np.exp(x[0])), float(x[1]), tension, x[self.pressures[1:]], x[self.shares], x[self.logs])

    def _prior(self, x: np.ndarray) -> np.ndarray:
        """Weighted residuals of the priors."""
        expected = np.zeros_like(x)
        expected[0], expected[self.pressures] = np.log(self.calibration.stiffness_prior), self._measured
        expected[self.logs], expected[self.shares] = np.log(self._likely), 1.0
        return self._prior_jacobian @ (x - expected)

    def misfit(self, evaluation: Evaluation) -> float:
        """Half the sum of squared weighted residuals, priors included."""
        prior = self._prior(self.parameters(evaluation))
        return 0.5 * float(np.sum(evaluation.misfit(self.frames) ** 2) + prior @ prior)

    def gradient(self, evaluation: Evaluation) -> np.ndarray:
        """Of ``misfit`` by x, by the discrete adjoint."""
        count, shared = len(self.frames), self.shares.stop
        kept = np.concatenate([np.arange(shared), shared + self.free, shared + count + np.arange(count)])
        return evaluation.gradient[kept] + self._prior_jacobian.T @ self._prior(self.parameters(evaluation))

    def slopes(self, evaluation: Evaluation) -> np.ndarray:
        """Of the values (frame, value, parameter), by the tangents."""
        J = np.zeros((*self.frames.weight.shape, len(self._low)))
        J[:, :, : self.shares.stop] = evaluation.slopes[:, :, :-2]
        J[self.free, :, self.tensions.start + np.arange(len(self.free))] = evaluation.slopes[self.free, :, -2]
        J[np.arange(len(J)), :, self.pressures[1:]] = evaluation.slopes[:, :, -1]
        return J

    def hessian(self, evaluation: Evaluation) -> np.ndarray:
        """Gauss-Newton matrix, priors included."""
        J = (self.frames.weight[..., None] * self.slopes(evaluation)).reshape(-1, len(self._low))
        return J.T @ J + self.prior_hessian

    @property
    def prior_hessian(self) -> np.ndarray:
        """Inverse covariance of the priors."""
        return self._prior_jacobian.T @ self._prior_jacobian

    # --- the iteration

    def run(self, start: Point, states: list[Snapshot]) -> Estimate:
        """The optimum from a first estimate. Raises Quarantined: calibration-diverged, at-bounds."""
        current = self.problem.evaluate(start, states)
        history, reach, solves = [self.misfit(current)], 1.0, current.solves
        while len(history) <= self.calibration.iterations:
            step, fall = self._step(current, reach)
            stiffness = current.point.stiffness
            log.info("calibrate: iteration %d, misfit %.2f, C %.2f kPa", len(history), history[-1], stiffness)
            if fall < ENOUGH:
                self._check_bounds(current)
                return Estimate(current, history, solves)
            trial = self._try(current, step)
            solves += 1.0 if trial is None else trial.solves
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
        box = reach * self._reach
        low, high = np.maximum(self._low - x, -box), np.minimum(self._high - x, box)
        low, high = np.minimum(low, 0) - 1e-12, np.maximum(high, 0) + 1e-12
        step = lsq_linear(L.T, -np.linalg.solve(L, g), bounds=(low, high), tol=1e-12).x
        return step, float(-(g @ step + 0.5 * step @ H @ step))

    def _try(self, current: Evaluation, step: np.ndarray) -> Evaluation | None:
        """The evaluation after a step; None where a frame has no equilibrium there."""
        x = np.clip(self.parameters(current) + step, self._low, self._high)
        try:
            return self.problem.evaluate(self.point(x), current)
        except Quarantined as failure:
            log.info("calibrate: step taken back: %s", failure.message)
            return None

    def _check_bounds(self, evaluation: Evaluation) -> None:
        x, (low, high) = self.parameters(evaluation), self.calibration.stiffness_bounds
        if min(x[0] - self._low[0], self._high[0] - x[0]) < 1e-6:
            found = f"C = {evaluation.point.stiffness:.3g} kPa lies on its bounds of {low:g} to {high:g} kPa"
            raise Quarantined("at-bounds", f"{found}; expected a value between")
        if x[self.tensions].max(initial=0.0) > self.calibration.tension_bounds[1] - 1e-6:
            found = f"the tension of a frame lies on its bound of {self.calibration.tension_bounds[1]:g} kPa"
            raise Quarantined("at-bounds", f"{found}; expected a smaller one")
