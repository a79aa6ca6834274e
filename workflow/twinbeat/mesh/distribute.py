"""The anatomy as a DOLFINx mesh over the ranks of a communicator, and the way back."""

from dataclasses import dataclass

import basix.ufl
import dolfinx
import numpy as np
import xarray as xr
from mpi4py import MPI
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Mapping:
    """Where the entities of this rank lie in the anatomy.

    ``cells``: original cell of each local cell, ghosts included. ``vertices``: original point of each local P1 degree
    of freedom, ghosts included; the first ``owned`` belong to this rank. ``points``: number of points of the anatomy.
    """

    comm: MPI.Comm
    cells: Index
    vertices: Index
    owned: int
    points: int

    def gather(self, values: Array) -> Array | None:
        """Values (local P1 node, ...) in the order of the anatomy's points on rank 0; None on the others."""
        parts = self.comm.gather((self.vertices[: self.owned], values[: self.owned]), root=0)
        if parts is None:
            return None
        whole = np.empty((self.points, *values.shape[1:]), dtype=values.dtype)
        for indices, part in parts:
            whole[indices] = part
        return whole


def to_dolfinx(anatomy: xr.Dataset | None, comm: MPI.Comm) -> tuple[dolfinx.mesh.Mesh, dolfinx.mesh.MeshTags, Mapping]:
    """Distribute the anatomy (read on rank 0; the others may pass None) as mesh, tagged facets and index mapping."""
    points, cells, facets, tags = _arrays(anatomy if comm.rank == 0 else None)
    element = basix.ufl.element("Lagrange", "tetrahedron", 1, shape=(3,), dtype=np.float64)
    domain = dolfinx.mesh.create_mesh(comm, cells, points, element)
    domain.topology.create_connectivity(2, 3)
    # input_global_indices numbers the points in rank order; rank 0 gave all of them, so they are the anatomy's.
    entities, values = dolfinx.cpp.io.distribute_entity_data(
        domain._cpp_object.topology, domain.geometry.input_global_indices, domain.geometry.index_map().size_global,
        domain._cpp_object.geometry.cmap.create_dof_layout(), domain.geometry.dofmap, 2, facets, tags,
    )  # fmt: skip
    adjacency = dolfinx.cpp.graph.AdjacencyList_int32(entities)
    facet_tags = dolfinx.mesh.meshtags_from_entities(domain, 2, adjacency, values.astype(np.int32))
    return domain, facet_tags, _mapping(domain, comm)


def _arrays(anatomy: xr.Dataset | None) -> tuple[Array, Index, Index, NDArray[np.int32]]:
    if anatomy is None:
        return np.empty((0, 3)), np.empty((0, 4), np.int64), np.empty((0, 3), np.int64), np.empty(0, np.int32)
    return (
        np.ascontiguousarray(anatomy["points"].values, np.float64),
        np.ascontiguousarray(anatomy["cells"].values, np.int64),
        np.ascontiguousarray(anatomy["facets"].values, np.int64),
        np.ascontiguousarray(anatomy["facet_tags"].values, np.int32),
    )


def _mapping(domain: dolfinx.mesh.Mesh, comm: MPI.Comm) -> Mapping:
    """Degrees of freedom of P1 may be numbered unlike the nodes of the geometry: join them cell by cell."""
    space = dolfinx.fem.functionspace(domain, ("Lagrange", 1))
    index_map = space.dofmap.index_map
    vertices = np.empty(index_map.size_local + index_map.num_ghosts, dtype=np.int64)
    vertices[space.dofmap.list] = domain.geometry.input_global_indices[domain.geometry.dofmap]
    return Mapping(
        comm=comm,
        cells=np.asarray(domain.topology.original_cell_index, dtype=np.int64),
        vertices=vertices,
        owned=index_map.size_local,
        points=domain.geometry.index_map().size_global,
    )
