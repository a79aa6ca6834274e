"""Both ventricles as level functions on a grid of the heart frame: negative inside, about the distance in mm.

``left`` is the LV endocardium, ``septum`` the LV epicardium (with the RV side of the septum), ``right`` the RV
endocardium, ``outer`` the epicardium of both. The muscle is inside ``outer`` and outside ``left`` and ``right``.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, spline_filter

from ..units import MM3_PER_ML

Array = NDArray[np.float64]
NAMES = ("left", "septum", "right", "outer")
LEFT_WALL, RIGHT_WALL, LEFT_BLOOD, RIGHT_BLOOD = 1, 2, 3, 4
LABELS = {"LV wall": LEFT_WALL, "RV wall": RIGHT_WALL, "LV blood": LEFT_BLOOD, "RV blood": RIGHT_BLOOD}
FARTHEST = 20.0  # mm; beyond, a level only says on which side a point lies
DIFFERENCE = 0.05  # mm to either side, of gradients: a small part of the grid's step, over which splines bend
VOXEL = 1.25  # mm, of the quadrature of volumes


@dataclass(frozen=True)
class Grid:
    """Nodes ``origin + step (i, j, k)`` in mm, ``shape`` of them; ends above the base plane z = 0."""

    origin: Array
    step: float
    shape: tuple[int, int, int]

    @classmethod
    def around(cls, low: Array, high: Array, step: float) -> "Grid":
        """The grid of a box from ``low`` to ``high`` (3,), in mm as the step."""
        return cls(low, step, tuple(int(n) for n in np.ceil((high - low) / step) + 1))

    def points(self) -> Array:
        """Its nodes (n, 3)."""
        return self.origin + self.step * np.indices(self.shape).reshape(3, -1).T


@dataclass(frozen=True)
class Levels:
    """Cubic splines of the four levels: ``coefficients`` by name, each of the shape of the grid."""

    grid: Grid
    coefficients: dict[str, Array]

    @classmethod
    def sampled(cls, grid: Grid, **values: Array) -> "Levels":
        """The levels with these values (n,) at the nodes of the grid."""
        fields = {name: np.clip(values[name], -FARTHEST, FARTHEST).reshape(grid.shape) for name in NAMES}
        return cls(grid, {name: spline_filter(field, mode="mirror") for name, field in fields.items()})

    def at(self, name: str, points: Array) -> Array:
        """A level (n,) at points (n, 3); outside the grid it is that of the nearest point in it."""
        places = ((points - self.grid.origin) / self.grid.step).T
        inside = np.clip(places, 0, np.array(self.grid.shape)[:, None] - 1)
        return map_coordinates(self.coefficients[name], inside, prefilter=False, mode="mirror")

    def rms(self, name: str, points: Array) -> float:
        """Root mean square distance in mm of points (n, 3) from the surface of a level."""
        return float(np.sqrt(np.mean(self.at(name, points) ** 2)))

    def gradient(self, name: str, points: Array) -> Array:
        """Its gradient (n, 3), by central differences."""
        steps = DIFFERENCE * np.eye(3)
        ahead, behind = ([self.at(name, points + sign * step) for step in steps] for sign in (1, -1))
        return (np.stack(ahead, axis=1) - np.stack(behind, axis=1)) / (2 * DIFFERENCE)

    def muscle(self, points: Array) -> Array:
        """Negative in the muscle: max(outer, -left, -right), in mm at points (n, 3)."""
        return np.maximum(self.at("outer", points), -np.minimum(self.at("left", points), self.at("right", points)))

    def thickness(self, points: Array) -> Array:
        """Of the wall in mm, at points (n, 3) in it: the sum of the distances from its two surfaces."""
        inner = np.minimum(self.at("left", points), self.at("right", points))
        return np.abs(self.at("outer", points)) + np.abs(inner)

    @cached_property
    def volumes(self) -> dict[int, float]:
        """Volume in mL of each label below the base plane, by the midpoint rule with fractions of cut voxels."""
        box = -self.grid.origin[2]
        counts = np.array([*(np.array(self.grid.shape[:2]) - 1) * self.grid.step / VOXEL, box / VOXEL]).astype(int)
        voxel = box / counts[2]
        corner = Grid(self.grid.origin + voxel / 2, voxel, tuple(int(n) for n in counts)).points()
        near = corner[self.at("outer", corner) < voxel]
        share = {name: np.clip(0.5 - self.at(name, near) / voxel, 0, 1) for name in NAMES}
        blood = share["left"] + share["right"]
        wall = np.clip(share["outer"] - blood, 0, 1)
        left = np.clip(np.minimum(share["septum"], share["outer"]) - share["left"], 0, wall)
        parts = {LEFT_WALL: left, RIGHT_WALL: wall - left, LEFT_BLOOD: share["left"], RIGHT_BLOOD: share["right"]}
        return {label: float(part.sum() * voxel**3 / MM3_PER_ML) for label, part in parts.items()}


def least(a: Array, b: Array, width: float) -> Array:
    """The smaller of two levels (n,) in mm, smooth where they differ by less than ``width`` mm (there up to width / 4
    less)."""
    return np.minimum(a, b) - np.maximum(width - np.abs(a - b), 0) ** 2 / (4 * width)
