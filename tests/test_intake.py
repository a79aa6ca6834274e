"""Import of the image: geometry and times as written, slices sorted by place, and what is not whole refused by name."""

from copy import deepcopy

import numpy as np
import pydicom
import pytest
from dicom_samples import KEY, SHARED, cine, clean, content, edit, needs_shared, stopped, written

from twinbeat.intake import files
from twinbeat.intake.deidentification.deidentify import deidentify
from twinbeat.intake.imaging import image
from twinbeat.intake.imaging.frames import frames
from twinbeat.intake.record import record
from twinbeat.parameters import Deidentification, Imaging, Segmentation
from twinbeat.phantom.identity import STYLES
from twinbeat.segmentation import segment
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
    (output / "000007.dcm").unlink()
    with pytest.raises(StoreError, match="not those that the record"):
        image.read(output, made, Imaging())


def test_headers_that_are_no_geometry(cine, tmp_path):
    """Two axes that are not at a right angle, and an endless position, are refused."""
    written(cine, tmp_path / "raw")
    dataset = pydicom.dcmread(next((tmp_path / "raw").iterdir()))
    path = tmp_path / "one" / "000001.dcm"
    path.parent.mkdir()
    for keyword, value in (("ImageOrientationPatient", [1, 0, 0, 1, 0, 0]), ("PixelSpacing", [0, 1.5])):
        kept = dataset[keyword].value
        setattr(dataset, keyword, value)
        dataset.save_as(path)
        assert stopped(frames, files.listed(path.parent)).code == "invalid-header"
        setattr(dataset, keyword, kept)


def test_pixels_that_cannot_be_decoded(cine, tmp_path):
    """Fewer frames than the header tells of, colours, and a broken compressed stream."""
    written(cine, tmp_path / "raw", "enhanced")
    (source,) = (tmp_path / "raw").iterdir()
    with pytest.raises(Rejected, match="has 40 frames; its header tells of more"):
        list(files.decode(files.File(source, 1, 1), [0, 40]))
    dataset = pydicom.dcmread(source)
    dataset.SamplesPerPixel, dataset.PlanarConfiguration, dataset.PhotometricInterpretation = 3, 0, "RGB"
    dataset.NumberOfFrames, dataset.Rows, dataset.PixelData = 1, 1, dataset.PixelData[: 14 * 3 * 2]
    path = tmp_path / "one.dcm"
    dataset.save_as(path)
    with pytest.raises(Rejected, match="has 3 colours per pixel; expected 1"):
        list(files.decode(files.File(path, 1, 1)))
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEG2000Lossless
    dataset.PixelData = pydicom.encaps.encapsulate([b"\xff\x4f broken"])
    dataset.save_as(path)
    with pytest.raises(Rejected, match=r"pixels \(JPEG 2000 .*\) cannot be decoded"):
        list(files.decode(files.File(path, 1, 1)))


def test_inverted_grey_levels_are_refused(cine, tmp_path):
    """Nobody can tell whether the values or only their display were turned round."""
    written(cine, tmp_path / "raw")
    edit(tmp_path / "raw", lambda dataset: setattr(dataset, "PhotometricInterpretation", "MONOCHROME1"))
    output = clean(tmp_path / "raw")
    assert stopped(image.read, output, record(output), Imaging()).code == "inverted-grey"


