"""One heart cycle and one grid of pixels for slices that came with several."""

from dataclasses import replace

import numpy as np
import pytest
from dicom_samples import ROW, stopped
from frame_samples import in_slice, moved, stack
from hypothesis import given, settings
from hypothesis import strategies as st

from twinbeat.intake.imaging import cycle, plane
from twinbeat.intake.imaging.choice import choose
from twinbeat.parameters import Imaging


def slices(found):
    return choose(found, Imaging()).stack


def test_times_become_common_phases():
    """RR intervals of 720, 800 and 880 ms: the phases 0, 1/20, ... agree, so that no frame is interpolated; the common
    cycle is their median, 800 ms."""
    found = stack()
    for number in range(1, 13):
        factor = (0.9, 1.0, 1.1)[number % 3]
        found = in_slice(
            found, number, lambda f, by=factor: replace(f, trigger=f.trigger * by, interval=f.interval * by)
        )
    time, interval, weights = cycle.uniform(slices(found))
    assert interval == pytest.approx(800)
    np.testing.assert_allclose(time, 40.0 * np.arange(20))
    assert weights == [None] * 12


def test_times_without_triggers_or_intervals():
    """20 frames without trigger times share the RR interval; with times and none, RR is 20 steps of 40 ms; with shares
    of the cycle instead of times, these count."""
    untimed = [replace(frame, trigger=None) for frame in stack()]
    np.testing.assert_allclose(cycle.uniform(slices(untimed))[0], 40.0 * np.arange(20))
    endless = [replace(frame, interval=None) for frame in stack()]
    assert cycle.uniform(slices(endless))[1] == pytest.approx(800)
    shares = [replace(frame, phase=(frame.order + 0.5) / 20) for frame in untimed]
    np.testing.assert_allclose(cycle.uniform(slices(shares))[0], 40.0 * np.arange(20) + 20)


@pytest.mark.parametrize(
    ("code", "words", "change"),
    [
        ("no-frame-times", "no different trigger times", lambda frame: replace(frame, trigger=None, interval=None)),
        ("implausible-cycle", "a heartbeat of 0.8 ms", lambda f: replace(f, trigger=f.trigger / 1000, interval=None)),
        ("implausible-cycle", "a heartbeat of 4e+03 ms", lambda f: replace(f, trigger=None, interval=4000.0)),
        ("uneven-times", "has no frame for 420 ms of 800", lambda frame: replace(frame, trigger=frame.trigger / 2)),
    ],
)
def test_times_that_cannot_be_used(code, words, change):
    """Without anything to tell times from; in seconds instead of ms; of a heart that nobody has (15 beats per minute);
    and with frames only from 0 to 380 ms, so none up to the next 0 at 800."""
    error = stopped(cycle.uniform, slices(in_slice(stack(), 5, change)))
    assert error.code == code and error.message.startswith("slice 5 of 12") and words in error.message


@settings(max_examples=30)
@given(count=st.integers(12, 40), shift=st.floats(0, 1), size=st.floats(0.1, 10))
def test_a_wave_survives_resampling(count, shift, size):
    """Linear interpolation of a cosine at steps h errs by at most h²/8 times its curvature, (2 pi)² its size; weights
    of each frame sum to one."""
    phases = (np.arange(count) + shift) / count
    common = np.arange(20) / 20
    weights = cycle._weights(phases, common)
    if weights is None:
        assert count == 20
        return
    wave = weights @ (size * np.cos(2 * np.pi * phases))
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert np.abs(wave - size * np.cos(2 * np.pi * common)).max() <= size * (2 * np.pi / count) ** 2 / 8 + 1e-9


def test_a_slice_with_other_frames_is_resampled():
    """25 frames 32 ms apart among slices of 20: frame 1 (40 ms) lies a quarter of the way from frame 1 to frame 2."""
    others = [f for f in stack(phases=25) if 30 < np.linalg.norm(f.position) < 34]
    others = [replace(f, trigger=0.8 * f.trigger, interval=800.0) for f in others]
    found = [f for f in stack() if not 30 < np.linalg.norm(f.position) < 34] + others
    time, interval, weights = cycle.uniform(slices(found))
    assert len(time) == 20 and interval == pytest.approx(800)
    assert [number for number, own in enumerate(weights, 1) if own is not None] == [5]
    assert weights[4].shape == (20, 25) and weights[4][1, 1:3] == pytest.approx([0.75, 0.25])


def test_the_grid_of_most_slices_is_taken():
    """One slice of 192 x 192 pixels of 2 mm about the same middle: it begins (255 * 1.5 - 191 * 2) / 2 = 0.25 mm
    before the others along both axes, and a linear picture on its grid is the same picture on theirs."""
    step = np.array([-0.125, -0.125])
    other = in_slice(
        stack(),
        3,
        lambda f: replace(
            moved(f, step[0] * 2 * f.orientation[3:] + step[1] * 2 * ROW), shape=(193, 193), spacing=(2.0, 2.0)
        ),
    )
    found = slices(other)
    usual = plane.common(found, 1.0)
    assert (usual.shape, usual.spacing) == ((256, 256), (1.5, 1.5))
    own = plane.plane(found[2].frames[0], 1.0)
    assert not plane.same(own, usual)
    assert own.corner == pytest.approx(np.subtract(usual.corner, 0.25), abs=1e-9)
    rows, columns = (own.corner[axis] + 2 * np.arange(193) for axis in (0, 1))
    wanted = usual.corner[0] + 1.5 * np.arange(256)[:, None] - 2 * (usual.corner[1] + 1.5 * np.arange(256))
    np.testing.assert_allclose(plane.resampled(rows[:, None] - 2 * columns, own, usual), wanted, atol=1e-6)


def test_a_slice_that_shows_something_else_is_refused():
    """Moved by 200 of 382.5 mm along the rows, it shows 48 % of the field of the others."""
    error = stopped(plane.common, slices(in_slice(stack(), 3, lambda f: moved(f, 200 * ROW))), 1.0)
    assert error.code == "mixed-fields"
    assert error.message == "slice 3 of 12 shows 48% of the field of the others; expected at least 50%"


def test_fine_pixels_are_joined():
    """Pixels of 0.4 mm in blocks of 2 x 2 (0.8 mm), not 3 x 3 (1.2 mm); the first centre moves by half a pixel."""
    frame = replace(stack()[0], spacing=(0.4, 0.4), shape=(5, 4), position=np.zeros(3))
    own = plane.plane(frame, 1.0)
    assert (own.shape, own.blocks) == ((2, 2), (2, 2))
    assert own.spacing == pytest.approx((0.8, 0.8)) and own.corner == pytest.approx((0.2, 0.2))
    joined = plane.resampled(np.arange(20.0).reshape(5, 4), own, own)
    np.testing.assert_allclose(joined, [[2.5, 4.5], [10.5, 12.5]])
