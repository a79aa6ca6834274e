"""Drafts leave as DICOM SEG, are edited and come back; what belongs to somebody else is refused."""

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
import xarray as xr
from dicom_samples import clean, content, edit, small_cine, stopped, written
from heart_samples import BLOOD, LOOSE
from label_samples import certain
from test_exchange import labels as exported

from twinbeat import exchange
from twinbeat.intake import drawings
from twinbeat.intake.drawings import Review
from twinbeat.parameters import Imaging
from twinbeat.segmentation import decide, rated
from twinbeat.verdicts import NeedsReview


@pytest.fixture(scope="module")
def draft(tmp_path_factory) -> tuple[Path, xr.Dataset]:
    """A folder with the raw and the de-identified images of a patient, and automatic labels with their draft."""
    folder, found = tmp_path_factory.mktemp("hospital"), exported(small_cine())
    written(small_cine(), folder / "raw")
    clean(folder / "raw")
    space = found.labels.dims
    volumes = {f"volume_{name}": ("time", np.full(8, 99.0)) for name in ("lv", "myocardium", "rv")}
    opinion = {
        "probability": (("label", *space), certain(found.labels.values)),
        "confidence": ("time", np.full(8, 0.3)),
    }
    automatic = rated(found.assign(volumes | opinion | {"cycle": 812.0}))
    exchange.write_segmentation(folder / "deid", folder / "draft", automatic, Imaging())
    return folder, automatic


@pytest.fixture
def hospital(draft, tmp_path) -> tuple[Path, xr.Dataset]:
    """A copy of them in which the draft is the review of r1."""
    folder, automatic = draft
    shutil.copytree(folder / "deid", tmp_path / "deid")
    shutil.copy(folder / "draft/segmentation.dcm", tmp_path / "r1.dcm")
    return tmp_path, automatic


def of_folder(folder: Path) -> Review:
    return drawings.of_patient([str(folder / "r1.dcm")], "p", folder / "deid", 8)


def test_a_draft_that_goes_back_unedited_changes_nothing(hospital):
    """Through DICOM and back, with the slice that a breath-hold moved, and the first slice that shows no heart."""
    folder, automatic = hospital
    found = decide(automatic, of_folder(folder), LOOSE)
    np.testing.assert_array_equal(found.labels, automatic.labels)
    assert np.flatnonzero(found.reviewed).tolist() == [1, 4]


def test_a_segment_of_late_enhancement_is_no_correction(hospital):
    """The muscle at end-diastole under another name: all of it enhances, in the slice that was moved too."""
    folder, automatic = hospital
    seg = pydicom.dcmread(folder / "r1.dcm")
    (muscle,) = (one for one in seg.SegmentSequence if one.SegmentLabel == "LV myocardium, end-diastole")
    muscle.SegmentLabel, number = "late enhancement", muscle.SegmentNumber
    kept = [
        index
        for index, groups in enumerate(seg.PerFrameFunctionalGroupsSequence)
        if groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber == number
    ]
    seg.PixelData = np.packbits(seg.pixel_array[kept].ravel(), bitorder="little").tobytes()
    seg.PerFrameFunctionalGroupsSequence = [seg.PerFrameFunctionalGroupsSequence[index] for index in kept]
    seg.NumberOfFrames = len(kept)
    seg.save_as(folder / "r1.dcm")
    (part,) = of_folder(folder).parts
    assert list(part) == ["late enhancement"]
    beating = {f"volume_{name}": ("time", np.linspace(99, 60, 8)) for name in ("lv", "rv")}
    sure = automatic.assign(beating | {"confidence": ("time", np.ones(8))})
    found = decide(sure, of_folder(folder), LOOSE.model_copy(update={"minimum_slices": 1}))
    np.testing.assert_array_equal(found.enhancement, automatic.labels.values[1] == 2)


