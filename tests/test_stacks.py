"""The stack that is taken: sorted by geometry, chosen among others for reasons, and refused by name if not whole."""

from dataclasses import replace

import numpy as np
import pytest
from dicom_samples import AXES, ROW, SHARED, UP, needs_shared, stopped
from frame_samples import in_slice, moved, refused, stack
from hypothesis import given, settings
from hypothesis import strategies as st

from twinbeat.intake import files
from twinbeat.intake.imaging.choice import choose
from twinbeat.intake.imaging.cycle import uniform
from twinbeat.intake.imaging.frames import frames
from twinbeat.parameters import Imaging

TRANSVERSE = np.eye(3)[[2, 1, 0]]


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), slices=st.integers(5, 14), step=st.floats(2, 12))
def test_slices_are_sorted_by_geometry(seed, slices, step):
    """Frames in any order give the slices from the first to the last along the normal, each in the order of time."""
    found = stack(slices, 8, step=step)
    np.random.default_rng(seed).shuffle(found)
    taken = choose(found, Imaging()).stack
    assert [part.location for part in taken] == pytest.approx(step * np.arange(slices))
    assert all(part.triggers == [40.0 * t for t in range(8)] for part in taken)


def test_a_missing_slice_is_named():
    found = [frame for frame in stack() if abs(frame.position @ UP - 48) > 1]
    error = refused(found)
    assert error.code == "missing-slice"
    assert error.message == (
        "slice 7 of 12 is missing "
        "(gap of 16.0 mm between 40.0 and 56.0 mm along the normal; spacing elsewhere is 8.0 mm)"
    )


def test_missing_slices_are_named():
    error = refused([frame for frame in stack() if not 20 < frame.position @ UP < 36])
    assert error.message.startswith("slices 4 and 5 of 12 are missing (gap of 24.0 mm")


def of_many_beats(phases: int = 20):
    """A dynamic series: its frames run over 20 beats of 800 ms."""
    return [replace(frame, trigger=800.0 * frame.order) for frame in stack(phases=phases)]


@pytest.mark.parametrize(
    ("code", "words", "found"),
    [
        ("uneven-spacing", "slices 2 and 3 of 12 are not evenly", in_slice(stack(), 3, lambda f: moved(f, 3 * UP))),
        ("uneven-frames", "slice 3 of 12 has 2 frames; the others have 20", stack()[:42] + stack()[60:]),
        ("duplicate-frame", "slice 3 of 12 has 1 of its 21 frames twice", [*stack(), stack()[45]]),
        ("duplicate-slice", "slice 3 of 12 is there twice (with the same times, at 16.0", stack() + stack()[40:60]),
        ("no-short-axis-cine", "largest parallel cine has 4 slices", stack(4)),
        ("no-short-axis-cine", "largest parallel cine has 0 slices", stack(phases=3)),
        ("no-short-axis-cine", "among 0 MR frames: the largest parallel cine has 0 slices;", []),
        ("no-short-axis-cine", "64 degrees from the usual", stack(axes=TRANSVERSE)),
        ("no-short-axis-cine", "1 (MR, 12 slices of 20 frames; no cine: its frames are not of one", of_many_beats()),
    ],
)
def test_a_stack_that_is_not_whole_is_refused(code, words, found):
    error = refused(found)
    assert error.code == code
    assert words in error.message


def test_a_turned_slice_is_refused():
    """One slice of the series turned by 5 degrees about its row."""
    turn = np.cos(np.radians(5)) * AXES[1] + np.sin(np.radians(5)) * UP
    found = in_slice(stack(), 4, lambda frame: replace(frame, orientation=np.concatenate([ROW, turn])))
    error = refused(found)
    assert error.code == "mixed-orientation"
    assert "20 frames of the series of the stack are not parallel to the other 220 (up to 5.0 degrees" in error.message


@pytest.mark.parametrize(("modality", "code"), [("MR", "sheared-stack"), ("CT", "gantry-tilt")])
def test_a_tilted_stack_is_refused(modality, code):
    """Each slice 1 mm beside the one before, 8 mm below: atan(1/8) = 7.1 degrees."""
    found = [replace(moved(f, f.position @ UP / 8 * ROW), modality=modality) for f in stack()]
    error = refused(found)
    assert error.code == code
    assert "by 7.1 degrees: each slice lies 1.00 mm beside the one before" in error.message


