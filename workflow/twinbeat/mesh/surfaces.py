"""The two walls of the left ventricle as smooth star-shaped surfaces that cannot cross.

With the endocardial semi-axes a, the direction d(θ, φ) = (a₀ sin θ cos φ, a₁ sin θ sin φ, a₂ cos θ) and real spherical
harmonics Y:

    endocardium  x = centre + ρ d,         ρ = exp(Y·c₀)
    epicardium   x = centre + (ρ + τ) d,   τ = (q - 1) exp(Y·c₁),   q = 1 / |d / b|

where b are the epicardial semi-axes. Lengths are mm in the heart frame, whose base plane is z = 0; θ is π at the apex.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

Array = NDArray[np.float64]
HIGHEST, LOWEST = 0.1, 0.8 * np.pi  # colatitudes between which the walls meet the base plane


@dataclass(frozen=True)
class Surfaces:
    """Endocardium (0) and epicardium (1): ``centre`` (3), semi-axes ``radii`` (2, 3), ``modes`` (2, mode)."""

    centre: Array
    radii: Array
    modes: Array

    @classmethod
    def of(cls, anatomy: xr.Dataset) -> "Surfaces":
        """The surfaces that a mesh was made from."""
        return cls(*(anatomy[f"surface_{name}"].values for name in ("centre", "radii", "modes")))

    def variables(self) -> dict[str, tuple[tuple[str, ...], Array]]:
        """The variables of the anatomy store that hold these surfaces."""
        return {
            "surface_centre": (("component",), self.centre),
            "surface_radii": (("wall", "component"), self.radii),
            "surface_modes": (("wall", "mode"), self.modes),
        }

    def direction(self, theta: Array, phi: Array) -> Array:
        """d(θ, φ) in mm, shape (..., 3)."""
        sphere = (np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta))
        return np.stack(sphere, axis=-1) * self.radii[0]

    def angles(self, points: Array) -> tuple[Array, Array]:
        """θ and φ (...) in rad of points (..., 3) in mm."""
        x, y, z = np.moveaxis((points - self.centre) / self.radii[0], -1, 0)
        return np.arctan2(np.hypot(x, y), z), np.arctan2(y, x)

    def multiplier(self, wall: int, theta: Array, phi: Array) -> Array:
        """ρ of the endocardium (0) or ρ + τ of the epicardium (1)."""
        Y = harmonics(theta, phi, degree(self.modes))
        rho = np.exp(Y @ self.modes[0])
        if wall == 0:
            return rho
        q = 1 / np.linalg.norm(self.direction(theta, phi) / self.radii[1], axis=-1)
        return rho + (q - 1) * np.exp(Y @ self.modes[1])

    def points(self, wall: int, theta: Array, phi: Array) -> Array:
        """Points of a wall in mm, shape (..., 3)."""
        return self.centre + self.multiplier(wall, theta, phi)[..., None] * self.direction(theta, phi)

    def rim(self, wall: int, phi: Array) -> Array:
        """The θ at which a wall meets the base plane, for each φ (...), by bisection."""
        low, high = np.full_like(phi, HIGHEST), np.full_like(phi, LOWEST)
        for _ in range(40):
            middle = (low + high) / 2
            above = self.points(wall, middle, phi)[..., 2] > 0
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        return (low + high) / 2


def degree(modes: Array) -> int:
    """The highest degree of spherical harmonics among (degree + 1)² coefficients."""
    return int(np.sqrt(modes.shape[-1])) - 1


def orders(degree: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Degree l and order m of each mode: (0, 0), (1, -1), (1, 0), ..."""
    pairs = np.array([(l, m) for l in range(degree + 1) for m in range(-l, l + 1)])
    return pairs[:, 0], pairs[:, 1]


def harmonics(theta: Array, phi: Array, degree: int) -> Array:
    """Orthonormal real spherical harmonics, shape (..., (degree + 1)²): √2 P̄ₗₘ sin mφ, P̄ₗ₀, √2 P̄ₗₘ cos mφ."""
    legendre, phi = _legendre(np.cos(theta), np.sin(theta), degree), np.asarray(phi)
    waves = {0: 1.0} | {m: np.sqrt(2) * np.cos(m * phi) for m in range(1, degree + 1)}
    waves |= {-m: np.sqrt(2) * np.sin(m * phi) for m in range(1, degree + 1)}
    return np.stack([legendre[l, abs(m)] * waves[m] for l, m in zip(*orders(degree), strict=True)], axis=-1)


def _legendre(x: Array, y: Array, degree: int) -> dict[tuple[int, int], Array]:
    """Normalised associated Legendre functions P̄ₗₘ of x = cos θ, y = sin θ (Holmes and Featherstone 2002, eq. 11)."""
    P = {(0, 0): np.full_like(x, np.sqrt(1 / (4 * np.pi)))}
    for m in range(degree + 1):
        if m > 0:
            P[m, m] = np.sqrt((2 * m + 1) / (2 * m)) * y * P[m - 1, m - 1]
        for l in range(m + 1, degree + 1):
            a = np.sqrt((4 * l**2 - 1) / (l**2 - m**2))
            b = np.sqrt(((l - 1) ** 2 - m**2) / (4 * (l - 1) ** 2 - 1))
            P[l, m] = a * (x * P[l - 1, m] - (b * P[l - 2, m] if l > m + 1 else 0.0))
    return P
