"""What lies around the left ventricle: right ventricle, fat, atria, great vessels, papillary muscles (heart frame, mm).

The right ventricle is a crescent on the septum: beyond the epicardial radius R it has the width ``g w(height, angle)``,
so that its volume ``∫∫ (R g w + g² w²/2)`` gives g in closed form. It moves so that both ventricles eject alike.
"""

from dataclasses import dataclass

import numpy as np

from ..units import MM3_PER_ML
from .surfaces import Surface, ellipsoid, loft, profile, tube
from .trabeculae import Rim

LEVELS = 16
ANGLES = 72
RIGHT_EJECTION = 0.58
"""Largest ejection fraction of the right ventricle."""
RIGHT_WALL = 4.0
ATRIAL_WALL = 2.5
RIM = 3.0
"""The rim of the base need not be flat: below this distance in mm every cross section is whole."""


@dataclass(frozen=True)
class Layer:
    """A tissue inside a surface, with a rim of muscle where it has one; later layers lie over earlier ones."""

    tissue: str
    surface: Surface
    rim: Rim | None = None


@dataclass(frozen=True)
class Contours:
    """Epicardial radius (height, angle) about centres (height, 2) at heights (height,)."""

    heights: np.ndarray
    radii: np.ndarray
    centres: np.ndarray

    def ring(self, radii: np.ndarray, angles: np.ndarray) -> np.ndarray:
        """Points (height, angle, 3) at ``radii`` (height, angle)."""
        flat = self.centres[:, None] + radii[..., None] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
        return np.concatenate([flat, np.broadcast_to(self.heights[:, None, None], (*radii.shape, 1))], axis=-1)


