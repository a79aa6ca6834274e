"""A disk of triangles, mapped onto the wall and extruded through it in layers of wedges, cut into tetrahedra."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .surfaces import Surfaces

Array = NDArray[np.float64]
Index = NDArray[np.int64]
ENDOCARDIUM, EPICARDIUM, BASE = 1, 2, 3
FACES = np.array([[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]])  # outward, of a cell of positive volume


@dataclass(frozen=True)
class Disk:
    """Nodes on rings: ``fraction`` from the centre (0) to the rim (1) and ``angle`` (rad); ``triangles`` (n, 3)."""

    fraction: Array
    angle: Array
    triangles: Index
    rim: Index


def disk(counts: list[int]) -> Disk:
    """The disk whose ring k has ``counts[k]`` nodes (ring 0 is the centre); neighbours are joined like a zipper."""
    starts = np.concatenate([[0], np.cumsum(counts)])
    turns = [(np.arange(n) + _twist(counts, k)) / n for k, n in enumerate(counts)]
    triangles = [_zipper(turns[k], turns[k + 1], starts[k], starts[k + 1]) for k in range(len(counts) - 1)]
    rings = np.repeat(np.arange(len(counts)), counts)
    return Disk(
        fraction=rings / (len(counts) - 1),
        angle=2 * np.pi * np.concatenate(turns),
        triangles=np.concatenate(triangles),
        rim=np.arange(starts[-2], starts[-1]),
    )


def _twist(counts: list[int], k: int) -> float:
    """Rings of equal size are turned by half a step in turn, so that their triangles are close to equilateral."""
    first = next(i for i, n in enumerate(counts) if n == counts[k])
    return 0.5 * ((k - first) % 2)


def _zipper(inner: Array, outer: Array, first_inner: int, first_outer: int) -> Index:
    """Triangles between two rings of angles (in turns): each edge sees the node of the other ring at its middle."""
    n, m = len(inner), len(outer)
    outer_middle = outer + 0.5 / m
    apex = np.searchsorted(inner + 0.5 / n, outer_middle) % n  # the inner node nearest to the middle of an outer edge
    j = np.arange(m)
    fans = np.stack([first_inner + apex, first_outer + j, first_outer + (j + 1) % m], axis=1)
    if n == 1:
        return fans
    i = np.arange(n)
    foot = np.searchsorted(outer_middle, inner + 0.5 / n, side="right") % m  # where middles meet, the outer one first
    return np.concatenate([fans, np.stack([first_inner + i, first_outer + foot, first_inner + (i + 1) % n], axis=1)])


def ring_counts(surfaces: Surfaces, size: float) -> list[int]:
    """Nodes per ring for edges of about ``size`` mm half-way through the wall; six more per ring near the apex."""
    middle = surfaces.radii.mean(axis=0)
    short, long = middle[:2].mean(), middle[2]
    _, arc = _arc(short, long, -surfaces.centre[2])
    rings = max(3, round(arc[-1] / (size * np.sqrt(3) / 2)))
    most = max(6, round(2 * np.pi * short / size))
    return [1] + [min(6 * k, most) for k in range(1, rings + 1)]


def _arc(short: float, long: float, height: float) -> tuple[Array, Array]:
    """Angle u and arc length along the ellipse (short sin u, long cos u) from the apex u = π up to z = ``height``."""
    u = np.linspace(np.pi, np.arccos(np.clip(height / long, -0.95, 0.95)), 2000)
    steps = np.hypot(np.diff(short * np.sin(u)), np.diff(long * np.cos(u)))
    return u, np.concatenate([[0], np.cumsum(steps)])


def wall_nodes(surfaces: Surfaces, template: Disk, layers: int) -> Array:
    """Nodes (layers + 1, disk node, 3): straight lines from endocardium to epicardium, at equal shares of both arcs."""
    endo, epi = (_on_wall(surfaces, wall, template) for wall in (0, 1))
    depth = np.linspace(0, 1, layers + 1)[:, None, None]
    return (1 - depth) * endo + depth * epi


def _on_wall(surfaces: Surfaces, wall: int, template: Disk) -> Array:
    a, c = surfaces.radii[wall, :2].mean(), surfaces.radii[wall, 2]
    u, arc = _arc(a, c, -surfaces.centre[2])
    scale = surfaces.radii[0]
    theta = np.arctan2(np.sin(u) * a / scale[:2].mean(), np.cos(u) * c / scale[2])
    share = (np.pi - theta) / (np.pi - theta[-1])
    way = np.interp(template.fraction, arc / arc[-1], share)
    theta = np.pi - way * (np.pi - surfaces.rim(wall, template.angle))
    points = surfaces.points(wall, theta, template.angle)
    points[template.rim, 2] = 0.0
    return points


def tetrahedra(triangles: Index, nodes: int, layers: int) -> Index:
    """Three tetrahedra (cell, 4) per wedge of a layer of triangles (n, 3), of so many nodes (Kuhn's split): the
    diagonal of a side starts at its smaller node, for both wedges."""
    i, j, k = np.sort(triangles, axis=1).T
    below = np.arange(layers)[:, None] * nodes
    I, J, K = (below + n for n in (i, j, k))
    top = nodes
    cells = [(I, J, K, K + top), (I, J, J + top, K + top), (I, I + top, J + top, K + top)]
    return np.concatenate([np.stack(cell, axis=-1).reshape(-1, 4) for cell in cells])


def oriented(points: Array, cells: Index) -> Index:
    """Cells (cell, 4) of points (point, 3), the last two corners exchanged where the volume would be negative."""
    a, b, c, d = (points[cells[:, n]] for n in range(4))
    flip = np.einsum("ij,ij->i", np.cross(b - a, c - a), d - a) < 0
    cells = cells.copy()
    cells[flip, 2:] = cells[flip, :1:-1]
    return cells


def boundary(cells: Index, nodes: int, layers: int) -> tuple[Index, Index]:
    """Outward triangles (facet, 3) of the boundary of positively oriented cells (cell, 4), and their tags (facet,) from
    the layers of their nodes."""
    faces = cells[:, FACES].reshape(-1, 3)
    _, first, count = np.unique(np.sort(faces, axis=1), axis=0, return_index=True, return_counts=True)
    facets = faces[np.sort(first[count == 1])]
    layer = facets // nodes
    tags = np.where((layer == 0).all(axis=1), ENDOCARDIUM, np.where((layer == layers).all(axis=1), EPICARDIUM, BASE))
    return facets, tags
