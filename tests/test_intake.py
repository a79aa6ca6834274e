"""Import of the image: geometry and times as written, slices sorted by place, and what is not whole refused by name."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_samples import AXES, KEY, ROW, SHARED, UP, cine, clean, content, edit, needs_shared, stopped, written
from twinbeat.intake.imaging.stack import short_axis

from twinbeat.intake import files
from twinbeat.intake.deidentification.deidentify import deidentify
from twinbeat.intake.imaging import image
from twinbeat.intake.imaging.frames import Frame, frames
from twinbeat.intake.record import record
from twinbeat.parameters import Imaging
from twinbeat.phantom.identity import STYLES
from twinbeat.store import StoreError
from twinbeat.verdicts import Rejected

__all__ = ["cine"]


@pytest.mark.parametrize("style", STYLES)
def test_geometry_and_pixels_survive(cine, tmp_path, style):
    """What is read is what was written: geometry to 1e-3 mm, every pixel, times to the rounding of RR to whole ms."""
    written(cine, tmp_path / "raw", style)
    output = clean(tmp_path / "raw")
    found = image.read(output, record(output), Imaging())
    np.testing.assert_array_equal(found.image, cine.image)
    for name in ("origin", "directions", "x", "y", "z"):
        np.testing.assert_allclose(found[name], cine[name], atol=1e-3)
    np.testing.assert_allclose(found.time, cine.time, atol=0.5)
    assert float(found.cycle) == pytest.approx(812, abs=0.5)


def stack(
    slices: int = 12, phases: int = 20, series: str = "1", axes: np.ndarray = AXES, step: float = 8.0
) -> list[Frame]:
    """Frames of a whole short-axis cine, 40 ms apart, without pixels."""
    return [
        Frame(
            file=files.File(Path(f"{z}-{t}"), z * phases + t + 1, slices * phases),
            index=0,
            series=series,
            position=step * z * axes[0],
            orientation=np.concatenate([axes[2], axes[1]]),
            spacing=(1.5, 1.5),
            shape=(256, 256),
            trigger=40.0 * t,
            interval=40.0 * phases,
            order=float(t),
        )
        for z in range(slices)
        for t in range(phases)
    ]


def refused(found: list[Frame], **parameters) -> Rejected:
    error = stopped(short_axis, found, Imaging(**parameters))
    assert isinstance(error, Rejected)
    return error


def test_slices_are_sorted_by_geometry():
    """Frames in any order give the slices from the first to the last along the normal, each in the order of time."""
    found = stack()
    np.random.default_rng(1).shuffle(found)
    sorted_ = short_axis(found, Imaging())
    assert [part.location for part in sorted_] == pytest.approx(8.0 * np.arange(12))
    assert all([frame.trigger for frame in part.frames] == [40.0 * t for t in range(20)] for part in sorted_)


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


def moved(frame: Frame, by: np.ndarray) -> Frame:
    return replace(frame, position=frame.position + by)


def in_slice(found: list[Frame], number: int, change) -> list[Frame]:
    return [change(frame) if round(frame.position @ UP / 8) == number - 1 else frame for frame in found]


@pytest.mark.parametrize(
    ("code", "words", "found"),
    [
        ("uneven-spacing", "slices 2 and 3 of 12 are not evenly", in_slice(stack(), 3, lambda f: moved(f, 3 * UP))),
        ("uneven-frames", "slice 3 of 12 has 19 frames; the others have 20", stack()[:40] + stack()[41:]),
        ("uneven-frames", "slice 3 of 12 has 2 frames; the others have 20", stack()[:42] + stack()[60:]),
        ("duplicate-frame", "slice 3 of 12 has 1 of its 21 frames twice", [*stack(), stack()[45]]),
        ("duplicate-slice", "slice 3 of 12 is there twice (with the same times, at 16.0", stack() + stack()[40:60]),
        ("mixed-matrix", "slice 2 of 12 has 256 x 192", in_slice(stack(), 2, lambda f: replace(f, shape=(256, 192)))),
        ("mixed-spacing", "slice 2 of 12 has pixels", in_slice(stack(), 2, lambda f: replace(f, spacing=(1.4, 1.5)))),
        ("sheared-stack", "slice 9 of 12 begins 2.0 mm", in_slice(stack(), 9, lambda f: moved(f, 2 * ROW))),
        ("no-short-axis-cine", "largest parallel cine has 4 slices", stack(4)),
        ("no-short-axis-cine", "largest parallel cine has 0 slices", stack(phases=3)),
        ("no-short-axis-cine", "among 0 MR frames: the largest parallel cine has 0 slices;", []),
        ("no-short-axis-cine", "64 degrees from the usual", stack(axes=np.eye(3)[[2, 1, 0]])),
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
    assert "20 frames of the short-axis series are not parallel to the other 220 (up to 5.0 degrees" in error.message


def test_series_of_one_slice_make_a_stack():
    """As some scanners store it; the same slice taken again in another series is a duplicate."""
    found = [replace(frame, series=str(round(frame.position @ UP))) for frame in stack()]
    assert len(short_axis(found, Imaging())) == 12
    again = [replace(frame, series="again") for frame in found[40:60]]
    assert refused(found + again).message.startswith("slice 3 of 12 is there twice (in two series, at 16.0 mm")


def test_the_short_axis_is_found_among_other_series():
    """A localiser, a long-axis cine, a transverse cine stack and late pictures of the same slices change nothing."""
    late = [replace(frame, series="late") for frame in stack(phases=1)]
    long_axis = stack(3, series="long", axes=AXES[[1, 2, 0]])
    transverse = stack(14, series="transverse", axes=np.eye(3)[[2, 1, 0]])
    localiser = stack(3, 1, series="localiser", axes=np.eye(3))
    found = short_axis([*localiser, *late, *long_axis, *transverse, *stack(series="cine")], Imaging())
    assert {part.series for part in found} == {"cine"} and len(found) == 12


def test_times_become_common_phases():
    """RR intervals of 720, 800 and 880 ms: the phases 0, 1/20, ... agree; the common cycle is their median, 800 ms."""
    found = stack(12)
    for part, factor in zip(short_axis(found, Imaging()), [0.9, 1.0, 1.1] * 4, strict=True):
        part.frames[:] = [replace(f, trigger=f.trigger * factor, interval=f.interval * factor) for f in part.frames]
        found = [*found[len(part.frames) :], *part.frames]
    time, cycle = image.heart_times(short_axis(found, Imaging()))
    assert cycle == pytest.approx(800)
    np.testing.assert_allclose(time, 40.0 * np.arange(20))


def test_times_without_triggers_or_intervals():
    """20 frames without trigger times share the RR interval; with times and none, RR is 20 steps of 40 ms."""
    untimed = [replace(frame, trigger=None) for frame in stack()]
    np.testing.assert_allclose(image.heart_times(short_axis(untimed, Imaging()))[0], 40.0 * np.arange(20))
    endless = [replace(frame, interval=None) for frame in stack()]
    assert image.heart_times(short_axis(endless, Imaging()))[1] == pytest.approx(800)


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("no-frame-times", lambda frame: replace(frame, trigger=None, interval=None)),
        ("uneven-times", lambda frame: replace(frame, trigger=frame.trigger + 30, interval=frame.interval)),
    ],
)
def test_times_that_cannot_be_used(code, change):
    error = stopped(image.heart_times, short_axis(in_slice(stack(), 5, change), Imaging()))
    assert error.code == code and error.message.startswith("slice 5 of 12")


@pytest.mark.parametrize("style", STYLES)
def test_stored_values_are_rescaled(cine, tmp_path, style):
    """Signal = 0.5 stored + 3, from the classic attributes or from the functional groups of each frame."""
    written(cine, tmp_path / "raw", style)

    def rescale(dataset):
        for groups in dataset.get("PerFrameFunctionalGroupsSequence", [None]):
            item = dataset if groups is None else pydicom.Dataset()
            item.RescaleSlope, item.RescaleIntercept, item.RescaleType = "0.5", "3", "US"
            if groups is not None:
                groups.PixelValueTransformationSequence = [item]

    edit(tmp_path / "raw", rescale)
    output = clean(tmp_path / "raw")
    found = image.read(output, record(output), Imaging())
    np.testing.assert_allclose(found.image, 0.5 * cine.image + 3)


def test_a_changed_folder_is_no_patients_fault(cine, tmp_path):
    """The record has the checksum of every file: a file that was changed or lost since then fails the job."""
    written(cine, tmp_path / "raw")
    output = clean(tmp_path / "raw")
    made = record(output)
    (output / "0007.dcm").unlink()
    with pytest.raises(StoreError, match="not those that the record"):
        image.read(output, made, Imaging())


def test_headers_that_are_no_geometry(cine, tmp_path):
    """Two axes that are not at a right angle, and an endless position, are refused; a CT has no MR frame at all."""
    written(cine, tmp_path / "raw")
    dataset = pydicom.dcmread(next((tmp_path / "raw").iterdir()))
    path = tmp_path / "one" / "0001.dcm"
    path.parent.mkdir()
    for keyword, value in (("ImageOrientationPatient", [1, 0, 0, 1, 0, 0]), ("PixelSpacing", [0, 1.5])):
        kept = dataset[keyword].value
        setattr(dataset, keyword, value)
        dataset.save_as(path)
        assert stopped(frames, files.listed(path.parent)).code == "invalid-header"
        setattr(dataset, keyword, kept)
    dataset.Modality = "CT"
    dataset.save_as(path)
    assert frames(files.listed(path.parent)) == []


def test_pixels_that_cannot_be_decoded(cine, tmp_path):
    """Fewer frames than the header tells of, colours, and a broken compressed stream."""
    written(cine, tmp_path / "raw", "enhanced")
    (source,) = (tmp_path / "raw").iterdir()
    whole = short_axis(frames([files.File(source, 1, 1)]), Imaging())
    whole[0].frames[0] = replace(whole[0].frames[0], index=40)
    with pytest.raises(Rejected, match="has 40 frames; its header tells of more"):
        image._pixels(whole)
    dataset = pydicom.dcmread(source)
    dataset.SamplesPerPixel, dataset.PlanarConfiguration, dataset.PhotometricInterpretation = 3, 0, "RGB"
    dataset.NumberOfFrames, dataset.Rows, dataset.PixelData = 1, 1, dataset.PixelData[: 14 * 3 * 2]
    path = tmp_path / "one.dcm"
    dataset.save_as(path)
    with pytest.raises(Rejected, match="has 3 colours per pixel; expected 1"):
        files.decode(files.File(path, 1, 1))
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEG2000Lossless
    dataset.PixelData = pydicom.encaps.encapsulate([b"\xff\x4f broken"])
    dataset.save_as(path)
    with pytest.raises(Rejected, match=r"pixels \(JPEG 2000 .*\) cannot be decoded"):
        files.decode(files.File(path, 1, 1))


@needs_shared
def test_the_real_study(tmp_path):
    """Sunnybrook SC-HF-I-1: 12 slices 10 mm apart, 20 phases, RR 731 to 800 ms, invalid dates, odd UIDs."""
    made = deidentify(SHARED / "cine_mr/dicom/SCD0000101", tmp_path / "deid", KEY, 3650)
    found = image.read(tmp_path / "deid", made, Imaging())
    assert dict(found.sizes) | {"component": 3} == {"time": 20, "z": 12, "y": 256, "x": 256, "component": 3, "axis": 3}
    np.testing.assert_allclose(found.z, 10.0 * np.arange(12), atol=1e-2)
    np.testing.assert_allclose(found.x[1], 1.367188)
    assert 731 <= float(found.cycle) <= 800
    np.testing.assert_allclose(found.time / found.cycle, (np.arange(20) + 0.5) / 20, atol=1e-3)
    assert b"SCD0000101" not in content(tmp_path / "deid")


@needs_shared
def test_awkward_files_end_in_an_image_or_a_coded_refusal(tmp_path):
    """None of the awkward files is a short-axis cine: each ends in a coded reason, none in another error."""
    codes = set()
    for number, path in enumerate(sorted(p for p in (SHARED / "dicom_edge").rglob("*") if p.is_file())):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / path.name).write_bytes(path.read_bytes())

        def take_in(folder=folder):
            made = deidentify(folder, tmp_path / "deid", KEY, 3650)
            image.read(tmp_path / "deid", made, Imaging())

        codes.add(stopped(take_in).code)
    assert codes == {"corrupt-file", "no-image", "no-short-axis-cine"}
