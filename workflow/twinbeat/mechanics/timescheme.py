"""Generalised-alpha in time (Chung and Hulbert 1993, doi 10.1115/1.2900803), for second-order equations.

The equation M a + f(u, v, t) = 0 is met by a at the share 1 - alpha_m of the step, and by u, v and t at 1 - alpha_f:

    u1 = u0 + dt v0 + dt^2 ((1/2 - beta) a0 + beta a1),   v1 = v0 + dt ((1 - gamma) a0 + gamma a1).

The unknown is u_f = alpha_f u0 + (1 - alpha_f) u1, of which v_f and a_m are affine functions.
"""

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class GeneralisedAlpha:
    """alpha_m and alpha_f; gamma and beta are those of second order with the most damping of high frequencies."""

    alpha_m: float = 0.2
    alpha_f: float = 0.4

    @classmethod
    def of_radius(cls, radius: float) -> "GeneralisedAlpha":
        """The scheme whose spectral radius at infinite frequency is ``radius``: 0 annihilates it, 1 keeps it.

        2/3 gives the defaults. Raises ValueError outside of 0 to 1.
        """
        if not 0 <= radius <= 1:
            raise ValueError(f"expected a spectral radius from 0 to 1, got {radius:g}")
        return cls((2 * radius - 1) / (radius + 1), radius / (radius + 1))

    @property
    def gamma(self) -> float:
        """1/2 - alpha_m + alpha_f."""
        return 0.5 - self.alpha_m + self.alpha_f

    @property
    def beta(self) -> float:
        """(1 - alpha_m + alpha_f)^2 / 4."""
        return (1 - self.alpha_m + self.alpha_f) ** 2 / 4

    def slopes(self, dt: float) -> tuple[float, float]:
        """d v_f / d u_f (1/ms) and d a_m / d u_f (1/ms^2)."""
        per_acceleration = self.beta * dt**2
        return self.gamma * dt / per_acceleration, (1 - self.alpha_m) / ((1 - self.alpha_f) * per_acceleration)

    def history(self, dt: float, u0: Array, v0: Array, a0: Array) -> tuple[Array, Array]:
        """v_f (mm/ms) and a_m (mm/ms²) at u_f = 0, to which their slopes times u_f (mm) are added; all (dof,)."""
        velocity, acceleration = self.slopes(dt)
        free = -(dt * v0 + (0.5 - self.beta) * dt**2 * a0) / (self.beta * dt**2)  # a1 at u1 = u0
        v1 = v0 + dt * ((1 - self.gamma) * a0 + self.gamma * free)
        return (
            self.alpha_f * v0 + (1 - self.alpha_f) * v1 - velocity * u0,
            self.alpha_m * a0 + (1 - self.alpha_m) * free - acceleration * u0,
        )

    def advance(self, dt: float, between: Array, u0: Array, v0: Array, a0: Array) -> tuple[Array, Array, Array]:
        """u1 (mm), v1 (mm/ms) and a1 (mm/ms²) from u_f = ``between`` (mm); all (dof,), the step in ms."""
        step = (between - u0) / (1 - self.alpha_f)
        a1 = (step - dt * v0 - (0.5 - self.beta) * dt**2 * a0) / (self.beta * dt**2)
        return u0 + step, v0 + dt * ((1 - self.gamma) * a0 + self.gamma * a1), a1

    def predict(self, dt: float, u0: Array, v0: Array) -> Array:
        """u_f (dof,) in mm if the velocity stays (the acceleration of stiff parts is no guide: it rings)."""
        return u0 + (1 - self.alpha_f) * dt * v0


BENCHMARK = GeneralisedAlpha()
"""The scheme of Arostica et al. 2025, of spectral radius 2/3."""
