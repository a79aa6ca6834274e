"""Rule-based fibres of one ventricle (Laplace-Dirichlet; Bayer et al. 2012, doi 10.1007/s10439-012-0593-5).

Two Laplace problems on linear tetrahedra give a transmural coordinate (0 endocardium, 1 epicardium) and an apicobasal
one (0 on the line of apical nodes, 1 on the base). Their gradients span the local axes, in which the fibre turns by the
helix angle. The angle is linear in the share of the wall's thickness (``depth``), so that meshes of any density agree.
"""

import logging

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.sparse.linalg import cg

from . import mesh
from .parameters import Fibers

Array = NDArray[np.float64]
Index = NDArray[np.int64]
log = logging.getLogger("twinbeat")


def assign(anatomy: xr.Dataset, parameters: Fibers) -> xr.Dataset:
    """The mesh with unit ``fiber``, ``sheet`` (across the wall) and ``sheet_normal`` per cell, and AHA ``segment``."""
    circumferential, longitudinal, transmural = axes(anatomy)
    depth = anatomy["depth"].values[anatomy["cells"].values].mean(axis=1)
    fiber = turned(circumferential, longitudinal, helix(depth, parameters))
    directions = {"fiber": fiber, "sheet": transmural, "sheet_normal": np.cross(fiber, transmural)}
    fields = {name: (("cell", "component"), vectors) for name, vectors in directions.items()}
    text = "fibers: %d cells, helix angles from %g degree (endocardium) to %g degree (epicardium)"
    log.info(text, len(fiber), parameters.helix_endocardium, parameters.helix_epicardium)
    return anatomy.assign(fields | {"segment": (("cell",), segments(anatomy))})


def refine(anatomy: xr.Dataset, size: float, layers: int, parameters: Fibers) -> xr.Dataset:
    """The same ventricle meshed at ``size`` mm in ``layers`` layers, with its fibres and segments."""
    return assign(mesh.refine(anatomy, size, layers), parameters)


def helix(depth: Array, parameters: Fibers) -> Array:
    """Helix angle in rad at a share of the wall's thickness (Bayer et al. 2012, eq. 2)."""
    return np.radians(parameters.helix_endocardium * (1 - depth) + parameters.helix_epicardium * depth)


def turned(circumferential: Array, longitudinal: Array, angle: Array) -> Array:
    """Unit vectors at an angle (rad) from the circumferential towards the longitudinal axis."""
    return np.cos(angle)[:, None] * circumferential + np.sin(angle)[:, None] * longitudinal


def axes(anatomy: xr.Dataset) -> tuple[Array, Array, Array]:
    """Orthonormal circumferential, longitudinal (to the base) and transmural (outward) axes per cell, each (cell, 3).

    Bayer et al. 2012, ``axis``: longitudinal x transmural = circumferential.
    """
    points, cells = anatomy["points"].values, anatomy["cells"].values
    gradients, volumes = shape_gradients(points, cells)
    laplacian = stiffness(cells, gradients, volumes)
    endo, epi, base = (_nodes(anatomy, tag) for tag in (mesh.ENDOCARDIUM, mesh.EPICARDIUM, mesh.BASE))
    apex = np.flatnonzero(anatomy["longitudinal"].values == 0)
    fields = harmonic(laplacian, endo, epi), harmonic(laplacian, apex, base)
    across, along = (_recovered(field, cells, gradients, volumes) for field in fields)
    transmural = _unit(across)
    longitudinal = _unit(along - _dot(along, transmural) * transmural)
    return np.cross(longitudinal, transmural), longitudinal, transmural


def segments(anatomy: xr.Dataset) -> Index:
    """AHA segment of each cell (Cerqueira et al. 2002, doi 10.1161/hc0402.102975).

    Thirds of the cavity's length below the base: 1-6, 7-12, 13-16; 17 is the muscle beyond the cavity. Angles are
    counted from the middle of the septum towards the anterior wall.
    """
    x, y, z = anatomy["points"].values[anatomy["cells"].values].mean(axis=1).T
    cavity_apex = anatomy["points"].values[_nodes(anatomy, mesh.ENDOCARDIUM), 2].min()
    third = np.clip(3 * z / cavity_apex, 0, None).astype(np.int64)
    angle = np.degrees(np.arctan2(y, x)) % 360
    sixth = np.array([2, 1, 6, 5, 4, 3])[(angle // 60).astype(np.int64) % 6]
    quarter = np.array([14, 13, 16, 15])[((angle + 45) // 90).astype(np.int64) % 4]
    return np.choose(np.minimum(third, 3), [sixth, sixth + 6, quarter, np.full_like(sixth, 17)])


def shape_gradients(points: Array, cells: Index) -> tuple[Array, Array]:
    """Gradients of the linear shape functions (cell, 4, 3) in 1/mm, and cell volumes in mm³."""
    edges = points[cells[:, 1:]] - points[cells[:, :1]]
    last = np.swapaxes(np.linalg.inv(edges), 1, 2)
    return np.concatenate([-last.sum(axis=1, keepdims=True), last], axis=1), np.linalg.det(edges) / 6


def stiffness(cells: Index, gradients: Array, volumes: Array) -> csr_array:
    """Matrix of ∫ ∇u·∇v for linear tetrahedra."""
    local = np.einsum("c,cia,cja->cij", volumes, gradients, gradients)
    where = (np.repeat(cells, 4, axis=1).ravel(), np.tile(cells, (1, 4)).ravel())
    return coo_array((local.ravel(), where)).tocsr()


def harmonic(laplacian: csr_array, zeros: Index, ones: Index) -> Array:
    """Nodal solution of Laplace's equation that is 0 on some nodes and 1 on others, insulated elsewhere."""
    solution = np.zeros(laplacian.shape[0])
    solution[ones] = 1.0
    free = np.setdiff1d(np.arange(len(solution)), np.concatenate([zeros, ones]))
    if len(free):
        inner = laplacian[free][:, free]
        solution[free], _ = cg(inner, -(laplacian @ solution)[free], rtol=1e-8, M=diags_array(1 / inner.diagonal()))
    return solution


def _recovered(field: Array, cells: Index, gradients: Array, volumes: Array) -> Array:
    """Gradient per cell (cell, 3), averaged over neighbours: its direction errs four times less than the raw one's."""
    raw = np.einsum("ci,cia->ca", field[cells], gradients)
    share = coo_array((np.repeat(volumes, 4), (cells.ravel(), np.repeat(np.arange(len(cells)), 4)))).tocsr()
    return ((share @ raw) / (share @ np.ones((len(cells), 1))))[cells].mean(axis=1)


def _nodes(anatomy: xr.Dataset, tag: int) -> Index:
    return np.unique(anatomy["facets"].values[anatomy["facet_tags"].values == tag])


def _dot(a: Array, b: Array) -> Array:
    return np.einsum("ij,ij->i", a, b)[:, None]


def _unit(vectors: Array) -> Array:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
