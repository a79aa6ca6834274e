"""The eikonal equation against distances by hand, and the heart that it activates against the monodomain one."""

import electrical_samples as samples
import numpy as np
import pytest
from pytest import approx

from twinbeat import electrophysiology, ionic
from twinbeat.electrophysiology import reaction, substrate
from twinbeat.electrophysiology.assembly import box
from twinbeat.electrophysiology.eikonal import arrivals
from twinbeat.evidence import activation as evidence
from twinbeat.fibers.scar import HEALTHY, SCAR
from twinbeat.parameters import Electrophysiology, Fibers
from twinbeat.verdicts import Quarantined

TTP = "tentusscher_panfilov_2006_"


def spread(points, cells, velocity, start):
    return arrivals(points, cells, np.broadcast_to(np.diag(np.array(velocity) ** -2.0), (len(cells), 3, 3)), start)


def test_plane_front_is_exact():
    """From the side x = 0, at 0.6 mm/ms along x: t = x / 0.6 on any mesh, as t is linear."""
    points, cells = box((6.0, 3.0, 3.0), 1.0)
    found = spread(points, cells, (0.6, 0.3, 0.2), np.where(points[:, 0] == 0, 2.0, np.inf))
    assert found == approx(2.0 + points[:, 0] / 0.6)


def test_two_fronts_meet_where_they_are_equally_late():
    """From x = 0 at 0 ms and from x = 6 mm at 4 ms, 0.6 mm/ms: the lesser of x/0.6 and 4 + (6 - x)/0.6."""
    points, cells = box((6.0, 1.0, 1.0), 1.0)
    x = points[:, 0]
    found = spread(points, cells, (0.6, 0.6, 0.6), np.select([x == 0, x == 6], [0.0, 4.0], np.inf))
    assert found == approx(np.minimum(x / 0.6, 4 + (6 - x) / 0.6))


def test_point_source_converges():
    """Velocities 0.6, 0.3 and 0.2 mm/ms along oblique axes, exact within 1 mm: the first order of linear elements."""
    errors = [evidence.point_source(size) for size in (1.0, 0.5, 0.25)]
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert orders == approx([1.0, 1.0], abs=0.2)


def test_times_do_not_depend_on_the_order_of_nodes():
    """The solution is the least fixed point: renumbered nodes and cells give the same times."""
    points, cells = box((4.0, 4.0, 2.0), 0.5)
    start = np.where(np.linalg.norm(points - 1.0, axis=1) < 0.8, 0.0, np.inf)
    mixed = np.random.default_rng(7).permutation(len(points))
    rank = np.argsort(mixed)
    again = spread(points[mixed], rank[cells][::-1], (0.6, 0.2, 0.3), start[mixed])
    assert again == approx(spread(points, cells, (0.6, 0.2, 0.3), start)[mixed], abs=1e-7)


def test_what_no_front_reaches_is_infinite():
    """Two boxes that do not touch; the front starts in one."""
    points, cells = box((1.0, 1.0, 1.0), 1.0)
    both, twice = np.concatenate([points, points + 5]), np.concatenate([cells, cells + len(points)])
    found = spread(both, twice, (1, 1, 1), np.where(np.arange(len(both)) == 0, 0.0, np.inf))
    assert np.isfinite(found).tolist() == [True] * 8 + [False] * 8


def test_course_is_that_of_the_single_cell():
    """It crosses 0 mV at its own activation, and lasts as long as a cell that gets 50/1.4 mV/ms for 2 ms, but for the
    half a millisecond between 0 mV and the steepest upstroke."""
    cell = ionic.load()
    kinds = [substrate.Patch(cell, cell.unpaced(), np.arange(3))]
    course = reaction.courses(kinds, Electrophysiology())
    kind = np.zeros(3, dtype=int)
    assert course.at(kind, np.array([0.0, -50.0, 1e6])) == approx([0.0, -85.23, course.voltage[0, -1]], abs=1e-2)
    states, trace = cell.initial(1), []
    for step in range(8000):
        trace.append(states[cell.voltage, 0])
        cell.advance(states, cell.unpaced(), 0.0, 0.05)
        states[cell.voltage] += 0.05 * 50 / 1.4 * (step < 40)
    assert course.duration == approx(ionic.duration(0.05 * np.arange(8000), np.array(trace)), abs=0.5)


@pytest.fixture(scope="module")
def hearts():
    """The small ventricle of one cell and of three layers, by either method, to repolarisation."""
    quick = samples.QUICK.model_copy(update={"until": "repolarisation", "size": 1.6})
    layered = {"layers": ((0.3, f"{TTP}endo"), (0.7, f"{TTP}mid"))}
    return {
        method: electrophysiology.activate(
            samples.ventricle(), quick.model_copy(update=layered | {"method": method}), Fibers()
        )
        for method in ("monodomain", "eikonal")
    }


def test_methods_agree_on_activation(hearts):
    """Curvature slows the diffusing wave by some 8 % in so small a heart (test_ventricle_conducts_at_the_wanted_speed):
    2 to 3 ms of 35."""
    early = (hearts["eikonal"].fine_activation - hearts["monodomain"].fine_activation).values
    assert -4 < early.mean() < 0
    assert np.abs(early).mean() < 4
    assert hearts["eikonal"].attrs["wave_speed_ratio"] == approx(1.0, abs=0.02)


def test_methods_agree_on_the_electrocardiogram(hearts):
    """QRS within 10 ms. Nothing evens out durations in the eikonal heart: it keeps the 100 ms between mid and epi,
    and its T wave ends with the longest cell."""
    qrs = [float(heart.qrs_duration) for heart in hearts.values()]
    assert qrs[0] == approx(qrs[1], abs=10)
    lasting = {name: (heart.fine_repolarisation - heart.fine_activation).values for name, heart in hearts.items()}
    assert np.ptp(lasting["eikonal"]) > 80 > np.ptp(lasting["monodomain"])
    similar = np.corrcoef(*(heart.ecg.sel(lead="V2").values[:60] for heart in hearts.values()))[0, 1]
    assert similar > 0.9


def test_scar_is_left_out_even_where_it_is_passive():
    """Nothing arrives in scar: its nodes take the time of the nearest muscle."""
    slab = samples.slab((6.0, 1.0, 1.0), 1.0)
    x = slab["points"].values[slab["cells"].values].mean(axis=1)[:, 0]
    heart = substrate.divide(slab, np.where(x > 3, SCAR, HEALTHY), insulating=True)
    assert heart.muscle["points"].values[:, 0].max() == 3
    assert heart.fires.all()


def test_what_comes_too_late_is_quarantined():
    late = samples.QUICK.model_copy(update={"method": "eikonal", "duration": 6.0})
    with pytest.raises(Quarantined, match="points were not activated within 6 ms"):
        electrophysiology.activate(samples.ventricle(), late, Fibers())