def test_a_draft_is_edited_and_comes_back(hospital):
    """A pixel that the reviewer adds to the blood of a slice at end-diastole, and a slice erased at end-systole; who
    signed the file is nowhere in what comes in."""
    folder, automatic = hospital

    def paint(seg: pydicom.Dataset) -> None:
        seg.ContentCreatorName = "Mueller^Hans"
        pixels = seg.pixel_array
        for mask, groups in zip(pixels, seg.PerFrameFunctionalGroupsSequence, strict=True):
            number = groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber
            z = groups.FrameContentSequence[0].DimensionIndexValues[1]
            if (number, z) == (1, 2):
                mask[0, 0] = 1
            if number > 3 and z == 4:
                mask[:] = 0
        seg.PixelData = np.packbits(pixels.ravel(), bitorder="little").tobytes()

    seg = pydicom.dcmread(folder / "r1.dcm")
    paint(seg)
    seg.save_as(folder / "r1.dcm")
    found = decide(automatic, of_folder(folder), LOOSE)
    changed = np.argwhere(found.labels.values[[1, 4]] != automatic.labels.values[[1, 4]])
    assert len(changed) > 1
    added = changed[changed[:, 0] == 0]
    assert len(added) == 1 and added[0, 2:].tolist() == [0, 0]
    assert found.labels.values[1, added[0, 1], 0, 0] == BLOOD
    (erased,) = set(changed[changed[:, 0] == 1][:, 1])
    assert not found.labels.values[4, erased].any()
    assert "Mueller" not in str(found) + str(found.attrs)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"PatientID": "Mueller"}, "review-other-patient"),
        ({"StudyInstanceUID": "1.2.3"}, "review-other-space"),
        ({"FrameOfReferenceUID": "1.2.3"}, "review-other-space"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, "review-unreadable"),
        ({"SegmentSequence": []}, "review-unknown-label"),
        ({"PerFrameFunctionalGroupsSequence": []}, "review-unreadable"),
    ],
)
def test_a_segmentation_of_something_else(hospital, change, code):
    folder, _ = hospital
    seg = pydicom.dcmread(folder / "r1.dcm")
    for name, value in change.items():
        setattr(seg, name, value)
    seg.save_as(folder / "r1.dcm")
    verdict = stopped(of_folder, folder)
    assert (type(verdict), verdict.code) == (NeedsReview, code)
    assert "Mueller" not in str(verdict)


def test_a_segmentation_with_slices_of_two_orientations(hospital):
    folder, _ = hospital
    seg = pydicom.dcmread(folder / "r1.dcm")
    turned = pydicom.Dataset()
    turned.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    seg.PerFrameFunctionalGroupsSequence[0].PlaneOrientationSequence = [turned]
    seg.save_as(folder / "r1.dcm")
    assert stopped(of_folder, folder).code == "review-no-position"


def test_a_segmentation_whose_slices_are_not_quite_where_they_were(hospital):
    """A viewer that rounds positions moves slices by less than what separates two; a slice has some thickness."""
    folder, automatic = hospital
    seg = pydicom.dcmread(folder / "r1.dcm")
    for number, groups in enumerate(seg.PerFrameFunctionalGroupsSequence):
        place = groups.PlanePositionSequence[0]
        place.ImagePositionPatient = [round(x + 0.02 * (-1) ** number, 2) for x in place.ImagePositionPatient]
    seg.save_as(folder / "r1.dcm")
    np.testing.assert_array_equal(decide(automatic, of_folder(folder), LOOSE).labels, automatic.labels)
    measures = seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    measures.SliceThickness = measures.SpacingBetweenSlices = 0
    seg.save_as(folder / "r1.dcm")
    assert stopped(of_folder, folder).code == "review-unreadable"


def test_a_reviewed_phase_leaves_as_semiautomatic(hospital):
    folder, automatic = hospital
    found = decide(automatic, of_folder(folder), LOOSE)
    exchange.write_segmentation(folder / "deid", folder / "out", found, Imaging())
    seg = pydicom.dcmread(folder / "out/segmentation.dcm")
    assert {segment.SegmentAlgorithmType for segment in seg.SegmentSequence} == {"SEMIAUTOMATIC"}
    assert b"r1" not in content(folder / "out").replace(b"r1.", b"")


def test_images_in_several_spaces_have_a_segmentation_in_one_of_its_own(tmp_path):
    """As the real study: a frame of reference for each slice."""
    written(small_cine(), tmp_path / "raw", "slices")
    edit(tmp_path / "raw", lambda one: setattr(one, "FrameOfReferenceUID", one.SeriesInstanceUID))
    clean(tmp_path / "raw")
    exchange.write_segmentation(tmp_path / "deid", tmp_path / "draft", exported(small_cine()), Imaging())
    (tmp_path / "draft/segmentation.dcm").rename(tmp_path / "r1.dcm")
    assert set(of_folder(tmp_path).parts[0]) == {"end-diastole", "end-systole"}
