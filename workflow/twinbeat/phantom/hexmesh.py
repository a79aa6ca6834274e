"""Quadratic hexahedra of the unloaded ventricle: a disk of five blocks of quadrilaterals, extruded through the wall.

The disk's centre is the apex and its rim the base, so that no element degenerates. A node has the parameters (disk x,
disk y, depth): along = |disk|, around = its angle (see ``Shape``).
"""

from dataclasses import dataclass

import basix
import basix.ufl
import dolfinx
import numpy as np
from mpi4py import MPI

from ..mesh import BASE, ENDOCARDIUM, EPICARDIUM
from ..parameters import Fibers
from .shape import Shape

CENTRE = 0.35
"""Half-width of the central block as a share of the disk's radius."""


@dataclass(frozen=True)
class HexMesh:
    """``parameters`` (node, 3): disk x, disk y, depth; ``cells`` (cell, 3, 3, 3): nodes of each hexahedron."""

    shape: Shape
    parameters: np.ndarray
    cells: np.ndarray

    @property
    def points(self) -> np.ndarray:
        """Positions (node, 3) in mm."""
        x, y, depth = self.parameters.T
        return self.shape.point(np.hypot(x, y), np.arctan2(y, x), depth)

    def at(self, local: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """along, around and depth (cell * point,) at ``local`` points (point, 3) of each reference hexahedron."""
        element = basix.create_element(
            basix.ElementFamily.P, basix.CellType.hexahedron, 2, basix.LagrangeVariant.gll_warped
        )
        basis = element.tabulate(0, local)[0, :, :, 0]
        x, y, depth = np.einsum("pn,cnk->cpk", basis, self.parameters[self._basix_cells()]).reshape(-1, 3).T
        return np.hypot(x, y), np.arctan2(y, x), depth

    def _basix_cells(self) -> np.ndarray:
        """Nodes (cell, 27) in the order of basix."""
        element = basix.create_element(
            basix.ElementFamily.P, basix.CellType.hexahedron, 2, basix.LagrangeVariant.gll_warped
        )
        i, j, k = np.rint(2 * element.points).astype(int).T
        return self.cells[:, i, j, k]

    def to_dolfinx(self, comm: MPI.Comm) -> tuple[dolfinx.mesh.Mesh, dolfinx.mesh.MeshTags]:
        """The mesh, and its tagged facets: 1 endocardium, 2 epicardium, 3 base."""
        element = basix.ufl.element("Lagrange", "hexahedron", 2, shape=(3,), dtype=np.float64)
        domain = dolfinx.mesh.create_mesh(comm, self._basix_cells(), self.points, element)
        domain.topology.create_connectivity(2, 3)
        facets = dolfinx.mesh.exterior_facet_indices(domain.topology)
        nodes = domain.geometry.input_global_indices[dolfinx.mesh.entities_to_geometry(domain, 2, facets)]
        x, y, depth = np.moveaxis(self.parameters[nodes], -1, 0)
        conditions = [np.all(depth == 0, axis=1), np.all(depth == 1, axis=1), np.all(np.hypot(x, y) > 1 - 1e-9, axis=1)]
        tags = np.select(conditions, [ENDOCARDIUM, EPICARDIUM, BASE]).astype(np.int32)
        return domain, dolfinx.mesh.meshtags(domain, 2, facets, tags)

    def surface(self, depth: float, refine: int = 4) -> "Surface":
        """The surface at depth 0 or 1 as triangles, each quadrilateral split into ``refine`` x ``refine`` x 2."""
        quads = self.cells[:, :, :, 0 if depth == 0 else -1]
        quads = quads[np.all(self.parameters[quads, 2] == depth, axis=(1, 2))]
        t = np.linspace(0, 1, refine + 1)
        line = np.stack([(2 * t - 1) * (t - 1), 4 * t * (1 - t), t * (2 * t - 1)], axis=1)
        weights = np.einsum("ai,bj->abij", line, line).reshape(-1, 9)
        disk = np.einsum("wn,qnk->qwk", weights, self.parameters[quads.reshape(-1, 9), :2]).reshape(-1, 2)
        _, first, vertex = np.unique(np.round(disk, 9), axis=0, return_index=True, return_inverse=True)
        triangles = vertex.reshape(len(quads), -1)[:, _split(refine)].reshape(-1, 3)
        return Surface(
            quads.reshape(-1, 9)[first // len(weights)], weights[first % len(weights)], disk[first], triangles
        )


@dataclass(frozen=True)
class Surface:
    """Triangles (triangle, 3) of vertices that are weighted means of mesh nodes (outward for the epicardium)."""

    nodes: np.ndarray
    weights: np.ndarray
    disk: np.ndarray
    triangles: np.ndarray

    def interpolate(self, values: np.ndarray) -> np.ndarray:
        """Values (vertex, ...) from nodal ones (node, ...)."""
        return np.einsum("vn,vn...->v...", self.weights, values[self.nodes])


def _split(refine: int) -> np.ndarray:
    """Triangles of a square of (refine + 1)² points, turned like the first and second axis swapped."""
    i, j = np.meshgrid(np.arange(refine), np.arange(refine), indexing="ij")
    a = (i * (refine + 1) + j).ravel()
    b, c, d = a + 1, a + refine + 1, a + refine + 2
    return np.concatenate([np.stack([a, c, d], axis=1), np.stack([a, d, b], axis=1)])


def build(shape: Shape, around: int, along: int, layers: int) -> HexMesh:
    """Hexahedra: ``around`` (a multiple of 4) about the axis, ``along`` rings to the base, ``layers`` across."""
    quads, disk = _disk(around // 4, along)
    count, step = len(disk), np.arange(2 * layers + 1)
    parameters = np.concatenate([np.column_stack([disk, np.full(count, level / (2 * layers))]) for level in step])
    cells = [quads[..., None] + count * (2 * layer + np.arange(3)) for layer in range(layers)]
    return HexMesh(shape, parameters, np.concatenate(cells))


def _disk(n: int, rings: int) -> tuple[np.ndarray, np.ndarray]:
    """Quadratic quadrilaterals (quad, 3, 3), turned against the disk's sense, and nodes (node, 2) of the unit disk."""
    t = np.linspace(-1, 1, 2 * n + 1)
    grids = [_square(t[None, :], t[:, None])]
    for block in range(4):
        turn = np.pi / 2 * block
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        inner, rim = _square(np.ones_like(t), t), np.stack([np.cos(np.pi / 4 * t), np.sin(np.pi / 4 * t)], axis=-1)
        r = np.linspace(0, 1, 2 * rings + 1)[None, :, None]
        grids.append(((1 - r) * inner[:, None] + r * rim[:, None]) @ rotation.T)
    nodes, quads, start = np.concatenate([g.reshape(-1, 2) for g in grids]), [], 0
    for grid in grids:
        quads.append(_blocks(start + np.arange(grid[..., 0].size).reshape(grid.shape[:2])))
        start += grid[..., 0].size
    _, first, vertex = np.unique(np.round(nodes, 9), axis=0, return_index=True, return_inverse=True)
    return vertex.ravel()[np.concatenate(quads)], nodes[first]


def _square(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The central block: half-way between a square and a disk, so that its corners are wide enough."""
    x, y = a * (1 + np.sqrt(1 - b**2 / 2)) / 2, b * (1 + np.sqrt(1 - a**2 / 2)) / 2
    return CENTRE * np.stack(np.broadcast_arrays(x, y), axis=-1)


def _blocks(lattice: np.ndarray) -> np.ndarray:
    """Quadratic elements (quad, 3, 3) of a lattice of nodes (2 r + 1, 2 s + 1)."""
    windows = np.lib.stride_tricks.sliding_window_view(lattice, (3, 3))[::2, ::2]
    return windows.reshape(-1, 3, 3)


def fibres(shape: Shape, along: np.ndarray, around: np.ndarray, depth: np.ndarray, angles: Fibers) -> np.ndarray:
    """Unit fibres (point, 3): in the layer, the helix angle linear in depth from the circumferential direction.

    As in LDRB (Bayer et al. 2012) with c = towards base x outwards: f = cos a c + sin a towards base.
    """
    up, out = shape.directions(along, around, depth)
    helix = np.radians(angles.helix_endocardium + depth * (angles.helix_epicardium - angles.helix_endocardium))[:, None]
    return np.cos(helix) * np.cross(up, out) + np.sin(helix) * up