def test_an_enhanced_file_may_hold_several_stacks(cine, tmp_path):
    """A long-axis cine beside the short-axis one, in one file with a stack of its own: the short axis is read."""
    written(cine, tmp_path / "raw", "enhanced")

    def add(dataset):
        groups = dataset.PerFrameFunctionalGroupsSequence
        across = pydicom.Dataset()
        axes = dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient
        across.ImageOrientationPatient = [*np.cross(axes[:3], axes[3:]), *axes[3:]]
        for frame in list(groups)[:8]:
            view = deepcopy(frame)
            view.PlaneOrientationSequence, view.FrameContentSequence[0].StackID = [across], "2"
            groups.append(view)
        dataset.NumberOfFrames += 8
        dataset.PixelData += dataset.PixelData[: len(dataset.PixelData) // 5]

    edit(tmp_path / "raw", add)
    output = clean(tmp_path / "raw")
    found = image.read(output, record(output), Imaging())
    np.testing.assert_array_equal(found.image, cine.image)


def as_ct(folder):
    """Classic CT files of a cine: one series per phase of the heart, without times but for a heart rate."""

    def change(dataset):
        phase = round(float(dataset.TriggerTime) / dataset.NominalInterval * 8)
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = pydicom.uid.CTImageStorage
        dataset.Modality, dataset.HeartRate = "CT", 75
        dataset.SeriesInstanceUID, dataset.SeriesNumber = f"1.2.3.{phase}", phase + 1
        dataset.NominalPercentageOfCardiacPhase, dataset.RescaleIntercept, dataset.RescaleSlope = 12.5 * phase, -1024, 1
        dataset.RescaleType = "HU"
        del dataset.TriggerTime, dataset.NominalInterval

    edit(folder, change)


def as_enhanced_ct(folder):
    """The one file of an enhanced cine as an enhanced CT."""

    def change(dataset):
        dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = pydicom.uid.EnhancedCTImageStorage
        dataset.Modality = "CT"
        for groups in dataset.PerFrameFunctionalGroupsSequence:
            heart = groups.CardiacSynchronizationSequence[0]
            share = heart.NominalCardiacTriggerDelayTime / heart.RRIntervalTimeNominal
            heart.NominalPercentageOfCardiacPhase, heart.RRIntervalTimeNominal = 100 * share, 800.0
            del heart.NominalCardiacTriggerDelayTime
            item = pydicom.Dataset()
            item.RescaleIntercept, item.RescaleSlope, item.RescaleType = -1024, 1, "HU"
            groups.PixelValueTransformationSequence = [item]

    edit(folder, change)


@pytest.mark.parametrize(("style", "change"), [("series", as_ct), ("enhanced", as_enhanced_ct)])
def test_a_cardiac_ct_is_imported(cine, tmp_path, style, change):
    """Phases of 0, 12.5, ... % at 75 beats per minute are 0, 100, ... of 800 ms; values are Hounsfield units."""
    written(cine, tmp_path / "raw", style)
    change(tmp_path / "raw")
    output = clean(tmp_path / "raw")
    found = image.read(output, record(output), Imaging())
    assert found.attrs["modality"] == "CT"
    np.testing.assert_array_equal(found.image, cine.image - 1024)
    np.testing.assert_allclose(found.time, 100.0 * np.arange(8), atol=0.2)
    assert float(found.cycle) == 800 and not found.shift_judged.any()


def without_rows(dataset):
    """The lowest slice without its first two rows and its last one."""
    if abs(float(dataset.ImagePositionPatient[2]) - 88.0625) < 1e-3:
        down = np.array(dataset.ImageOrientationPatient[3:], float)
        dataset.ImagePositionPatient = [
            f"{value:.6f}" for value in np.array(dataset.ImagePositionPatient, float) + 3 * down
        ]
        dataset.PixelData = dataset.pixel_array[2:-1].tobytes()
        dataset.Rows -= 3


def test_a_slice_of_another_matrix_is_put_on_the_grid_of_the_others(cine, tmp_path):
    """Its rows lie on those of the others, so they are the same; where it has none, its edge goes on."""
    written(cine, tmp_path / "raw", "slices")
    edit(tmp_path / "raw", without_rows)
    output = clean(tmp_path / "raw")
    found = image.read(output, record(output), Imaging())
    assert found.regridded.values.tolist() == [True, False, False, False, False]
    np.testing.assert_allclose(found.image[:, :, 2:-1], cine.image[:, :, 2:-1], rtol=1e-4)
    np.testing.assert_allclose(found.image[:, 0, :2], found.image[:, 0, [2, 2]], rtol=1e-4)
    np.testing.assert_allclose(found.origin, cine.origin, atol=1e-3)


def test_a_slice_with_fewer_frames_is_resampled(cine, tmp_path):
    """Slice 3 without frames 2 and 5 of 8: a linear course in time comes back whole (the pixels of the sample grow by
    the same step from frame to frame)."""
    (tmp_path / "raw").mkdir()
    written(cine, tmp_path / "raw")
    place = cine.origin.values + 16.0 * cine.directions.values[0]
    for path in sorted((tmp_path / "raw").iterdir()):
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        phase = round(float(dataset.TriggerTime) / dataset.NominalInterval * 8)
        if np.allclose(np.array(dataset.ImagePositionPatient, float), place, atol=1e-3) and phase in (2, 5):
            path.unlink()
    output = clean(tmp_path / "raw")
    found = image.read(output, record(output), Imaging(minimum_frames=6))
    assert found.retimed.values.tolist() == [False, False, True, False, False]
    np.testing.assert_allclose(found.image, cine.image, atol=1.0)


def test_a_stack_can_be_forced(cine, tmp_path):
    """The only stack of the folder is number 1; there is no number 2."""
    written(cine, tmp_path / "raw")
    output = clean(tmp_path / "raw")
    found = image.read(output, record(output), Imaging(), forced=1)
    assert found.attrs["stacks"][0]["reason"] == "taken: the configuration names it"
    with pytest.raises(Rejected, match=r"imaging\.force names stack 2; expected 1 to 1"):
        image.read(output, record(output), Imaging(), forced=2)


@needs_shared
def test_the_real_study(tmp_path):
    """Sunnybrook SC-HF-I-1: 12 slices 10 mm apart, 20 phases, RR 731 to 800 ms, invalid dates, odd UIDs."""
    made, _ = deidentify(SHARED / "cine_mr/dicom/SCD0000101", tmp_path / "deid", KEY, Deidentification())
    found = image.read(tmp_path / "deid", made, Imaging())
    assert dict(found.image.sizes) == {"time": 20, "z": 12, "y": 256, "x": 256}
    np.testing.assert_allclose(found.z, 10.0 * np.arange(12), atol=1e-2)
    np.testing.assert_allclose(found.x[1], 1.367188)
    assert 731 <= float(found.cycle) <= 800
    np.testing.assert_allclose(found.time / found.cycle, (np.arange(20) + 0.5) / 20, atol=1e-3)
    assert b"SCD0000101" not in content(tmp_path / "deid")
    assert not found.shift_removed.any()


@needs_shared
def test_end_diastole_and_end_systole_of_the_real_study_are_found(tmp_path):
    """The experts drew end-diastole in frame 18 and end-systole in frame 7 of 0 to 19; frames 18 and 19 are as full."""
    made, _ = deidentify(SHARED / "cine_mr/dicom/SCD0000101", tmp_path / "deid", KEY, Deidentification())
    labels = segment(image.read(tmp_path / "deid", made, Imaging()), Segmentation(orientations=1))
    assert int(labels.end_diastole) in (18, 19)
    assert 6 <= int(labels.end_systole) <= 8


@needs_shared
def test_awkward_files_end_in_an_image_or_a_coded_refusal(tmp_path):
    """None of the awkward files is a short-axis cine: each ends in a coded reason, none in another error."""
    codes = set()
    for number, path in enumerate(sorted(p for p in (SHARED / "dicom_edge").rglob("*") if p.is_file())):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / path.name).write_bytes(path.read_bytes())

        def take_in(folder=folder):
            made, _ = deidentify(folder, tmp_path / "deid", KEY, Deidentification())
            image.read(tmp_path / "deid", made, Imaging())

        codes.add(stopped(take_in).code)
    assert codes >= {"corrupt-file", "no-short-axis-cine", "secondary-capture", "structured-report", "not-dicom"}
