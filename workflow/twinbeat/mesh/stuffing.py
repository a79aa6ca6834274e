"""Tetrahedra on both sides of a level set: isosurface stuffing of a body-centred cubic lattice under a plane.

Labelle and Shewchuk 2007: lattice nodes that the surface passes closely are moved onto it, then the edges that it
still crosses are cut. The lattice ends in the plane z = 0, whose nodes stay in it. The pieces of a cut tetrahedron are
split by the smallest node number, so that neighbours agree.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from .boundary import touching
from .template import oriented

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Level = Callable[[Array], Array]
SHORT, LONG = 0.41189, 0.24999  # share of an edge within which a node moves to the cut (Labelle and Shewchuk, table 1)
FLAT = 0.28  # of the step of the lattice, for nodes of the plane
DEEP = 0.1  # steps below the surface of the middle of a cell with all nodes on it; others are flat, and left out
PAIRS = tuple(combinations(range(4), 2))


@dataclass(frozen=True)
class Lattice:
    """Nodes ``points`` (n, 3) in mm and ``cells`` (m, 4) of positive volume."""

    points: Array
    cells: Index


def lattice(low: Array, high: Array, step: float, near: Callable[[Array], NDArray[np.bool_]]) -> Lattice:
    """The body-centred cubic lattice of cubes of ``step`` mm in a box whose upper face is z = 0.

    Only cells with a node that is ``near`` (a mask of points (n, 3)) are kept. At the upper face, half octahedra are
    halved once more.
    """
    counts = np.ceil((high - low) / step).astype(int)
    origin = np.array([low[0], low[1], -step * counts[2]])
    corners = origin + step * np.indices(counts + 1).reshape(3, -1).T
    centres = origin + step * (np.indices(counts).reshape(3, -1).T + 0.5)
    points = np.concatenate([corners, centres])
    points[np.abs(points[:, 2]) < 1e-9, 2] = 0.0
    corner = np.arange(len(corners)).reshape(counts + 1)
    centre = len(corners) + np.arange(len(centres)).reshape(counts)
    wanted = near(points)
    cells = [part[wanted[part].any(axis=1)] for part in _octahedra(corner, centre)]
    used, renumbered = np.unique(np.concatenate(cells), return_inverse=True)
    points, found = points[used], renumbered.reshape(-1, 4)
    return Lattice(points, oriented(points, found))


def _octahedra(corner: Index, centre: Index) -> list[Index]:
    """Tetrahedra (n, 4) about the edges between neighbouring centres, and the halves under the upper face."""
    cells = []
    for axis in range(3):
        node, middle = np.moveaxis(corner, axis, 0), np.moveaxis(centre, axis, 0)
        node = node[1:-1]
        ring = [node[:, :-1, :-1], node[:, 1:, :-1], node[:, 1:, 1:], node[:, :-1, 1:]]
        for k in range(4):
            cells.append(np.stack([middle[:-1], middle[1:], ring[k], ring[(k + 1) % 4]], axis=-1))
    node, middle = corner[..., -1], centre[..., -1]
    ring = [node[:-1, :-1], node[1:, :-1], node[1:, 1:], node[:-1, 1:]]
    cells += [np.stack([middle, ring[0], ring[k], ring[k + 1]], axis=-1) for k in (1, 2)]
    return [part.reshape(-1, 4) for part in cells]


def stuff(start: Lattice, level: Level) -> tuple[Lattice, NDArray[np.bool_]]:
    """The lattice fitted to ``level`` = 0, and whether each cell lies on the negative side."""
    points, values = start.points.copy(), level(start.points)
    crossed = _crossed(start.cells, values)
    share = _crossing(points, crossed, values, level)
    _warp(points, values, crossed, share, level)
    kept = (values[crossed] != 0).all(axis=1)
    crossed, share = crossed[kept], share[kept]
    cuts = points[crossed[:, 0]] + share[:, None] * (points[crossed[:, 1]] - points[crossed[:, 0]])
    codes = crossed[:, 0] * len(points) + crossed[:, 1]
    cells, inside = _cut(start.cells, np.sign(values).astype(np.int8), codes, len(points))
    points = np.concatenate([points, cuts])
    undecided, negative = inside == 0, inside < 0
    step = np.ptp(start.points[start.cells[0]], axis=0).max()
    negative[undecided] = level(points[cells[undecided]].mean(axis=1)) < -DEEP * step
    _fill(cells, negative, undecided)
    return Lattice(points, oriented(points, cells)), negative


def _fill(cells: Index, negative: NDArray[np.bool_], undecided: NDArray[np.bool_]) -> None:
    """Put undecided cells on the negative side, in place, where its surface touches itself."""
    touched = True
    while touched:
        outside = np.flatnonzero(undecided & ~negative)
        about = np.isin(cells[outside], touching(cells[negative])).any(axis=1)
        negative[outside[about]] = True
        touched = about.any()


def _crossed(cells: Index, values: Array) -> Index:
    """The edges (n, 2), smaller node first, whose ends lie on both sides."""
    ends = [cells[:, pair][values[cells[:, pair[0]]] * values[cells[:, pair[1]]] < 0] for pair in PAIRS]
    low, high = np.sort(np.concatenate(ends), axis=1).T
    codes = np.unique(low * len(values) + high)
    return np.stack([codes // len(values), codes % len(values)], axis=1)


def _crossing(points: Array, edges: Index, values: Array, level: Level) -> Array:
    """Where along its edges (n, 2) the level is zero, by some steps of the regula falsi."""
    a, b = (points[edges[:, k]] for k in (0, 1))
    low, high = np.zeros(len(edges)), np.ones(len(edges))
    at_low, at_high = values[edges[:, 0]], values[edges[:, 1]]
    for _ in range(3):
        share = low + (high - low) * at_low / (at_low - at_high)
        found = level(a + share[:, None] * (b - a))
        same = found * at_low > 0
        low, at_low = np.where(same, share, low), np.where(same, found, at_low)
        high, at_high = np.where(same, high, share), np.where(same, at_high, found)
    return np.clip(share, 1e-6, 1 - 1e-6)


def _warp(points: Array, values: Array, edges: Index, share: Array, level: Level) -> None:
    """Move the nodes that lie close to a cut to the nearest one, in place; their value becomes zero.

    A node of the plane z = 0 goes to the surface within the plane, if that is not too far.
    """
    nodes = np.concatenate([edges[:, 0], edges[:, 1]])
    others = np.concatenate([edges[:, 1], edges[:, 0]])
    along = np.concatenate([share, 1 - share])
    way = points[others] - points[nodes]
    axial = (np.abs(way) < 1e-9).sum(axis=1) >= 2
    near = np.flatnonzero(along < np.where(axial, LONG, SHORT))
    near = near[np.argsort((along * np.linalg.norm(way, axis=1))[near], kind="stable")]
    moved, first = np.unique(nodes[near], return_index=True)
    step = along[near[first], None] * way[near[first]]
    flat = points[moved, 2] == 0
    step[flat] = _in_plane(points[moved[flat]], level)
    close = ~flat | (np.linalg.norm(step, axis=1) < FLAT * np.abs(way).max())
    points[moved[close]] += step[close]
    values[moved[close]] = 0.0


def _in_plane(points: Array, level: Level, difference: float = 1e-3) -> Array:
    """The way (n, 3) to level = 0 within the plane, by Newton's method along the gradient."""
    found = points.copy()
    for _ in range(4):
        here = level(found)
        slope = np.stack([level(found + difference * axis) - here for axis in np.eye(3)[:2]], axis=1) / difference
        found[:, :2] -= here[:, None] * slope / np.maximum(1e-3, (slope**2).sum(axis=1, keepdims=True))
    return found - points


