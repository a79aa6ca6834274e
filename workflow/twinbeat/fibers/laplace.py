"""Laplace's equation and its relatives on linear tetrahedra."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.sparse.linalg import cg

Array = NDArray[np.float64]
Index = NDArray[np.int64]


def shape_gradients(points: Array, cells: Index) -> tuple[Array, Array]:
    """Gradients of the linear shape functions (cell, 4, 3) in 1/mm, and cell volumes in mm³."""
    edges = points[cells[:, 1:]] - points[cells[:, :1]]
    last = np.swapaxes(np.linalg.inv(edges), 1, 2)
    return np.concatenate([-last.sum(axis=1, keepdims=True), last], axis=1), np.linalg.det(edges) / 6


def stiffness(cells: Index, gradients: Array, volumes: Array) -> csr_array:
    """Matrix of ∫ ∇u·∇v for linear tetrahedra (cell, 4), from the gradients (cell, 4, 3) in 1/mm of their shape
    functions and their volumes (cell,) in mm³."""
    local = np.einsum("c,cia,cja->cij", volumes, gradients, gradients)
    where = (np.repeat(cells, 4, axis=1).ravel(), np.tile(cells, (1, 4)).ravel())
    return coo_array((local.ravel(), where)).tocsr()


def harmonic(laplacian: csr_array, zeros: Index, ones: Index) -> Array:
    """Nodal solution (point,) of Laplace's equation that is 0 on some nodes and 1 on others, insulated elsewhere."""
    start = np.zeros(laplacian.shape[0])
    start[ones] = 1.0
    return _solved(laplacian, start, np.concatenate([zeros, ones]), np.zeros(len(start)))


def _solved(laplacian: csr_array, start: Array, known: Index, load: Array) -> Array:
    """Solution of K u = load with the values of ``start`` on the known nodes; nodes of no cell keep theirs as well."""
    solution = start.copy()
    free = np.setdiff1d(np.flatnonzero(laplacian.diagonal()), known)
    if len(free):
        inner = laplacian[free][:, free]
        right = (load - laplacian @ solution)[free]
        solution[free], _ = cg(inner, right, rtol=1e-8, M=diags_array(1 / inner.diagonal()))
    return solution


class Elements:
    """Linear elements on ``cells`` (cell, 4) over ``points`` (point, 3) in mm; fields are 0 at points of no cell."""

    def __init__(self, points: Array, cells: Index) -> None:
        self.cells, self.size = cells, len(points)
        self.gradients, self.volumes = shape_gradients(points, cells)
        laplacian = stiffness(cells, self.gradients, self.volumes)
        laplacian.resize((self.size, self.size))
        self.laplacian = laplacian

    def harmonic(self, zeros: Index, ones: Index) -> Array:
        """The harmonic field (point,) that is 0 and 1 on these points."""
        return harmonic(self.laplacian, zeros, ones)

    def extended(self, known: Index, values: Array) -> Array:
        """The harmonic field (point,) that takes these values at known points, and 0 at points of no cell."""
        start = np.zeros(self.size)
        start[known] = values
        return _solved(self.laplacian, start, known, np.zeros(self.size))

    def gradient(self, field: Array) -> Array:
        """Gradient (point, 3) of a field, the mean of the cells about a point by their volumes."""
        raw = np.einsum("ci,cia->ca", field[self.cells], self.gradients)
        weight = self.share @ np.ones((len(self.cells), 1))
        return (self.share @ raw) / np.where(weight > 0, weight, 1)

    @cached_property
    def share(self) -> csr_array:
        """The volume (point, cell) of each cell at its corners."""
        corners = (self.cells.ravel(), np.repeat(np.arange(len(self.cells)), 4))
        return coo_array((np.repeat(self.volumes, 4), corners), shape=(self.size, len(self.cells))).tocsr()

    def to_cells(self, field: Array) -> Array:
        """Mean (cell, ...) over the corners of each cell of a nodal field (point, ...)."""
        return field[self.cells].mean(axis=1)

    def relative(self, zeros: Index, ones: Index) -> Array:
        """Share (point,) of the way from some points to others, along the gradient lines of the harmonic field.

        Distances d from either end follow from ∇d·∇v = t·∇v with t the direction of the gradient (the last step of the
        heat method; Crane et al. 2013, doi 10.1145/2516971.2516977): unlike the harmonic field, they are linear across
        a wall.
        """
        direction = unit(self.to_cells(self.gradient(self.harmonic(zeros, ones))))
        flow = np.einsum("c,cia,ca->ci", self.volumes, self.gradients, direction)
        load = np.bincount(self.cells.ravel(), weights=flow.ravel(), minlength=self.size)
        nothing = np.zeros(self.size)
        behind = np.maximum(_solved(self.laplacian, nothing, zeros, load), 0)
        ahead = np.maximum(_solved(self.laplacian, nothing, ones, -load), 0)
        whole = behind + ahead
        return np.divide(behind, whole, out=nothing, where=whole > 0)


def dot(a: Array, b: Array) -> Array:
    """Scalar products (n, 1) of vectors (n, 3)."""
    return np.einsum("ij,ij->i", a, b)[:, None]


def unit(vectors: Array) -> Array:
    """The vectors (n, 3) at length 1; zero vectors stay."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)
