"""Strains as targets: what files may say, how curves reach the frames, and what a ventricle's state gives."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from mpi4py import MPI
from pytest import approx

from twinbeat.calibration import curves
from twinbeat.calibration.strains import Strains, along
from twinbeat.intake import strain
from twinbeat.intake.strain import Curve
from twinbeat.mechanics import problems
from twinbeat.verdicts import Rejected

TIMES = np.arange(0.0, 800.0, 100.0)
PEAK = -0.2 * np.sin(np.pi * TIMES / 800) ** 2


def table(folder, text):
    path = folder / "strain.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_curves_of_a_table(tmp_path):
    """By direction and segment, in the order of time; a name is left out, and so is what is not there."""
    rows = ["segment\tdirection\ttime\tstrain\tname", "8\tFiber\t40\t-0.1\tMiller", "8\tfiber\t0\t0\tMiller"]
    rows.append("1\tlongitudinal\t40\t-0.15\tMiller")
    fiber, long = strain.read(table(tmp_path, "\n".join(rows)))
    assert (fiber.direction, fiber.segment, fiber.sigma) == ("fiber", 8, None)
    assert fiber.times.tolist() == [0, 40] and fiber.strain.tolist() == [0, -0.1]
    assert (long.direction, long.segment, long.strain.tolist()) == ("longitudinal", 1, [-0.15])


def test_standard_deviations_of_a_table(tmp_path):
    (found,) = strain.read(table(tmp_path, "segment,direction,time,strain,sigma\n3,circumferential,300,-0.2,0.04\n"))
    assert found.sigma.tolist() == [0.04]


HEADER = "segment,direction,time,strain,sigma\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("segment,time,strain\n1,0,0\n", "no column direction; expected segment, direction, time, strain, sigma"),
        (HEADER + "18,fiber,0,0,1\n", "line 2: segment 18; expected an AHA segment, 1 to 17"),
        (HEADER + "1.5,fiber,0,0,1\n", "line 2: segment 1.5; expected an AHA segment"),
        (HEADER + "1,radial,0,0,1\n", "line 2: the direction is none of circumferential, longitudinal, fiber"),
        (HEADER + "1,fiber,0,-18,1\n", "line 2: strain -18; expected a share of the length such as -0.2, not percent"),
        (HEADER + "1,fiber,0,0,0\n", "line 2: sigma 0; expected a standard deviation above 0"),
        (HEADER + "1,fiber,0,0,1\n1,fiber,0,0.1,1\n", "line 3: segment 1 has that time already, in line 2"),
    ],
)
def test_a_file_without_strains_is_rejected(tmp_path, text, expected):
    with pytest.raises(Rejected, match=expected) as caught:
        strain.read(table(tmp_path, text))
    assert caught.value.code == "strain"


@given(st.lists(st.tuples(st.sampled_from(["1", "9", "x", ""]), st.sampled_from(["fiber", "?"]), st.text(max_size=4))))
def test_any_table_has_strains_or_is_rejected(tmp_path_factory, cells):
    path = table(tmp_path_factory.mktemp("strain"), "")
    rows = [f"{segment},{direction},{number},0.1" for segment, direction, number in cells]
    path.write_bytes("\n".join(["segment,direction,time,strain", *rows]).encode("utf-8", "surrogatepass"))
    try:
        assert sum(len(curve.times) for curve in strain.read(path)) == len(cells) > 0
    except Rejected as refused:
        assert refused.code == "strain"


def brought(curve, times=TIMES, rest=0, segments=(1, 2)):
    found = curves.targets([curve], np.array(segments), times, 800.0, rest, 0.03)
    return {name: np.asarray(value)[0] for name, (_, value) in found.items()}


def test_curves_are_brought_to_the_frames():
    """A curve at other times is interpolated, over the R wave too: frames at 25 ms lie a quarter between 0 and 100."""
    found = brought(Curve("fiber", 1, TIMES, PEAK, None), TIMES + 25, rest=3)
    before = np.interp(325.0, TIMES, PEAK)
    assert found["strain"] == approx((1 + 0.75 * PEAK + 0.25 * np.roll(PEAK, -1)) / (1 + before) - 1)
    assert found["strain"][3] == approx(0.0) and found["strain_seen"].all()
    assert found["strain_sigma"] == approx(0.03)


def test_frames_between_measurements_are_seen():
    """Measured every 160 ms with frames of 80 ms, all ten are seen; every 200 ms only those that one is near to."""
    frames = np.arange(0.0, 800.0, 80.0)
    found = [
        brought(Curve("fiber", 1, t, 0 * t, None), frames)["strain_seen"] for t in (TIMES[:5] * 1.6, TIMES[:4] * 2)
    ]
    assert found[0].all()
    assert frames[found[1]].tolist() == [0.0, 160.0, 240.0, 400.0, 560.0, 640.0]


def test_frames_without_a_measurement_drop_out():
    """Strain at end-systole alone, 400 ms: of eight frames one is seen, and weighs as the whole curve does; a segment
    that the mesh has not is never seen."""
    single = Curve("fiber", 1, np.array([380.0]), np.array([-0.2]), np.array([0.05]))
    found = brought(single)
    assert found["strain_seen"].tolist() == [k == 4 for k in range(8)]
    assert found["strain"][4] == approx(-0.2) and found["strain_sigma"][4] == approx(0.05)
    assert not brought(single, segments=(2, 3))["strain_seen"].any()
    assert curves.targets([], np.array([1]), TIMES, 800.0, 0, 0.03) == {}


def test_frames_of_a_curve_count_as_one():
    """Four frames with 0.03 each, off alike: sqrt(4) 0.03 in each of them; nothing where nothing is seen."""
    seen = np.array([[True] * 4, [False] * 4])
    data = {"strain": np.zeros((2, 4)), "strain_sigma": np.full((2, 4), 0.03), "strain_seen": seen}
    _, sigma = curves.observed(xr.Dataset({name: (("curve", "time"), value) for name, value in data.items()}))
    assert sigma[0] == approx(0.06) and np.isinf(sigma[1]).all()


@pytest.fixture(scope="module")
def human():
    """A coarse human ventricle, its strains in three segments, and one that has no cell."""
    ventricle, mapping, anatomy = problems.human(MPI.COMM_SELF, 20.0, 1)
    asked = [(direction, segment) for direction in strain.DIRECTIONS for segment in (2, 9, 15)]
    return ventricle, anatomy, Strains(ventricle, anatomy, mapping.cells, [*asked, ("fiber", 18)])


def deformed(ventricle, stretches):
    """The state where lengths along the axes are ``stretches`` times those of the mesh."""
    grow = np.array(stretches)[:, None] - 1
    ventricle.state.x.array[:] = 0.0
    ventricle.state.sub(0).interpolate(lambda x: grow * x)


def test_a_ventricle_that_shrinks_evenly_is_strained_alike(human):
    """By a tenth in all directions: -0.1 along any; 0 where a segment has no muscle."""
    ventricle, _, strains = human
    deformed(ventricle, (0.9, 0.9, 0.9))
    assert strains.values() == approx([-0.1] * 9 + [0.0])


def test_directions_are_those_of_the_wall(human):
    """Squeezed by a tenth across the long axis and shortened by a fifth along it, the circumference is a tenth shorter,
    and the wall, nearly parallel to the axis at the base, close to a fifth along it; the fibres lie between."""
    ventricle, anatomy, strains = human
    deformed(ventricle, (0.9, 0.9, 0.8))
    around, long, fiber = strains.values()[:9].reshape(3, 3)
    assert around == approx(-0.1)
    assert -0.2 < long[0] < -0.19 and (np.diff(long) > 0).all()
    assert (fiber < around).all() and (fiber > long).all()
    both = along(anatomy, "circumferential"), along(anatomy, "longitudinal")
    assert np.linalg.norm(both, axis=2) == approx(np.ones((2, len(both[0]))))
    assert np.einsum("ca,ca->c", *both) == approx(np.zeros(len(both[0])), abs=1e-12)
    assert (both[1][:, 2] > -1e-12).all()
