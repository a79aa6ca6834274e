"""Conduction velocities from QRS duration and activation maps: derivatives, planted truths, what is refused."""

import electrical_samples as samples
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from twinbeat import electrophysiology, fibers
from twinbeat.calibration import conduction
from twinbeat.electrophysiology import eikonal, substrate
from twinbeat.electrophysiology.assembly import box
from twinbeat.electrophysiology.wavefront import Wavefront
from twinbeat.evidence import conduction as evidence
from twinbeat.evidence.conduction import KNOWN as ALL
from twinbeat.evidence.conduction import SINUS
from twinbeat.intake import activation_map
from twinbeat.intake.activation_map import ActivationMap
from twinbeat.parameters import Fibers, Study
from twinbeat.verdicts import Quarantined, Rejected


def test_a_plane_front_slows_as_its_velocity_does():
    """t = x / v from the side x = 0: dt / d ln v = -t for the velocity along x, nought for the others."""
    points, cells = box((6.0, 3.0, 3.0), 1.0)
    velocity, axes = np.tile([0.6, 0.3, 0.2], (len(cells), 1)), np.tile(np.eye(3), (len(cells), 1, 1))
    of = np.broadcast_to(np.eye(3, dtype=bool)[:, None], (3, len(cells), 3))
    start = np.where(points[:, 0] == 0, 0.0, np.inf)
    found = eikonal.front(points, cells, np.tile(np.diag(velocity[0] ** -2), (len(cells), 1, 1)), start)
    slopes = eikonal.tangents(points, cells, axes, velocity, of, found)
    assert slopes == approx(np.outer([-1, 0, 0], points[:, 0] / 0.6), abs=1e-9)


@pytest.fixture(scope="module")
def anatomy():
    return evidence.heart()


@pytest.fixture(scope="module")
def planted():
    return evidence.planted(SINUS)


def fitted(anatomy, qrs=None, found=None, known=ALL, parameters=SINUS):
    return conduction.calibrate(anatomy, (known, parameters, Fibers()), qrs, found)


def sigmas(result):
    return np.sqrt(np.diag(result["covariance"].values))


def test_misfit_has_exact_derivatives():
    """Taylor: what is left after the gradient of the discrete misfit falls with order 2 (within 0.05)."""
    assert evidence.order() == approx(2.0, abs=0.05)


def test_planted_velocities_are_recovered(anatomy, planted):
    """From another mesh: each within 2.5 standard deviations, those that the wave mostly runs with within 6 % of what
    was planted, and the clock of the map within 1 ms. Along fibres little is run once the endocardial layer is active:
    the data take little from the prior there, and say so."""
    found = fitted(anatomy, *planted)
    off = np.array(list(evidence.errors(found).values()))
    assert (np.abs(off) < 100 * 2.5 * sigmas(found)).all()
    assert np.abs(off[1:]).max() < 6
    assert found["known"].values[0] < 0.5 < 0.95 < found["known"].values[1:].min()
    assert found["qrs_fitted"] == approx(float(found["qrs_measured"]), abs=3.0)
    assert (planted[1].times - found["map_time"].values).mean() == approx(evidence.OFFSET, abs=1.0)
    assert found["forward_solves"] <= 15 and found["measurements"] == 151


def test_pacing_tells_of_fibres(anatomy):
    """From the lateral epicardium the wave runs along and across fibres on its way: all three velocities are known, to
    within 8 % on the coarser mesh."""
    found = fitted(anatomy, *evidence.planted(evidence.PACED), parameters=evidence.PACED)
    assert np.abs(list(evidence.errors(found).values())).max() < 8
    assert found["known"].values.min() > 0.95


def test_what_is_not_measured_widens_the_posterior(anatomy, planted):
    """A duration alone tells of one combination; a map alone of two; nothing leaves the prior and costs nothing."""
    qrs, mapped = planted
    both, lasting, nothing = fitted(anatomy, qrs, mapped), fitted(anatomy, qrs), fitted(anatomy)
    assert (sigmas(both) < sigmas(lasting)).all() and (sigmas(lasting) < sigmas(nothing)).all()
    assert [(one["information"] > 1).sum() for one in (both, lasting, nothing)] == [2, 1, 0]
    assert sigmas(nothing) == approx(ALL.spread)
    assert nothing["forward_solves"] == nothing["measurements"] == 0
    assert "qrs_fitted" not in nothing and "map_fitted" not in lasting


def test_velocities_not_fitted_stay(anatomy, planted):
    found = fitted(anatomy, planted[0], known=ALL.model_copy(update={"fitted": ("endocardium",)}))
    assert found["velocity_fiber"] == approx(0.6) and found["velocity_transverse"] == approx(0.4)
    assert found["parameter"].values.tolist() == ["ln endocardium"]


def test_points_off_the_muscle_are_left_out(anatomy, planted):
    """Ten of 160 lie 20 mm away, beyond the reach of 5 mm, with a time that nothing explains."""
    qrs, mapped = planted
    stray = ActivationMap(np.vstack([mapped.points, mapped.points[:10] + 1e3]), np.append(mapped.times, [300.0] * 10))
    found = fitted(anatomy, qrs, stray)
    assert found["map_left_out"] == 10 and found.sizes["site"] == 150
    assert found["velocity_transverse"] == approx(float(fitted(anatomy, qrs, mapped)["velocity_transverse"]))


