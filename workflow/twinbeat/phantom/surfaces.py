"""Closed triangulated surfaces: how they are made, cut by a plane, and filled on a grid of samples.

Coordinates of vertices are (vertex, 3) in mm. A cut is a set of segments (segment, 2, 2) of the first two coordinates
at a value of the third one, in no order: filling by the even-odd rule needs none.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Grid:
    """Sample points (row, column) at ``origin + step * (column, row)`` in the first two coordinates."""

    origin: tuple[float, float]
    step: float
    shape: tuple[int, int]

    def around(self, segments: np.ndarray) -> tuple["Grid", tuple[slice, slice]]:
        """The part of the grid that holds the segments (segment, 2, 2), in mm, and where it lies."""
        places = (segments.reshape(-1, 2) - self.origin) / self.step
        limit = self.shape[::-1]
        low, high = (np.clip(v, 0, limit).astype(int) for v in (np.floor(places.min(axis=0)), places.max(axis=0) + 2))
        origin = tuple(self.origin + low * self.step)
        part = (slice(low[1], high[1]), slice(low[0], high[0]))
        return Grid(origin, self.step, (int(high[1] - low[1]), int(high[0] - low[0]))), part


@dataclass(frozen=True)
class Surface:
    """Triangles (triangle, 3) of vertices (vertex, 3) that enclose a volume."""

    vertices: np.ndarray
    triangles: np.ndarray

    def moved(self, matrix: np.ndarray, shift: np.ndarray) -> "Surface":
        """The surface with its vertices at ``matrix @ vertex + shift``, of (3, 3) and (3,)."""
        return Surface(self.vertices @ matrix.T + shift, self.triangles)

    def volume(self) -> float:
        """Enclosed volume in mm³ (divergence theorem)."""
        a, b, c = np.moveaxis(self.vertices[self.triangles], 1, 0)
        return float(abs(np.einsum("ti,ti->", a, np.cross(b, c))) / 6)

    def girth(self) -> float:
        """Perimeter of the cuts, integrated over their heights (mm²), of a surface of ``capped`` without its cap."""
        open_ = self.triangles[(self.triangles < len(self.vertices) - 1).all(axis=1)]
        a, b, c = np.moveaxis(self.vertices[open_], 1, 0)
        return float(np.linalg.norm(np.cross(b - a, c - a)[:, :2], axis=1).sum() / 2)

    def cut(self, height: float) -> np.ndarray:
        """Segments of the plane where the third coordinate is ``height``."""
        above = self.vertices[:, 2] > height
        several = above[self.triangles]
        crossing = self.triangles[several.any(axis=1) & ~several.all(axis=1)]
        if not len(crossing):
            return np.empty((0, 2, 2))
        side = above[crossing]
        alone = np.argmax(side == (side.sum(axis=1) == 1)[:, None], axis=1)
        corners = np.take_along_axis(crossing, (alone[:, None] + np.arange(3)) % 3, axis=1)
        tip, ends = self.vertices[corners[:, :1]], self.vertices[corners[:, 1:]]
        share = (height - tip[..., 2:]) / (ends[..., 2:] - tip[..., 2:])
        return (tip + share * (ends - tip))[..., :2]


def capped(vertices: np.ndarray, triangles: np.ndarray) -> Surface:
    """A surface of triangles (triangle, 3) that is open at one rim, closed by a fan about the rim's centre."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    _, index, count = np.unique(np.sort(edges, axis=1), axis=0, return_index=True, return_counts=True)
    rim = edges[index[count == 1]]
    centre = vertices[np.unique(rim)].mean(axis=0)
    fan = np.column_stack([rim[:, ::-1], np.full(len(rim), len(vertices))])
    return Surface(np.vstack([vertices, centre]), np.concatenate([triangles, fan]))


def loft(contours: np.ndarray) -> Surface:
    """The surface through closed contours (level, point, 3), with flat ends."""
    levels, count, _ = contours.shape
    start = count * np.arange(levels - 1)[:, None] + np.arange(count)
    after = count * np.arange(levels - 1)[:, None] + (np.arange(count) + 1) % count
    a, b, c, d = start.ravel(), after.ravel(), start.ravel() + count, after.ravel() + count
    sides = np.concatenate([np.column_stack([a, b, d]), np.column_stack([a, d, c])])
    ring, last = np.arange(count), count * (levels - 1)
    ends = [
        np.column_stack([np.roll(ring, -1), ring, np.full(count, levels * count)]),
        np.column_stack([last + ring, last + np.roll(ring, -1), np.full(count, levels * count + 1)]),
    ]
    centres = contours[[0, -1]].mean(axis=1)
    return Surface(np.vstack([contours.reshape(-1, 3), centres]), np.concatenate([sides, *ends]))


def ellipsoid(centre: np.ndarray, radii: np.ndarray, levels: int = 14, count: int = 28) -> Surface:
    """An ellipsoid along the axes, with its centre (3,) and radii (3,) in mm."""
    polar = np.linspace(0.02, np.pi - 0.02, levels)[:, None]
    turn = 2 * np.pi * np.arange(count) / count
    unit = [
        np.sin(polar) * np.cos(turn),
        np.sin(polar) * np.sin(turn),
        np.broadcast_to(-np.cos(polar), (levels, count)),
    ]
    return loft(centre + radii * np.stack(unit, axis=-1))


def tube(centres: np.ndarray, radii: np.ndarray, count: int = 20) -> Surface:
    """A tube about ``centres`` (level, 3), with circles of ``radii`` (level,) normal to the third axis."""
    turn = 2 * np.pi * np.arange(count) / count
    circle = np.stack([np.cos(turn), np.sin(turn), np.zeros(count)], axis=-1)
    return loft(centres[:, None] + radii[:, None, None] * circle)


def filled(segments: np.ndarray, grid: Grid) -> np.ndarray:
    """Whether each sample (row, column) lies inside the segments: even-odd rule along the rows."""
    rows, columns = grid.shape
    (x0, y0), (x1, y1) = np.moveaxis((segments - grid.origin) / grid.step, (1, 2), (0, 1))
    low, high = np.ceil(np.minimum(y0, y1)).clip(0, rows), np.ceil(np.maximum(y0, y1)).clip(0, rows)
    count = (high - low).astype(int)
    which = np.repeat(np.arange(len(count)), count)
    row = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count) + low[which].astype(int)
    x = x0[which] + (row - y0[which]) * (x1[which] - x0[which]) / (y1[which] - y0[which])
    column = np.ceil(x).clip(0, columns).astype(int)
    crossings = np.bincount(row * (columns + 1) + column, minlength=rows * (columns + 1))
    odd = (crossings & 1).astype(np.uint8).reshape(rows, columns + 1)[:, :columns]
    return np.bitwise_xor.accumulate(odd, axis=1).astype(bool)


def profile(surface: Surface, heights: np.ndarray, count: int = 72) -> tuple[np.ndarray, np.ndarray]:
    """Radius (height, angle) of a star-shaped surface at ``count`` angles about its centres (height, 2)."""
    angles = 2 * np.pi * np.arange(count) / count
    radii, centres = np.empty((len(heights), count)), np.empty((len(heights), 2))
    for i, height in enumerate(heights):
        segments = surface.cut(height)
        length = np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1)
        centres[i] = np.average(segments.mean(axis=1), axis=0, weights=length)
        offset = segments.mean(axis=1) - centres[i]
        turn = np.arctan2(offset[:, 1], offset[:, 0])
        order = np.argsort(turn)
        radii[i] = np.interp(angles, turn[order], np.hypot(*offset.T)[order], period=2 * np.pi)
    return radii, centres
