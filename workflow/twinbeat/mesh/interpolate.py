"""Values at any point of a mesh, also of another mesh of the same ventricle."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.spatial import cKDTree

from .measures import cell_volumes

Array = NDArray[np.float64]
Index = NDArray[np.int64]
CANDIDATES = 24  # nearest cell centres among which the containing cell is looked for


def interpolation(points: Array, cells: Index, targets: Array) -> csr_array:
    """The matrix (target, point) that interpolates linear nodal values of a mesh to ``targets`` (n, 3), both in mm.

    A target outside the mesh (curved walls are cut by chords) takes the value of a nearby point of its best cell: the
    rows are barycentric coordinates, none negative, with sum 1.
    """
    best, weights = _located(points, cells, targets)
    rows = np.repeat(np.arange(len(targets)), 4)
    return csr_array((weights.ravel(), (rows, cells[best].ravel())), shape=(len(targets), len(points)))


def averaging(points: Array, cells: Index, fine_points: Array, fine_cells: Index) -> csr_array:
    """The matrix (cell, fine point) of the means over the cells of linear nodal values of a finer mesh, points in mm.

    Each fine cell counts, by its volume, in that cell where its centre is: nothing is counted twice or left out, and
    the integral is that over the fine mesh. A cell without any has the value at its own centre.
    """
    owner, _ = _located(points, cells, fine_points[fine_cells].mean(axis=1))
    parts = np.repeat(cell_volumes(fine_points, fine_cells) / 4, 4)
    held = coo_array((parts, (np.repeat(owner, 4), fine_cells.ravel())), shape=(len(cells), len(fine_points))).tocsr()
    empty = np.setdiff1d(np.arange(len(cells)), owner)
    lone = interpolation(fine_points, fine_cells, points[cells[empty]].mean(axis=1))
    into = csr_array((np.ones(len(empty)), (empty, np.arange(len(empty)))), shape=(len(cells), len(empty)))
    weights = held + into @ lone
    return diags_array(1 / weights.sum(axis=1)) @ weights


def _located(points: Array, cells: Index, targets: Array) -> tuple[Index, Array]:
    """The cell (target,) that each target is in, or the best one, and its barycentric coordinates (target, 4) there."""
    corners = points[cells]
    _, near = cKDTree(corners.mean(axis=1)).query(targets, k=min(CANDIDATES, len(cells)))
    inverse = np.linalg.inv(corners[:, 1:] - corners[:, :1])
    weights = np.full((len(targets), 4), -np.inf)
    best = near[:, 0]
    for candidate in near.T:
        last = np.einsum("na,nai->ni", targets - corners[candidate, 0], inverse[candidate])
        found = np.concatenate([1 - last.sum(axis=1, keepdims=True), last], axis=1)
        better = found.min(axis=1) > weights.min(axis=1)
        weights[better], best = found[better], np.where(better, candidate, best)
    weights = np.maximum(weights, 0)
    return best, weights / weights.sum(axis=1, keepdims=True)
