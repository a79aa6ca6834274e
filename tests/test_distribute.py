"""The mesh over the ranks of a communicator."""

import dolfinx
import numpy as np
import pytest
import ufl
from mpi4py import MPI

from twinbeat import mesh
from twinbeat.mesh import synthetic
from twinbeat.mesh.distribute import to_dolfinx

pytestmark = pytest.mark.mpi


@pytest.fixture(scope="module")
def comm():
    return MPI.COMM_WORLD


@pytest.fixture(scope="module")
def anatomy():
    return synthetic.ellipsoid(10.0, 1)


def integral(form, comm):
    return comm.allreduce(dolfinx.fem.assemble_scalar(dolfinx.fem.form(form)))


def test_nodal_values_come_back_in_the_order_of_the_anatomy(comm, anatomy):
    """The identity field, gathered, is the array of points."""
    domain, _, mapping = to_dolfinx(anatomy if comm.rank == 0 else None, comm)
    field = dolfinx.fem.Function(dolfinx.fem.functionspace(domain, ("Lagrange", 1, (3,))))
    field.interpolate(lambda x: x)
    gathered = mapping.gather(field.x.array.reshape(-1, 3))
    if comm.rank == 0:
        np.testing.assert_allclose(gathered, anatomy["points"], atol=1e-12)
    else:
        assert gathered is None


def test_cells_know_their_origin(comm, anatomy):
    """The midpoint of a local cell is that of its original; the owned cells of all ranks are each cell once."""
    domain, _, mapping = to_dolfinx(anatomy if comm.rank == 0 else None, comm)
    local = np.arange(len(mapping.cells), dtype=np.int32)
    midpoints = anatomy["points"].values[anatomy["cells"].values[mapping.cells]].mean(axis=1)
    np.testing.assert_allclose(dolfinx.mesh.compute_midpoints(domain, 3, local), midpoints, atol=1e-12)
    owned = comm.allgather(mapping.cells[: domain.topology.index_map(3).size_local])
    np.testing.assert_array_equal(np.sort(np.concatenate(owned)), np.arange(anatomy.sizes["cell"]))


def test_tagged_facets_keep_their_area(comm, anatomy):
    """The area of each tag, integrated over the ranks, is the sum of its triangles; the volume that of the cells."""
    domain, tags, _ = to_dolfinx(anatomy if comm.rank == 0 else None, comm)
    ds, one = ufl.Measure("ds", domain, subdomain_data=tags), dolfinx.fem.Constant(domain, 1.0)
    points = anatomy["points"].values
    for tag in (mesh.ENDOCARDIUM, mesh.EPICARDIUM, mesh.BASE):
        a, b, c = np.moveaxis(points[anatomy["facets"].values[anatomy["facet_tags"].values == tag]], 1, 0)
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2
        assert integral(one * ds(tag), comm) == pytest.approx(area, rel=1e-10)
    volume = 1000 * mesh.wall_volume(points, anatomy["cells"].values)
    assert integral(one * ufl.dx(domain), comm) == pytest.approx(volume, rel=1e-10)
