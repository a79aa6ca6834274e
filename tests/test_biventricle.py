"""The beat of both ventricles: a coarse twin of the left one, its muscle in a mesh of both."""

import hearts
import numpy as np
import pytest
import twins
from mpi4py import MPI
from pytest import approx

from twinbeat import biventricle, fibers
from twinbeat.fibers import SCAR
from twinbeat.fibers.regions import RIGHT_WALL
from twinbeat.parameters import Beat, BothVentricles, Fibers, Mechanics

COMM = MPI.COMM_WORLD
COARSE = Beat(time_step="50 ms", frames=4, ventricles="both")


def heart():
    found = fibers.assign(hearts.biventricle(10.0, 2), Fibers()) if COMM.rank == 0 else None
    return COMM.bcast(found)


@pytest.fixture(scope="module")
def stores():
    return twins.twin(COMM, elements="equal-order")


@pytest.fixture(scope="module")
def found(stores):
    return biventricle.simulate(heart(), *stores.values(), twins.clinical(), COARSE, Mechanics(), COMM)


def test_both_eject_the_same(found):
    """In a closed loop that repeats itself no blood gathers in the lungs: equal strokes, but for what samples of 50 ms
    miss of both extremes."""
    left, right = (float(np.ptp(found[name].values)) for name in ("volume", "right_volume"))
    assert right == approx(left, rel=0.02)
    assert found.attrs["stroke_difference"] == approx(0, abs=0.1)


def test_the_left_loop_shows_the_patient(stores, found):
    """As that of the left ventricle alone: filling within 0.2 kPa, the stroke within two standard deviations."""
    stroke = float(np.ptp(stores["posterior"].volume.values))
    assert float(found.pressure[0]) == approx(twins.END_DIASTOLIC, abs=0.2)
    assert found.attrs["stroke_volume"] == approx(stroke, abs=0.04 * float(stores["posterior"].volume.max()))


def test_the_right_loop_is_the_lungs(found):
    """It works against the pulmonary arteries: counter-clockwise, at a fraction of the left pressure, and in systole
    within 1 kPa of the arteries that it opens into."""
    volume, pressure = (np.append(found[name], found[name][0]) for name in ("right_volume", "right_pressure"))
    work, other = -np.trapezoid(pressure, volume), -np.trapezoid(found.pressure, found.volume)
    assert 0.05 < work / other < 0.5
    ejecting = np.gradient(found.right_volume.values) < -3
    assert (found.right_pressure - found.right_arterial_pressure).values[ejecting] == approx(0, abs=1.0)


def test_only_the_left_wall_has_segments(found):
    assert set(found.segment.values) == set(range(1, 18))
    assert found.sizes["frame"] == 4


def test_muscle_is_carried_over(stores):
    """Segment 7, the scar, has no tension in the left wall; the right one has its ratios everywhere."""
    whole, both = heart(), BothVentricles(tension=0.5, stiffness=2.0)
    posterior = stores["posterior"].assign(
        tissue=("cell", np.where(stores["posterior"].contractile == 0, SCAR, 0)), scar_stiffening=3.0, pericardium=2.0
    )
    moved = biventricle.carried(whole, stores["anatomy"], posterior, both)
    right, scar = whole.cell_tags.values == RIGHT_WALL, moved.contractile.values == 0
    assert (moved.contractile.values[right] == 0.5).all() and (moved.stiffening.values[right] == 2.0).all()
    assert (moved.stiffening.values[scar] == 3.0).all() and (moved.stiffening.values[~scar & ~right] == 1.0).all()
    middle = np.isin(whole.segment.values, 7)
    assert np.mean(scar[middle]) > 0.6 and np.mean(scar[~right & ~middle]) < 0.1
    assert float(moved.pericardium) == 2.0 and float(moved.stiffness) == twins.STIFFNESS