def test_one_slice_with_another_field_of_view_is_no_tilt():
    assert len(choose(in_slice(stack(), 9, lambda frame: moved(frame, 20 * ROW)), Imaging()).stack) == 12


@needs_shared
@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("gantrytilting", "the gantry is tilted by 14.0 degrees"),
        ("sliceincrement", "slice 4 of 5 is missing (gap of 10.0 mm"),
        ("sliceorientation", "2 frames of the series of the stack are not parallel to the other 2"),
    ],
)
def test_faults_are_named_though_no_heart_is_there(folder, words):
    """Real stacks of few slices without phases: they are no cine, and besides they have a fault of geometry."""
    paths = sorted((SHARED / "dicom_edge/dicom2nifti_failing" / folder).rglob("IM-*.dcm"))
    error = refused(frames([files.File(path, number, len(paths)) for number, path in enumerate(paths, 1)]))
    assert error.code == "no-short-axis-cine"
    assert words in error.message


def by_slice(found, first: int = 1):
    """One series per slice, numbered from ``first`` on, as Siemens scanners store a stack."""
    places = [round(frame.position @ UP / 8) for frame in found]
    return [replace(f, series=f"{first + place}", number=first + place) for f, place in zip(found, places, strict=True)]


def test_series_of_one_slice_make_a_stack():
    """As some scanners store it; the same slice taken again in another series is a duplicate."""
    found = by_slice(stack())
    assert len(choose(found, Imaging()).stack) == 12
    again = [replace(frame, series="again", number=20) for frame in found[40:60]]
    assert refused(found + again).message.startswith("slice 3 of 12 is there twice (in two series, at 16.0 mm")


def test_a_stack_in_series_of_one_slice_that_was_taken_again():
    """Of 12 slices and 12 more, the later ones are taken, though all 24 are series of one slice."""
    choice = choose([*by_slice(stack()), *by_slice(stack(), first=21)], Imaging())
    assert [part.number[1] for part in choice.stack] == list(range(21, 33))
    assert choice.table[0]["reason"] == "same view as stack 2, which is later"


def test_the_short_axis_is_found_among_other_series():
    """A localiser, a long-axis cine, a transverse cine stack, late pictures and a dynamic series of the same slices
    change nothing; the table says of each stack why it was not taken."""
    late = [replace(frame, series="late") for frame in stack(phases=1, number=5)]
    long_axis = stack(3, series="long", axes=AXES[[1, 2, 0]], number=2)
    transverse = stack(14, series="transverse", axes=TRANSVERSE, number=3)
    localiser = stack(3, 1, series="localiser", axes=np.eye(3))
    dynamic = [replace(frame, series="dynamic", number=6) for frame in of_many_beats()]
    cine = stack(series="cine", number=4)
    choice = choose([*localiser, *late, *dynamic, *long_axis, *transverse, *cine], Imaging())
    assert {part.series for part in choice.stack} == {"cine"} and len(choice.stack) == 12
    assert [row["reason"] for row in choice.table] == [
        "3 slices; expected at least 5",
        "3 slices; expected at least 5",
        "64 degrees from the usual short axis; expected at most 45",
        "taken: the only one",
        "no cine: 1 frames per slice; expected at least 8",
        "no cine: its frames are not of one heartbeat",
    ]


def test_of_two_views_the_one_with_more_of_the_heart():
    """Of 9 slices at 37 degrees from the usual short axis and 9 at 7, the latter show more of it."""
    turn = np.radians(30)
    axes = np.array([np.cos(turn) * UP + np.sin(turn) * ROW, AXES[1], np.cos(turn) * ROW - np.sin(turn) * UP])
    choice = choose([*stack(9, series="off", axes=axes), *stack(9, series="on", number=2)], Imaging())
    assert choice.number == 2
    assert choice.table[0]["reason"] == "shows less of the heart near the short axis than stack 2"
    assert choice.table[1]["reason"] == "taken: most slices near the short axis, of 2 that would do"