def test_what_the_model_cannot_do_is_quarantined(anatomy, planted):
    """A QRS complex of 200 ms in a heart of a third of the size; times in no order; a map of another place."""
    qrs, mapped = planted
    mixed = ActivationMap(mapped.points, 5 * np.random.default_rng(1).permutation(mapped.times))
    away = ActivationMap(mapped.points + 100.0, mapped.times)
    for code, one, known in (
        ("at-bounds", (200.0, None), ALL.model_copy(update={"spread": 3.0})),
        ("calibration-misfit", (qrs, mixed), ALL.model_copy(update={"spread": 0.02})),
        ("map-off-heart", (qrs, away), ALL),
    ):
        with pytest.raises(Quarantined) as caught:
            fitted(anatomy, *one, known)
        assert caught.value.code == code


def test_twin_runs_with_what_was_found(anatomy, planted):
    """But for what a what-if run itself names."""
    found = fitted(anatomy, planted[0])
    used = electrophysiology.fitted(SINUS, found, ["velocity_fiber"])
    assert used.velocity_fiber == SINUS.velocity_fiber
    assert used.velocity_endocardium == float(found["velocity_endocardium"]) != SINUS.velocity_endocardium


def test_border_zone_is_slower_by_its_share():
    """Half of a bar is border zone at half the velocity: along fibres at 0.6 mm/ms, 4 mm take 4/0.6 ms and 4 more
    4/0.3; both change alike with the velocity of healthy muscle."""
    slab = samples.slab((8.0, 2.0, 2.0), 1.0)
    kind = (slab["points"].values[slab["cells"].values].mean(axis=1)[:, 0] > 4).astype(int) * fibers.scar.BORDER
    quick = SINUS.model_copy(update={"roots": (), "leads": ((0.0, 0.0, 0.0, 0.0),), "size": 1e-3})
    wave = Wavefront(substrate.divide(slab, kind, insulating=True), quick)
    wave._start = np.where(slab["points"].values[:, 0] == 0, 0.0, np.inf)
    logs = np.log([0.6, 0.6, 0.6])
    front = wave.front(logs)
    assert front.time.max() == approx(4 / 0.6 + 4 / 0.3)
    assert wave.tangents(logs, front).sum(axis=0) == approx(-front.time)


def table(folder, text):
    path = folder / "map.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_map_of_a_table(tmp_path):
    """Separated by semicolons, in another order, with a name that is left out."""
    found = activation_map.read(table(tmp_path, "name;time;x;y;z\nMiller;12;1;2;3\n\nMiller;40.5;4;5;6\n"))
    assert found.points.tolist() == [[1, 2, 3], [4, 5, 6]] and found.times.tolist() == [12, 40.5]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x,y,time\n1,2,3\n", "no column z; expected x, y, z, time"),
        ("x,y,z,time,x\n1,2,3,4,5\n", "the column x is there 2 times"),
        ("x,y,z,time\n", "no row below the header"),
        ("x,y,z,time\n1,2,3\n", "line 2: 3 cells; expected 4"),
        ("x,y,z,time\n1,2,Smith,4\n", "line 2: z is no number"),
        ("x,y,z,time\n1,2,inf,4\n", "line 2: z is no number"),
        ("x,y,z,time\n1,2,3,0.01\n4,5,6,0.08\n", "the times of the map are 0.07 apart; expected 5 to 400 ms"),
        ('x,y,z,time\n1,2,3,"4\n', "cannot be read as CSV"),
        ("", "no column time, x, y, z"),
    ],
)
def test_a_map_that_is_none_is_rejected(tmp_path, text, expected):
    with pytest.raises(Rejected, match=expected) as caught:
        activation_map.read(table(tmp_path, text))
    assert caught.value.code == "activation-map" and "Smith" not in str(caught.value)


def test_a_map_that_is_no_text_is_rejected(tmp_path):
    path = tmp_path / "map.csv"
    path.write_bytes(b"x,y,z,time\n\xff\xfe,1,2,3")
    with pytest.raises(Rejected, match="not UTF-8 text"):
        activation_map.read(path)


@given(st.text())
def test_any_text_is_a_map_or_rejected(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("map") / "map.csv"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        assert len(activation_map.read(path).times) > 0
    except Rejected as refused:
        assert refused.code == "activation-map"


@pytest.mark.parametrize(
    ("conduction", "expected"),
    [
        ({"fitted": ["fiber", "fiber"]}, "expected each velocity once"),
        ({"bounds_fiber": ["1 mm/ms", "0.3 mm/ms"]}, "expected two velocities that increase"),
        ({"fitted": ["fiber"], "bounds_fiber": ["0.7 mm/ms", "1 mm/ms"]}, "expected electrophysiology.velocity_fiber"),
    ],
)
def test_configuration_is_checked(conduction, expected):
    with pytest.raises(ValueError, match=expected):
        Study.model_validate({"calibration": {"conduction": conduction}})
