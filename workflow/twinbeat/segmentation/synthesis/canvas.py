"""The points of a short-axis stack, smooth random fields over them, and shapes as signed distances."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..scale import PIXEL

Field = NDArray[np.float32]
PLANES = 3
"""Planes through the thickness of a slice, whose mean is its signal: partial volume."""


class Layer(NamedTuple):
    """A shape: ``depth`` is its signed distance in mm, positive inside; ``label`` None keeps what is below.

    ``softness`` is the width in mm over which it blends into what is below. Depths of organs are (z, y, x), those of
    the heart (plane, y, x) with ``PLANES`` planes to a slice.
    """

    depth: Field
    tissue: str
    label: int | None
    softness: float = 1.5


@dataclass(frozen=True)
class Canvas:
    """Planes at ``heights`` (plane,) in mm, each ``size`` pixels of ``PIXEL`` mm wide and high, about (0, 0)."""

    heights: Field
    size: int

    @property
    def axis(self) -> Field:
        """Pixel centres in mm along y and along x."""
        return ((np.arange(self.size) - (self.size - 1) / 2) * PIXEL).astype(np.float32)

    @property
    def slices(self) -> "Canvas":
        """The middle planes alone."""
        return Canvas(self.middle(self.heights), self.size)

    @staticmethod
    def middle(field: Field) -> Field:
        """Of a field (plane, ...) what it is in the middle planes (z, ...)."""
        return field[PLANES // 2 :: PLANES]

    def smooth(self, rng: np.random.Generator, across: float, along: float) -> Field:
        """A random field (plane, y, x) of unit variance that varies over ``across`` mm in plane, ``along`` mm along z.

        Random coefficients of cubic B-splines, whose variance is evened out.
        """
        z, plane = _splines(self.heights, along), _splines(self.axis, across)
        knots = rng.standard_normal((z.shape[1], plane.shape[1], plane.shape[1]), dtype=np.float32)
        return plane @ np.tensordot(z, knots, 1) @ plane.T


def _splines(position: Field, pitch: float) -> Field:
    """Matrix (position, knot) of cubic B-splines ``pitch`` apart, of rows with unit sums of squares."""
    place = (position - position.min()) / pitch + 1.5
    off = np.abs(place[:, None] - np.arange(int(place.max()) + 3))
    weights = np.where(off < 1, 2 / 3 - off**2 + off**3 / 2, np.maximum(2 - off, 0) ** 3 / 6)
    return (weights / np.sqrt((weights**2).sum(1, keepdims=True))).astype(np.float32)


def direction(x: Field, y: Field) -> tuple[Field, NDArray[np.complex64]]:
    """Distance from the origin, and the direction as a complex number of size 1."""
    place = x + 1j * y
    distance = np.abs(place) + np.float32(1e-3)
    return distance, place / distance


def waves(rng: np.random.Generator, unit: NDArray[np.complex64], size: float, orders: int = 4) -> Field:
    """A random function of the angle: harmonics 1 to ``orders`` with amplitudes that fall as 1 / order."""
    factors = [complex(*rng.normal(0, size / order, 2)) / 2 for order in range(1, orders + 1)]
    total = np.zeros_like(unit)
    for factor in reversed(factors):
        total = (total + np.complex64(factor)) * unit
    return total.real


def ellipsoid(distance: Field, radius: Field | float, height: Field, axis: Field | float) -> Field:
    """Signed distance, to first order, to an ellipsoid of revolution that ``radius`` may distort; positive inside.

    ``distance`` from the axis and ``height`` above the centre are in mm, as ``radius`` and half ``axis``.
    """
    out, up = distance / radius, height / axis
    level = np.sqrt(out**2 + up**2)
    slope = np.sqrt((out / radius) ** 2 + (up / axis) ** 2)
    return level * (1 - level) / (slope + np.float32(1e-6))


def meet(a: Field, b: Field, radius: float) -> Field:
    """What lies inside both of two signed distances, with edges rounded off over about ``radius`` mm."""
    softness = np.float32(radius / 2)
    return -softness * np.logaddexp(-a / softness, -b / softness)


def blob(
    rng: np.random.Generator, x: Field, y: Field, z: Field, radii: tuple[float, float, float], roughness: float
) -> Field:
    """Signed distance, about, to an ellipsoid with random harmonics about its z-axis; positive inside."""
    mean = float(np.sqrt(radii[0] * radii[1]))
    distance, unit = direction(x * np.float32(mean / radii[0]), y * np.float32(mean / radii[1]))
    radius = mean * (1 + np.clip(waves(rng, unit, roughness), -0.6, 0.6)) if roughness else mean
    return ellipsoid(distance, radius, z, radii[2])