@pytest.mark.parametrize(
    ("second", "taken", "reason"),
    [
        (stack(series="2", number=2), 2, "which is later"),
        (stack(series="2", number=2)[:40] + stack(series="2", number=2)[60:], 1, "and not whole: slice 3 of 12 is"),
        (stack(11, series="2", number=2), 1, "which has more slices"),
    ],
)
def test_of_a_repeated_acquisition_the_whole_and_later_one(second, taken, reason):
    choice = choose([*stack(), *second], Imaging())
    assert choice.number == taken
    assert choice.table[2 - taken]["reason"].startswith(f"same view as stack {taken}, {reason}")
    assert f"same view as stack {3 - taken}" in choice.table[taken - 1]["reason"]


def test_two_studies_are_not_mixed():
    """Both parallel, in series of one slice, and 3 mm apart, which makes one stack uneven; the later study is taken,
    though its series have lower numbers."""
    before = [replace(f, series=f"a {f.position @ UP:.0f}", number=9) for f in stack(study=("20190205 0800", "1.9"))]
    after = [replace(moved(f, 3 * UP), series=f"b {f.position @ UP:.0f}") for f in stack()]
    choice = choose(before + after, Imaging())
    assert len(choice.table) == 2 and choice.number == 2
    assert choice.stack[0].location == pytest.approx(3)
    assert choice.table[0]["reason"] == "same view as stack 2, which is later"


def test_the_configuration_can_force_a_stack():
    """A transverse stack, which would not be chosen; numbers that are not there, and stacks that are no cine, are
    refused."""
    found = [*stack(), *stack(14, series="2", axes=TRANSVERSE, number=2), *stack(phases=1, series="3", number=3)]
    choice = choose(found, Imaging(), forced=2)
    assert len(choice.stack) == 14
    assert [row["reason"] for row in choice.table[:2]] == ["would do", "taken: the configuration names it"]
    assert refused(found, forced=4).message == "imaging.force names stack 4; expected 1 to 3"
    error = refused(found, forced=3)
    assert error.code == "unfit-stack" and "has no cine: 1 frames per slice" in error.message


def ct(phases: int = 10, slices: int = 40, share: bool = True):
    """A transverse CT, one series per phase of the heart, slices 0.5 mm apart."""
    found = stack(slices, phases, axes=TRANSVERSE, step=0.5)
    return [
        replace(f, modality="CT", series=f"ct {f.order}", trigger=None, phase=f.order / phases if share else None)
        for f in found
    ]


def test_a_cardiac_ct_is_taken_where_there_is_no_cine():
    """Ten series of 40 slices 0.5 mm apart, one per phase, are one stack of ten frames; a cine goes before it."""
    choice = choose(ct(), Imaging())
    assert len(choice.stack) == 40 and choice.stack[0].phases == pytest.approx(np.arange(10) / 10)
    assert choice.table[0]["reason"] == "taken: a cardiac CT, and no short-axis cine"
    both = choose([*ct(), *stack(series="cine", number=2)], Imaging())
    assert both.table[both.number - 1]["modality"] == "MR"
    assert both.table[2 - both.number]["reason"] == f"a CT, which is second to stack {both.number}"


def test_phases_of_a_ct_are_not_assumed():
    """Series without times or shares of the cycle could be any phases, even where the heart rate is known."""
    series = [replace(frame, number=int(frame.order)) for frame in ct(share=False)]
    error = stopped(uniform, choose([replace(frame, order=1.0) for frame in series], Imaging()).stack)
    assert error.code == "no-frame-times"
    assert "slice 1 of 40 has no different trigger times for its 10 frames and no shares of the cycle" in error.message


def test_a_ct_slice_that_is_missing_is_named():
    """Far finer than the tolerance of a cine's slices."""
    error = refused([frame for frame in ct() if abs(frame.position[2] - 10) > 0.1])
    assert error.message.startswith("slice 21 of 40 is missing (gap of 1.0 mm between 9.5 and 10.5 mm")
