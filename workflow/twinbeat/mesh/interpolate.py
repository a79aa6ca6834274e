"""Values at any point of a mesh, also of another mesh of the same ventricle."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

Array = NDArray[np.float64]
Index = NDArray[np.int64]
CANDIDATES = 24  # nearest cell centres among which the containing cell is looked for


def interpolation(points: Array, cells: Index, targets: Array) -> csr_array:
    """The matrix (target, point) that interpolates linear nodal values of a mesh to ``targets`` (n, 3), both in mm.

    A target outside the mesh (curved walls are cut by chords) takes the value of a nearby point of its best cell: the
    rows are barycentric coordinates, none negative, with sum 1.
    """
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
    weights /= weights.sum(axis=1, keepdims=True)
    rows = np.repeat(np.arange(len(targets)), 4)
    return csr_array((weights.ravel(), (rows, cells[best].ravel())), shape=(len(targets), len(points)))
