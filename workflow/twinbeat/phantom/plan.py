"""How the heart lies in the chest and how the scanner's operator plans the short-axis stack."""

from dataclasses import dataclass, field

import numpy as np
from scipy.spatial.transform import Rotation

from .surfaces import Surface
from .torso import Torso

TO_APEX = np.array([0.67, -0.60, -0.43])
TO_SEPTUM = np.array([-1.0, -0.5, 0.0])


@dataclass(frozen=True)
class Scan:
    """A planned stack with coordinates (x, y, z) in mm: z = y = x = 0 lies at ``origin`` in LPS."""

    directions: np.ndarray
    """Unit vectors of z, y and x in LPS, shape (3, 3)."""
    origin: np.ndarray
    to_lps: np.ndarray
    """From the heart frame, shape (4, 4)."""
    z: np.ndarray
    thickness: float
    pixel: float
    shape: tuple[int, int]
    shifts: np.ndarray
    """How far each breath-hold moves the body in x and y, shape (slice, 2)."""
    torso: Torso
    gain: float = field(default=1.0)
    """Sensitivity of the coils at the heart, to which signals are related."""

    def seen(self, surface: Surface) -> Surface:
        """A surface of the heart frame in the coordinates of the stack."""
        axes = self.directions[::-1]
        return surface.moved(axes @ self.to_lps[:3, :3], axes @ (self.to_lps[:3, 3] - self.origin))

    def points(self, height: float, times: int = 1) -> np.ndarray:
        """LPS points (row, column, 3) of ``times`` samples along the edge of each pixel, at a height along z."""
        rows, columns = ((np.arange(n * times) + 0.5) / times - 0.5 for n in self.shape)
        x, y = np.meshgrid(columns * self.pixel, rows * self.pixel)
        return (
            self.origin
            + height * self.directions[0]
            + y[..., None] * self.directions[1]
            + x[..., None] * self.directions[2]
        )

    def body(self, height: float, k: int, times: int) -> np.ndarray:
        """Signal of the body without the heart in the plane at ``height``, moved by the breath-hold of slice ``k``."""
        shift = self.shifts[k][::-1] @ self.directions[1:]
        return self.torso.signal(self.points(height, times) - shift).astype(np.float32)

    def coil(self, k: int) -> np.ndarray:
        """Relative sensitivity of the coils (row, column) in slice ``k``."""
        return (self.torso.coil(self.points(self.z[k])) / self.gain).astype(np.float32)


def plan(outer: Surface, spacing: float, rng: np.random.Generator) -> Scan:
    """A stack from below the apex to above the base of a ventricle's ``outer`` surface (of ``capped``).

    As operators do at end-diastole, a boundary between slices is laid to the base, to within 1.5 mm.
    """
    axes = _heart_axes(rng)
    to_lps = np.eye(4)
    to_lps[:3, :3], to_lps[:3, 3] = axes.T, rng.normal([14, 8, 4], [4, 3, 5])
    directions = _tilted(axes, rng)
    low, high = _extent(outer, directions, to_lps)
    below = int(np.ceil((high - low) / spacing)) + 1
    bottom = high + rng.uniform(-1.5, 1.5) + spacing / 2 - (below + 1) * spacing
    count = below + 1 + int(rng.choice([1, 2]))
    pixel, rows = rng.uniform(1.4, 1.8), int(rng.choice([192, 208, 224]))
    shape = (rows, rows - int(rng.choice([0, 16])))
    middle = to_lps[:3, 3] + 0.45 * (low - high) * directions[0] + rng.normal(0, 8, 3)
    corner = middle - pixel * ((shape[0] - 1) / 2 * directions[1] + (shape[1] - 1) / 2 * directions[2])
    origin = corner + (bottom - corner @ directions[0]) * directions[0]
    torso = _torso(rng, to_lps, directions, high - low)
    return Scan(
        directions=directions,
        origin=origin,
        to_lps=to_lps,
        z=spacing * np.arange(count),
        thickness=spacing,
        pixel=pixel,
        shape=shape,
        shifts=_breath_holds(rng, count),
        torso=torso,
        gain=float(torso.coil(middle)),
    )


def _heart_axes(rng: np.random.Generator) -> np.ndarray:
    """Axes of the heart frame in LPS as rows: to the septum, to the front, from apex to base."""
    turn = Rotation.from_rotvec(np.radians(rng.normal(0, 6, 3))).as_matrix()
    up = -turn @ TO_APEX / np.linalg.norm(TO_APEX)
    septum = TO_SEPTUM - (TO_SEPTUM @ up) * up
    septum /= np.linalg.norm(septum)
    return np.array([septum, np.cross(up, septum), up])


def _tilted(axes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Axes z, y, x of the stack: along the heart's long axis, to its back, to the lateral wall, planned by eye."""
    roll = Rotation.from_rotvec(np.radians(rng.normal(0, 15)) * axes[2])
    tilt = Rotation.from_rotvec(np.radians(rng.normal(0, 2.5, 3)))
    return (tilt * roll).apply(np.array([axes[2], -axes[1], -axes[0]]))


def _extent(outer: Surface, directions: np.ndarray, to_lps: np.ndarray) -> tuple[float, float]:
    """Positions in LPS of the apex and of the middle of the base along the normal."""
    heights = outer.moved(to_lps[:3, :3], to_lps[:3, 3]).vertices @ directions[0]
    return float(heights.min()), float(heights[-1])


def _torso(rng: np.random.Generator, to_lps: np.ndarray, directions: np.ndarray, length: float) -> Torso:
    """A chest whose diaphragm carries the heart."""
    below = to_lps[:3, 3] - 0.5 * length * directions[0] + rng.uniform(38, 44) * directions[1]
    return Torso(rng.uniform(160, 180), rng.uniform(108, 122), rng.uniform(10, 24)).resting(below)


def _breath_holds(rng: np.random.Generator, count: int) -> np.ndarray:
    """1 to 3 mm in any direction in the plane."""
    size, turn = rng.uniform(1, 3, count), rng.uniform(0, 2 * np.pi, count)
    return np.column_stack([size * np.cos(turn), size * np.sin(turn)])
