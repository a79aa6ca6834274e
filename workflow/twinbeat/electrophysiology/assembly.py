"""Linear finite elements with lumped mass, in plain arrays: ventricles, boxes and cables."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from ..fibers import shape_gradients

Array = NDArray[np.float64]
Index = NDArray[np.int64]
KUHN = (
    (1, 2, 4),
    (1, 4, 2),
    (2, 1, 4),
    (2, 4, 1),
    (4, 1, 2),
    (4, 2, 1),
)  # ways along the edges of a cube, x 1, y 2, z 4


class Discretisation(NamedTuple):
    """``stiffness`` K (mS) of ∫ σ∇u·∇v and lumped ``mass`` (mm³) of ∫ u v; a cable has unit cross-section."""

    stiffness: csr_array
    mass: Array


def conductivity(axes: Array, values: Array) -> Array:
    """Tensors (cell, 3, 3) Σ σ_k a_k⊗a_k from unit axes (cell, axis, 3) and conductivities (cell, axis)."""
    return np.einsum("ck,cka,ckb->cab", values, axes, axes)


def tetrahedra(points: Array, cells: Index, tensors: Array) -> Discretisation:
    """Linear tetrahedra from points (point, 3) in mm, cells (cell, 4), positively oriented, and tensors in mS/mm."""
    return assembled(cells, *shape_gradients(points, cells), tensors)


def assembled(cells: Index, gradients: Array, volumes: Array, tensors: Array) -> Discretisation:
    """The same from the gradients (cell, 4, 3) of the shape functions in 1/mm and the volumes (cell,) in mm³."""
    local = np.einsum("c,cia,cab,cjb->cij", volumes, gradients, tensors, gradients, optimize=True)
    where = (np.repeat(cells, 4, axis=1).ravel(), np.tile(cells, (1, 4)).ravel())
    stiffness = coo_array((local.ravel(), where)).tocsr()
    stiffness.data[np.abs(stiffness.data) < 1e-12 * np.abs(stiffness.data).max()] = 0  # right angles in a box
    stiffness.eliminate_zeros()
    return Discretisation(stiffness, np.bincount(cells.ravel(), np.repeat(volumes / 4, 4)))


def box(lengths: tuple[float, float, float], size: float) -> tuple[Array, Index]:
    """Points (point, 3) and cells (cell, 4) of a box with a corner at 0: cubes of ``size`` mm in six tetrahedra each.

    Kuhn's division, which makes the stiffness of a diagonal tensor that of seven-point finite differences.
    """
    counts = [round(length / size) + 1 for length in lengths]
    z, y, x = np.meshgrid(*(np.arange(n) for n in reversed(counts)), indexing="ij")
    points = np.stack([x, y, z], axis=-1).reshape(-1, 3) * size
    strides = {1: 1, 2: counts[0], 4: counts[0] * counts[1]}
    first = np.arange(len(points)).reshape(z.shape)[:-1, :-1, :-1].ravel()
    ways = np.array([np.cumsum([0, *(strides[axis] for axis in way)]) for way in KUHN])
    cells = (first[:, None, None] + ways).reshape(-1, 4)
    cells = cells.reshape(-1, len(KUHN), 4)
    cells[:, [1, 2, 5]] = cells[:, [1, 2, 5]][..., [0, 1, 3, 2]]  # the odd ways have negative volume
    return points, cells.reshape(-1, 4)
