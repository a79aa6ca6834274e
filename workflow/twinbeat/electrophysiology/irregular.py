"""The conductivities of ``velocity`` for irregular tetrahedra, which have neither layers nor lines of nodes.

A plane wave runs through a block of such tetrahedra. On a coarse mesh it is faster across fibres than where nodes lie
in lines, as there is always one near to jump to. For the endocardial layer one side of the block is fast and the muscle
beneath is a load, as it is in the heart.
"""

from functools import cache

import numpy as np

from ..mesh.boundary import facets
from ..mesh.remesh import Tagged, adapted
from .assembly import Array, Index, box, conductivity, tetrahedra
from .velocity import ELEMENTS, STIMULATED, Directions, Grid, conduction, match, piece

WIDTH = 4  # elements across the wave
SIDE = 1e-6  # of an edge: nodes that are closer to the side of the block lie on it


@cache
def tuned(velocity: Directions, grid: Grid) -> Directions:
    """The conductivities that give the velocities; ``grid.size`` is the mean length of the edges."""
    ratio = velocity.transverse / velocity.fiber
    guess = match(lambda value: _along(value, ratio * value, velocity, grid), velocity.fiber, grid.size)
    across = match(lambda value: _across(guess, value, velocity, grid), velocity.transverse, grid.size)
    fiber = match(lambda value: _along(value, across, velocity, grid), velocity.fiber, grid.size)
    endocardium = match(lambda value: _beside(value, across, velocity, grid), velocity.endocardium, grid.size)
    return Directions(fiber, across, across, endocardium)


def achieved(conductivities: Directions, velocity: Directions, grid: Grid) -> Directions:
    """The velocities that the conductivities give, where about ``velocity`` is expected."""
    fiber, across, _, endocardium = conductivities
    transverse = _across(fiber, across, velocity, grid)
    return Directions(
        _along(fiber, across, velocity, grid), transverse, transverse, _beside(endocardium, across, velocity, grid)
    )


def _along(fiber: float, across: float, velocity: Directions, grid: Grid) -> float:
    return crossing(np.array([fiber, across, across]), velocity.fiber, grid)


def _across(fiber: float, across: float, velocity: Directions, grid: Grid) -> float:
    return crossing(np.array([across, fiber, across]), velocity.transverse, grid)


def _beside(endocardium: float, across: float, velocity: Directions, grid: Grid) -> float:
    """Velocity in the fast layer, on muscle whose conductivity into the wall is that across fibres."""
    points, cells = block()
    inner = points[:, 2] < SIDE
    fast, muscle = np.array([endocardium, endocardium, across]), np.full(3, across)
    values = np.where(inner[cells].any(axis=1)[:, None], fast, muscle)
    return crossing(values, velocity.endocardium, grid, among=inner)


def crossing(values: Array, expected: float, grid: Grid, among: Array | bool = True) -> float:
    """Velocity in mm/ms along the block with conductivities (axis,) or (cell, axis), timed at some (node,) of its
    nodes."""
    points, cells = block()
    points = grid.size * points
    tensors = conductivity(np.broadcast_to(np.eye(3), (len(cells), 3, 3)), np.broadcast_to(values, (len(cells), 3)))
    wave = piece(tetrahedra(points, cells, tensors), points[:, 0], among)
    return conduction([wave], STIMULATED * grid.size, grid.time_step, expected, grid.cell)


@cache
def block() -> tuple[Array, Index]:
    """Points (point, 3) and cells (cell, 4) of ELEMENTS x WIDTH x WIDTH irregular tetrahedra with a mean edge of 1."""
    points, cells = box((ELEMENTS, WIDTH, WIDTH), WIDTH)
    labels = np.ones(len(cells), dtype=np.int64)
    surface, _ = facets(cells, labels)
    start = Tagged(points, cells, labels, surface, np.ones(len(surface), dtype=np.int64))
    found = adapted(start, lambda points: np.ones(len(points)), chord=None)
    return found.points / edge(found.points, found.cells), found.cells


def edge(points: Array, cells: Index) -> float:
    """Mean length in mm of the edges of cells (cell, 4)."""
    corners = points[cells]
    first, second = np.triu_indices(4, 1)
    return float(np.linalg.norm(corners[:, second] - corners[:, first], axis=2).mean())
