"""The unloaded left ventricle of a virtual patient as a closed formula."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Shape:
    """Truncated ellipsoid-like left ventricle, unloaded, in the heart frame; lengths in mm.

    A point has the parameters ``along`` (0 apex to 1 base), ``around`` (rad from the septum, counter-clockwise seen
    from the base) and ``depth`` (0 endocardium to 1 epicardium). The base is the plane z = 0.
    """

    radius: float
    """Largest inner radius."""
    length: float
    """Inner depth from the base to the apex."""
    truncation: float
    """Angle in rad from the apex to the base along the inner meridian; above pi/2 the base is narrower."""
    wall: float
    """Thickness of the free wall at the equator."""
    septal: float
    """Thickness of the septum as a share of the free wall's."""
    apical: float
    """Thickness of the apex as a share of the free wall's."""
    oval: float
    """Cross sections are wider along the second axis by this share, and narrower along the first."""
    apex_shift: tuple[float, float]
    """Shift of the apex along the first two axes."""
    rv_angle: float
    """Half the angle in rad that the right ventricle covers, about the septum."""
    rv_width: float
    """Largest distance from the septum to the right ventricle's free wall."""

    def point(self, along: np.ndarray, around: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """Position (..., 3) in mm in the heart frame of points with these parameters (...)."""
        inner, outer = self._surface(along, around, 0.0), self._surface(along, around, 1.0)
        return inner + np.asarray(depth)[..., None] * (outer - inner)

    def _surface(self, along: np.ndarray, around: np.ndarray, depth: float) -> np.ndarray:
        """The meridian is z = z0 - A cos(angle), r = R sin(angle): half an ellipse about z0, cut at z = 0."""
        inner_axis = self.length / (1 - np.cos(self.truncation))
        centre = inner_axis * np.cos(self.truncation)
        axis = inner_axis + depth * self.wall * self.apical
        angle = np.asarray(along) * np.arccos(centre / axis)
        septum = (1 + np.sin(angle) * np.cos(around)) / 2
        radius = (self.radius + depth * self.wall * (1 + (self.septal - 1) * septum)) * np.sin(angle)
        z = centre - axis * np.cos(angle)
        bend = (z / self.length) ** 2
        x = radius * (1 - self.oval) * np.cos(around) + bend * self.apex_shift[0]
        y = radius * (1 + self.oval) * np.sin(around) + bend * self.apex_shift[1]
        return np.stack([x, y, z], axis=-1)

    def directions(self, along: np.ndarray, around: np.ndarray, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Unit vectors (point, 3): towards the base along the layer of constant depth, and outwards, normal to it.

        By central differences of ``point`` in the disk that ``along`` and ``around`` are polar coordinates of: smooth
        through the apex, where the way to the base is the one along ``around``. The parameters are (point,).
        """
        ray = np.stack([np.cos(around), np.sin(around)])
        disk = np.asarray(along) * ray
        step = 1e-4
        east, north = (self._difference(disk, shift, depth) for shift in (step * np.eye(2)))
        normal = np.cross(north, east)
        normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
        up = ray[0][:, None] * east + ray[1][:, None] * north
        up -= np.sum(up * normal, axis=-1, keepdims=True) * normal
        return up / np.linalg.norm(up, axis=-1, keepdims=True), normal

    def _difference(self, disk: np.ndarray, shift: np.ndarray, depth: np.ndarray) -> np.ndarray:
        ahead, behind = (disk + sign * shift[:, None] for sign in (1, -1))
        return self.point(*_polar(ahead), depth) - self.point(*_polar(behind), depth)


def _polar(disk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.hypot(*disk), np.arctan2(disk[1], disk[0])