def _cut(cells: Index, signs: NDArray[np.int8], codes: Index, nodes: int) -> tuple[Index, NDArray[np.int8]]:
    """Cells cut at the edges of these ``codes`` and their sides: -1, 1, and 0 where all corners lie on the surface."""
    order = np.argsort(signs[cells], axis=1, kind="stable")
    cells = np.take_along_axis(cells, order, axis=1)
    side = signs[cells]
    below, above = (side < 0).sum(axis=1), (side > 0).sum(axis=1)
    ranks = np.argsort(codes)

    def cut(a: Index, b: Index) -> Index:
        wanted = np.minimum(a, b) * nodes + np.maximum(a, b)
        return nodes + ranks[np.searchsorted(codes, wanted, sorter=ranks)]

    whole = (below == 0) | (above == 0)
    parts = [cells[whole]]
    sides = [np.where(below[whole] > 0, -1, np.where(above[whole] > 0, 1, 0))]

    def add(part: list[Index], value: int) -> None:
        parts.append(np.concatenate(part))
        sides.append(np.full(len(parts[-1]), value))

    for n, m in ((1, 1), (1, 2), (2, 1), (1, 3), (3, 1), (2, 2)):
        here = cells[(below == n) & (above == m)]
        if len(here):
            low, high = _pieces(here, n, m, cut)
            add(low, -1)
            add(high, 1)
    return np.concatenate(parts), np.concatenate(sides).astype(np.int8)


