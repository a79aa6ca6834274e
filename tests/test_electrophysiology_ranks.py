"""The monodomain equation on one rank and on two: `make test` runs these on both."""

import electrical_samples as samples
import numpy as np
import pytest
import xarray as xr
from mpi4py import MPI
from pytest import approx

from twinbeat.electrophysiology import substrate, ventricle
from twinbeat.electrophysiology.assembly import box, tetrahedra
from twinbeat.electrophysiology.ranks import Share, divided
from twinbeat.electrophysiology.velocity import Directions
from twinbeat.evidence.electrophysiology import TENSOR
from twinbeat.parameters import Fibers

pytestmark = pytest.mark.mpi
COMM = MPI.COMM_WORLD


@pytest.fixture(scope="module")
def whole():
    points, cells = box((2.0, 1.0, 2.0), 0.25)
    return tetrahedra(points, cells, np.broadcast_to(TENSOR, (len(cells), 3, 3))), points


def test_points_are_divided_evenly():
    """Ten heights over three ranks: 4, 3 and 3 of them, from below."""
    heights = np.array([9, 0, 8, 1, 7, 2, 6, 3, 5, 4.0])
    found = divided(np.stack([heights, heights, heights], axis=1), 3)
    assert found.tolist() == [2, 0, 2, 0, 2, 0, 1, 0, 1, 1]


def test_rows_see_the_voltages_of_the_halo(whole):
    """K x of each rank's rows, with x from the others where the halo needs it, is that of the whole."""
    tissue, points = whole
    share, x = Share(tissue, points, COMM), np.sin(points @ [1.0, 2.0, 3.0])
    assert share.tissue.stiffness @ share.extended(x[share.own]) == approx((tissue.stiffness @ x)[share.own], abs=1e-12)
    assert share.tissue.mass == approx(tissue.mass[share.own])


def test_shares_make_up_the_whole(whole):
    tissue, points = whole
    share = Share(tissue, points, COMM)
    field = np.stack([points[:, 0], points[:, 2]])
    assert share.gathered(field[:, share.own]) == approx(field)
    assert share.total(np.array([1.0, COMM.rank])) == approx([COMM.size, sum(range(COMM.size))])
    assert share.largest(float(COMM.rank)) == COMM.size - 1


def test_beat_is_the_same_on_any_number_of_ranks():
    """With layers, border zone, passive scar and leads; only sums are rounded in another order."""
    quick = {"cell": "bueno_orovio_2008_epi", "layers": ((0.4, "bueno_orovio_2008_endo"),), "until": "repolarisation"}
    passive = samples.QUICK.scar.model_copy(update={"kind": "passive"})
    parameters = samples.QUICK.model_copy(update=quick | {"scar": passive, "size": 2.0})
    heart = substrate.build(samples.ventricle(), parameters, Fibers(border_zone="2 mm"), (xr.Dataset(), (8,)))
    conductivities = [Directions(0.5, 0.3, 0.3, 1.0), Directions(0.3, 0.2, 0.2, 0.4)]
    alone, shared = (ventricle.diffuse(heart, parameters, conductivities, comm) for comm in (MPI.COMM_SELF, COMM))
    assert np.isfinite(alone.repolarisation[heart.fires]).all()
    for name in ("activation", "repolarisation", "voltage", "seen"):
        assert getattr(shared, name) == approx(getattr(alone, name), abs=1e-6), name
