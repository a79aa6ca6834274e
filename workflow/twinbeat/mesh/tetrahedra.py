"""From level functions to labelled tetrahedra of any wanted size: lattice, stuffing, Mmg, and the exact volumes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..units import MM3_PER_ML
from . import boundary
from .boundary import LEFT_LID, MUSCLE, RIGHT_ENDOCARDIUM, RIGHT_LID
from .levels import LEFT_BLOOD, LEFT_WALL, RIGHT_BLOOD, RIGHT_WALL, Levels
from .measures import cell_volumes, volume_below
from .remesh import Tagged, adapted
from .stuffing import lattice, stuff
from .template import BASE, ENDOCARDIUM, EPICARDIUM

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Level = Callable[[Array], Array]
SURFACES = {ENDOCARDIUM: "left", RIGHT_ENDOCARDIUM: "right", EPICARDIUM: "outer"}
ROUNDS = 2  # the first moves a surface as if its area stayed, the second makes up for the area's change
BORDER, BISECTIONS = 0.9, 10  # search from 90 to 111 % of the LV wall's volume, to 0.02 % of it


def stuffed(levels: Levels, step: float, shift: float, blood: bool) -> tuple[Array, Index, Index]:
    """Points (n, 3), cells (m, 4) and labels of a lattice fitted to the muscle, and to the ``blood`` where wanted.

    ``step`` (mm) is the lattice's, shorter than the thinnest wall; ``shift`` moves it by a share.
    """
    low = levels.grid.origin - shift * step
    high = levels.grid.origin + levels.grid.step * (np.array(levels.grid.shape) - 1)
    level = (lambda points: levels.at("outer", points)) if blood else levels.muscle
    fitted, inside = stuff(lattice(low, high, step, lambda points: level(points) < step), levels.muscle)
    tissue = np.where(inside, MUSCLE, _pool(levels, fitted.points[fitted.cells].mean(axis=1)))
    kept = tissue > 0 if blood else inside
    used, cells = np.unique(fitted.cells[kept], return_inverse=True)
    return fitted.points[used], cells.reshape(-1, 4), tissue[kept]


def resized(levels: Levels, sizes: Level, chord: float | None, points: Array, cells: Index, tissue: Index) -> Tagged:
    """A first mesh of points (n, 3) and cells (m, 4) with their labels, in edges of about ``sizes``, with its facets.

    ``chord`` is as in ``remesh.adapted``. Raises RuntimeError where Mmg fails.
    """
    facets = boundary.tagged(points, cells, tissue, levels)
    mesh = _flat(adapted(Tagged(points, cells, tissue, *facets), sizes, chord))
    facets, tags = boundary.tagged(mesh.points, mesh.cells, mesh.labels, levels)
    return settled(replace(mesh, facets=facets, tags=tags), levels)


def _pool(levels: Levels, points: Array) -> Index:
    """The label of the blood around points (n, 3), 0 elsewhere."""
    inside = [levels.at(name, points) < 0 for name in ("left", "right")]
    return np.select(inside, [LEFT_BLOOD, RIGHT_BLOOD])


def _flat(mesh: Tagged) -> Tagged:
    """The mesh with the nodes of base and lids in the plane z = 0, from which Mmg may move them a little."""
    points = mesh.points.copy()
    points[np.unique(mesh.facets[np.isin(mesh.tags, (BASE, LEFT_LID, RIGHT_LID))]), 2] = 0.0
    return replace(mesh, points=points)


def settled(mesh: Tagged, levels: Levels) -> Tagged:
    """The mesh with each of its surfaces moved evenly outwards until it encloses the smooth volume.

    Flat facets cut a curved surface by chords; some hundredths of a millimetre make up for it. Rims stay in z = 0.
    """
    volumes, points = levels.volumes, mesh.points.copy()
    goals = {"left": volumes[LEFT_BLOOD], "right": volumes[RIGHT_BLOOD], "outer": sum(volumes.values())}
    for tag in np.intersect1d(list(SURFACES), mesh.tags):
        name, facets = SURFACES[tag], mesh.facets[mesh.tags == tag]
        nodes = np.unique(facets)
        outward = levels.gradient(name, points[nodes])
        outward[points[nodes, 2] == 0, 2] = 0.0
        outward /= np.linalg.norm(outward, axis=1, keepdims=True)
        for _ in range(ROUNDS):
            lacking = goals[name] - abs(volume_below(points, facets))
            points[nodes] += lacking * MM3_PER_ML / _area(points, facets) * outward
    return replace(mesh, points=points)


def _area(points: Array, facets: Index) -> float:
    a, b, c = np.moveaxis(points[facets], 1, 0)
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def walls(mesh: Tagged, levels: Levels) -> Index:
    """Labels of the cells with the muscle parted near the LV epicardium, so that the left wall has its volume.

    Islands go to the wall around them: the border is found by bisection of its depth, so that volumes hold with them.
    """
    labels, muscle = mesh.labels.copy(), np.flatnonzero(mesh.labels == MUSCLE)
    inwards = muscle[np.argsort(levels.at("septum", mesh.points[mesh.cells[muscle]].mean(axis=1)))]
    cells = mesh.cells[inwards]
    links, goal = boundary.neighbours(cells), levels.volumes[LEFT_WALL]
    sizes = cell_volumes(mesh.points, cells) / MM3_PER_ML
    filled, (low, high) = np.cumsum(sizes), (BORDER * goal, goal / BORDER)
    for _ in range(BISECTIONS):
        parted = whole(links, filled < (low + high) / 2)
        low, high = ((low + high) / 2, high) if sizes[parted].sum() < goal else (low, (low + high) / 2)
    labels[inwards] = np.where(parted, LEFT_WALL, RIGHT_WALL)
    return labels


def whole(links: Index, left: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which cells (cell,) are of the left wall, once islands of either wall are of the other one; ``links`` (n, 2) are
    neighbours."""
    found = left.copy()
    for wall in (False, True):
        parts = boundary.parts(links[(found[links] == wall).all(axis=1)], len(found))
        found[(found == wall) & (parts != np.bincount(parts[found == wall]).argmax())] = not wall
    return found