def _pieces(
    cells: Index, below: int, above: int, cut: Callable[[Index, Index], Index]
) -> tuple[list[Index], list[Index]]:
    """Tetrahedra (n, 4) on the negative and on the positive side of cells whose corners are sorted by sign."""
    if below > above:
        low, high = _pieces(cells[:, ::-1], above, below, cut)
        return high, low
    a, b, c, d = cells.T
    if (below, above) == (1, 1):
        e = cut(a, d)
        return [np.stack([a, b, c, e], 1)], [np.stack([d, b, c, e], 1)]
    if (below, above) == (1, 2):
        e, f = cut(a, c), cut(a, d)
        return [np.stack([a, b, e, f], 1)], _pyramid(b, c, d, f, e)
    if (below, above) == (1, 3):
        e, f, g = cut(a, b), cut(a, c), cut(a, d)
        return [np.stack([a, e, f, g], 1)], _prism(b, c, d, e, f, g)
    ac, ad, bc, bd = cut(a, c), cut(a, d), cut(b, c), cut(b, d)
    return _prism(a, ac, ad, b, bc, bd), _prism(c, ac, bc, d, ad, bd)


def _pyramid(tip: Index, *ring: Index) -> list[Index]:
    """Two tetrahedra of a pyramid over a quadrilateral, whose diagonal starts at its smallest node."""
    base = np.stack(ring, axis=1)
    base = np.take_along_axis(base, (base.argmin(axis=1)[:, None] + np.arange(4)) % 4, axis=1)
    return [np.stack([tip, base[:, 0], base[:, k], base[:, k + 1]], axis=1) for k in (1, 2)]


def _prism(*nodes: Index) -> list[Index]:
    """Three tetrahedra of a prism (a, b, c over d, e, f): diagonals start at the smallest node of each side.

    From the smallest node, the far triangle and the far side are seen (Dompierre et al. 1999).
    """
    prism = np.stack(nodes, axis=1)
    smallest = prism.argmin(axis=1)
    turns = np.array([[0, 1, 2, 3, 4, 5], [1, 2, 0, 4, 5, 3], [2, 0, 1, 5, 3, 4],
                      [3, 4, 5, 0, 1, 2], [4, 5, 3, 1, 2, 0], [5, 3, 4, 2, 0, 1]])  # fmt: skip
    a, b, c, d, e, f = np.take_along_axis(prism, turns[smallest], axis=1).T
    return [np.stack([a, d, e, f], axis=1), *_pyramid(a, b, c, f, e)]
