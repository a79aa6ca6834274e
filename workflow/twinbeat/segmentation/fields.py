"""Smooth random fields and the canvas on which synthetic hearts are drawn."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

Field = NDArray[np.float32]
SIZE = 128
"""Pixels along each side of a training image."""
PIXEL = 1.5
"""Their size in mm."""


class Layer(NamedTuple):
    """A shape: ``depth`` (y, x) is its signed distance in mm, positive inside; ``label`` None keeps what is below.

    ``softness`` is the width in mm over which it blends into what is below: partial volume through an oblique slice.
    """

    depth: Field
    tissue: str
    label: int | None
    softness: float = 1.5


@cache
def _interpolation(knots: int) -> Field:
    """The matrix (pixel, knot) of cubic interpolation between evenly spaced knots."""
    return zoom(np.eye(knots), (SIZE / knots, 1), order=3, grid_mode=False).astype(np.float32)


def smooth(rng: np.random.Generator, knots: int) -> Field:
    """A random field (y, x) of about unit variance with ``knots`` independent values along each side."""
    weights = _interpolation(knots)
    return weights @ rng.standard_normal((knots, knots), dtype=np.float32) @ weights.T


def grid(rng: np.random.Generator, shift: float, angle: float) -> tuple[Field, Field]:
    """Coordinates (x, y) in mm about the heart's centre, turned by ``angle``, shifted and elastically deformed."""
    axis = (np.arange(SIZE, dtype=np.float32) - (SIZE - 1) / 2) * PIXEL
    x = axis[None, :] - rng.uniform(-shift, shift) + _bend(rng)
    y = axis[:, None] - rng.uniform(-shift, shift) + _bend(rng)
    return np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x


def _bend(rng: np.random.Generator) -> Field:
    return rng.uniform(0, 4) * smooth(rng, int(rng.integers(4, 9))) * np.float32(rng.random() < 0.8)


def blob(rng: np.random.Generator, x: Field, y: Field, radii: tuple[float, float], roughness: float) -> Field:
    """Signed distance (about) to a star-shaped closed curve: an ellipse with random harmonics of that relative size."""
    z = (x + 1j * y).astype(np.complex64)
    radius = np.abs(z) + np.float32(1e-3)
    unit = z / radius
    ellipse = np.float32(1) / np.sqrt((unit.real / radii[0]) ** 2 + (unit.imag / radii[1]) ** 2 + 1e-12)
    return ellipse * (1 + waves(rng, unit, roughness)) - radius


def waves(rng: np.random.Generator, unit: NDArray[np.complex64], size: float, orders: int = 5) -> Field:
    """A random function of the angle: harmonics 1 to ``orders`` with amplitudes that fall as 1 / order."""
    total, power = np.zeros(unit.shape, np.float32), unit
    for order in range(1, orders + 1):
        factor = np.complex64(complex(*rng.normal(0, size / order, 2)) / 2)
        total += (factor * power).real
        power = power * unit
    return total


def normalise(signal: Field) -> Field:
    """Map the 1st and 99th percentile of an image or a stack (..., y, x) to -1 and 1, and cut what lies far outside."""
    low, high = np.percentile(signal, [1, 99])
    scaled = (signal - low) / max(high - low, 1e-6) * 2 - 1
    return np.clip(scaled, -1.25, 1.5).astype(np.float32)