class Right:
    """The right ventricle of one patient."""

    def __init__(self, half_angle: float, width: float, stroke: float, end_diastolic: Contours) -> None:
        """``half_angle`` (rad) about the septum, ``width`` (mm) at end-diastole at least, ``stroke`` volume in mL."""
        self.half_angle = half_angle
        self.filled = max(self._volume(end_diastolic, width), stroke * MM3_PER_ML / RIGHT_EJECTION)

    def _weights(self, around: Contours) -> tuple[np.ndarray, np.ndarray]:
        """Width (height, angle) of a crescent of unit width, and its angles from the septum (height, angle)."""
        share = np.linspace(0, 1, len(around.heights))
        up = np.clip((share - 0.12) / 0.88, 0, 1)
        half = self.half_angle * (0.7 + 0.3 * up)
        angles = half[:, None] * np.linspace(-1, 1, ANGLES // 2)
        round_ = np.cos(np.pi / 2 * np.linspace(-1, 1, ANGLES // 2)) ** 0.8
        return np.sqrt(up * (2 - up))[:, None] * round_, angles

    def _coefficients(self, around: Contours) -> tuple[float, float]:
        """A and B of the volume A g + B g²."""
        width, angles = self._weights(around)
        radius = _at(around, angles)
        one = np.trapezoid(np.trapezoid(radius * width, angles, axis=1), around.heights)
        two = np.trapezoid(np.trapezoid(width**2 / 2, angles, axis=1), around.heights)
        return float(one), float(two)

    def _volume(self, around: Contours, width: float) -> float:
        one, two = self._coefficients(around)
        return one * width + two * width**2

    def layers(self, around: Contours, ejected: float) -> list[Layer]:
        """Fat, wall and blood at a moment when ``ejected`` mm³ have left."""
        one, two = self._coefficients(around)
        wide = (np.sqrt(one**2 + 4 * two * (self.filled - ejected)) - one) / (2 * two)
        weights, angles = self._weights(around)
        radius, gap = _at(around, angles), wide * weights
        wall = RIGHT_WALL * np.minimum(1, 0.15 + gap / (4 * RIGHT_WALL))
        blood = _crescent(around, angles, radius - 1.5, radius + gap)
        muscle = _crescent(around, angles * 1.06, radius - 1.5, radius + gap + wall)
        return [
            Layer("fat", self._fat(around, angles, radius + gap + wall)),
            Layer("right wall", muscle),
            Layer("right blood", blood),
        ]

    def _fat(self, around: Contours, angles: np.ndarray, outside: np.ndarray) -> Surface:
        """Epicardial fat: thin over the free walls, thick in the grooves where the ventricles meet."""
        turn = 2 * np.pi * np.arange(ANGLES) / ANGLES - np.pi
        heart = np.array([np.interp(turn, a, r, left=0, right=0) for a, r in zip(angles, outside, strict=True)])
        groove = sum(np.exp(-(((turn - side * self.half_angle) / 0.25) ** 2)) for side in (-1, 1))
        up = np.linspace(0.5, 1, len(around.heights))[:, None]
        radius = np.maximum(heart, _at(around, np.broadcast_to(turn, heart.shape)) + 5 * up * groove)
        return loft(around.ring(radius + 1.5 + 2 * up, turn))


def contours(epicardium: Surface) -> Contours:
    """Cross sections of a surface of ``capped``, from just above the apex to just below the base, where its cap is."""
    low, high = epicardium.vertices[:, 2].min(), epicardium.vertices[-1, 2]
    heights = np.linspace(low + 1.0, high - RIM, LEVELS)
    radii, centres = profile(epicardium, heights, ANGLES)
    heights[-1] = high
    return Contours(heights, radii, centres)


def _at(around: Contours, angles: np.ndarray) -> np.ndarray:
    """Epicardial radius (height, angle) at other angles (height, angle)."""
    known = 2 * np.pi * np.arange(ANGLES) / ANGLES
    return np.array([np.interp(a, known, r, period=2 * np.pi) for a, r in zip(angles, around.radii, strict=True)])


def _crescent(around: Contours, angles: np.ndarray, inner: np.ndarray, outer: np.ndarray) -> Surface:
    out, back = around.ring(outer, angles), around.ring(inner, angles)[:, ::-1]
    return loft(np.concatenate([out, back], axis=1))


def base(ejected_share: float, radius: float) -> list[Layer]:
    """Atria and great vessels above the base; the atria are wider at end-systole, ``radius`` is the base's (mm)."""
    wide, scale = 1 + 0.12 * ejected_share, radius / 32
    blood = [
        ellipsoid(scale * np.array([-6.0, -10, 30]), scale * wide * np.array([23.0, 25, 25])),
        ellipsoid(scale * np.array([48.0, -22, 24]), scale * wide * np.array([21.0, 23, 26])),
        tube(scale * np.array([[10.0, 10, -3], [16, 14, 25], [22, 14, 70]]), scale * np.array([12.0, 15, 14])),
        tube(scale * np.array([[42.0, 20, -6], [32, 34, 20], [16, 40, 60]]), scale * np.array([16.0, 13, 12])),
    ]
    walls = [Layer("right wall", _thicker(surface, ATRIAL_WALL)) for surface in blood]
    fat = [Layer("fat", _thicker(surface, ATRIAL_WALL + 3)) for surface in blood]
    middle = Layer("mediastinum", ellipsoid(scale * np.array([24.0, 4, 40]), scale * np.array([64.0, 50, 46])))
    return [middle, *fat, *walls, *(Layer("far blood", surface) for surface in blood)]


def _thicker(surface: Surface, by: float) -> Surface:
    """A surface moved outwards from its middle by about ``by`` mm in the plane."""
    centre = surface.vertices.mean(axis=0)
    offset = surface.vertices - centre
    reach = np.linalg.norm(offset, axis=1, keepdims=True)
    return Surface(centre + offset * (1 + by / np.maximum(reach, by)), surface.triangles)


def papillaries(endocardium: Surface, sizes: np.ndarray) -> list[Layer]:
    """Two papillary muscles, in the lateral half of the cavity between a third and two thirds of its height."""
    low, high = endocardium.vertices[:, 2].min(), endocardium.vertices[-1, 2]
    heights = low + (high - low) * np.linspace(0.3, 0.66, 5)
    radii, centres = profile(endocardium, heights, ANGLES)
    layers = []
    for angle, size in zip((0.72 * np.pi, 1.3 * np.pi), sizes, strict=True):
        radius = radii[:, round(angle / (2 * np.pi) * ANGLES)] - 0.8 * size
        flat = centres + radius[:, None] * np.array([np.cos(angle), np.sin(angle)])
        shape = size * np.array([0.6, 0.95, 1, 0.8, 0.3])
        layers.append(Layer("papillary", tube(np.column_stack([flat, heights]), np.minimum(shape, radius))))
    return layers
