"""SEG and TID 1500: what other programs find in them is what the twin says, about the images that it is about."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
import xarray as xr
from dicom_samples import AXES, KEY, SHARED, cine, clean, content, edit, needs_shared, written
from highdicom import sr
from pacs import Orthanc, needs_orthanc

from twinbeat import exchange
from twinbeat.exchange.measurements import NAMES, Figure, figures
from twinbeat.exchange.originals import UNKNOWN_DAY, digest
from twinbeat.intake.deidentification.deidentify import deidentify
from twinbeat.parameters import Deidentification, Imaging
from twinbeat.phantom.identity import STYLES
from twinbeat.store import StoreError

__all__ = ["cine"]
DIASTOLE, SYSTOLE = 1, 4
SHIFTS = np.array([[0.0, 0], [0, 0], [3, -4], [0, 0], [0, 0]])
"""Of the breath-hold of the third slice, along y and x, which import has taken out."""
needs_dciodvfy = pytest.mark.skipif(not shutil.which("dciodvfy"), reason="dciodvfy is not installed (dicom3tools)")


def labels(cine: xr.Dataset) -> xr.Dataset:
    """Squares of each label, on a grid that is not the image's.

    The LV's blood is smaller at end-systole, and the first slice shows no heart.
    """
    found = np.zeros(cine.image.shape, np.int8)
    found[:, 1:, 2:10, 1:9], found[:, 1:, 3:9, 2:8], found[:, 1:, 3:7, 10:13] = 2, 1, 3
    found[SYSTOLE, :, 3:9, 2:8] = np.where(found[SYSTOLE, :, 3:9, 2:8] == 1, 2, 0)
    found[SYSTOLE, 1:, 4:6, 4:6] = 1
    grid = {"y": 4.5 + 1.2 * np.arange(12), "x": 2.9 + 1.3 * np.arange(14)}
    phases = {"end_diastole": DIASTOLE, "end_systole": SYSTOLE, "origin": cine.origin, "directions": cine.directions}
    phases["shift_removed"] = (("z", "in_plane"), SHIFTS)
    return xr.Dataset({"labels": (("time", "z", "y", "x"), found), **phases}, cine.coords).assign_coords(grid)


@pytest.fixture
def targets() -> xr.Dataset:
    volume = np.array([110, 120, 100, 70, 50, 60, 90, 105.0])
    phases = {"end_diastole": DIASTOLE, "end_systole": SYSTOLE}
    return xr.Dataset({"volume": ("time", volume), "volume_sigma": ("time", 0.05 * volume), **phases})


@pytest.fixture
def assessment() -> xr.Dataset:
    return xr.Dataset(dict(zip(NAMES, [120.0, 50.0, 70.0, 100 * 70 / 120, 101.5], strict=True)))


@pytest.fixture(params=STYLES)
def made(request, cine, targets, assessment, tmp_path):
    """Folder with raw, deid and out, for each kind of source."""
    identity = written(cine, tmp_path / "raw", request.param)
    exchange.write(clean(tmp_path / "raw"), tmp_path / "out", labels(cine), targets, assessment, Imaging())
    return tmp_path, identity


@needs_dciodvfy
def test_both_are_valid(made):
    """By dciodvfy: warnings are about the empty study time, and the pseudonym that is a name of one part."""
    assert_valid(made[0] / "out")


@needs_dciodvfy
@needs_shared
def test_those_of_the_real_study_are_valid(targets, assessment, tmp_path):
    """Sunnybrook SC-HF-I-1, 12 slices of 256 x 256 pixels: no study date, a frame of reference per slice."""
    deidentify(SHARED / "cine_mr/dicom/SCD0000101", tmp_path / "deid", KEY, Deidentification())
    found = np.zeros((20, 12, 256, 256), np.int8)
    found[:, 2:10, 90:150, 90:150], found[:, 2:10, 100:140, 100:140], found[:, 2:10, 100:140, 160:190] = 2, 1, 3
    place = {
        "shift_removed": (("z", "in_plane"), np.zeros((12, 2))),
        "origin": ("component", np.zeros(3)),
        "directions": (("axis", "component"), AXES),
    }
    phases = {"end_diastole": DIASTOLE, "end_systole": SYSTOLE}
    coordinates = {"z": 10.0 * np.arange(12), "y": 1.4 * np.arange(256), "x": 1.4 * np.arange(256)}
    marked = xr.Dataset({"labels": (("time", "z", "y", "x"), found), **phases, **place}, coordinates)
    exchange.write(tmp_path / "deid", tmp_path / "out", marked, targets, assessment, Imaging())
    assert_valid(tmp_path / "out")


def assert_valid(folder: Path) -> None:
    for path in folder.iterdir():
        checked = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False)
        assert "Error" not in checked.stdout + checked.stderr, checked.stderr
        assert checked.stderr.strip().splitlines()[-1] in ("Segmentation", "ComprehensiveSR")


def sources(folder: Path) -> dict[str, pydicom.Dataset]:
    return {dataset.SOPInstanceUID: dataset for dataset in map(pydicom.dcmread, folder.iterdir())}


def place(source: pydicom.Dataset, item: pydicom.Dataset) -> tuple[list[float], float]:
    """Position in mm and time after the R wave in RR intervals, of the image or of the frame that an item names."""
    if "ReferencedFrameNumber" not in item:
        return list(source.ImagePositionPatient), source.TriggerTime / source.NominalInterval
    frame = source.PerFrameFunctionalGroupsSequence[item.ReferencedFrameNumber - 1]
    heart = frame.CardiacSynchronizationSequence[0]
    phase = heart.NominalCardiacTriggerDelayTime / heart.RRIntervalTimeNominal
    return list(frame.PlanePositionSequence[0].ImagePositionPatient), phase


def test_the_segmentation_shows_the_labels_where_they_are(made, cine):
    """Each frame is a label's mask in one slice, and refers to the image of that very slice and phase."""
    segments, found = pydicom.dcmread(made[0] / "out/segmentation.dcm"), labels(cine)
    names = [segment.SegmentLabel for segment in segments.SegmentSequence]
    assert names[:4] == ["LV blood, end-diastole", "LV myocardium, end-diastole", "RV blood, end-diastole", *names[3:4]]
    assert {segment.SegmentAlgorithmType for segment in segments.SegmentSequence} == {"AUTOMATIC"}
    images, seen = sources(made[0] / "deid"), np.zeros((2, *found.labels.shape[1:]), np.int8)
    for mask, groups in zip(segments.pixel_array, segments.PerFrameFunctionalGroupsSequence, strict=True):
        number = groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber - 1
        position = np.array(groups.PlanePositionSequence[0].ImagePositionPatient, float)
        z = round((position - cine.origin.values) @ cine.directions.values[0] / 8)
        seen[number // 3, z] += (mask * (1 + number % 3)).astype(np.int8)
        (item,) = groups.DerivationImageSequence[0].SourceImageSequence
        source = images[item.ReferencedSOPInstanceUID]
        where, when = place(source, item)
        offset = np.add([0, 4.5, 2.9], [0, *SHIFTS[z]])  # where the scanner saw what is labelled
        corner = cine.origin.values + np.add([8 * z, 0, 0], offset) @ cine.directions.values
        np.testing.assert_allclose(position, corner, atol=1e-6)
        np.testing.assert_allclose((position - where) @ cine.directions.values.T, offset, atol=1e-4)
        assert when == pytest.approx((DIASTOLE, SYSTOLE)[number // 3] / 8, abs=1e-3)
        assert item.ReferencedSOPClassUID == source.SOPClassUID
        assert segments.FrameOfReferenceUID == source.FrameOfReferenceUID
    np.testing.assert_array_equal(seen, found.labels.values[[DIASTOLE, SYSTOLE]])
    measures = segments.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert [*measures.PixelSpacing, measures.SliceThickness] == pytest.approx([1.2, 1.3, 8])


def test_references_are_complete(made):
    """Both name every image that they refer to, by its series, and belong to the study of the images."""
    images = sources(made[0] / "deid")
    segments = pydicom.dcmread(made[0] / "out/segmentation.dcm")
    named = {
        (series.SeriesInstanceUID, item.ReferencedSOPInstanceUID)
        for series in segments.ReferencedSeriesSequence
        for item in series.ReferencedInstanceSequence
    }
    used = {
        groups.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        for groups in segments.PerFrameFunctionalGroupsSequence
    }
    assert used <= {uid for _, uid in named}
    assert all(images[uid].SeriesInstanceUID == series for series, uid in named)
    report = pydicom.dcmread(made[0] / "out/measurements.dcm")
    (study,) = {image.StudyInstanceUID for image in images.values()}
    assert segments.StudyInstanceUID == report.StudyInstanceUID == study
    evidence = {
        item.ReferencedSOPInstanceUID
        for one in report.CurrentRequestedProcedureEvidenceSequence
        for series in one.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    assert evidence == {uid for _, uid in named} | {segments.SOPInstanceUID}


def test_the_report_says_what_was_measured(made, targets, assessment):
    """Values with UCUM units, one standard deviation up and down, and the segment that each was measured on."""
    report = sr.srread(made[0] / "out/measurements.dcm")
    groups = report.content.get_volumetric_roi_measurement_groups()
    found = {m.name.value: m for group in groups for m in group.get_measurements()}
    others = report.content.get_planar_roi_measurement_groups() + report.content.get_image_measurement_groups()
    found |= {m.name.value: m for group in others for m in group.get_measurements()}
    wanted = figures(targets, assessment)
    for name, (code, unit) in NAMES.items():
        measurement = found.pop(code.value)
        assert measurement.value == pytest.approx(wanted[name].value, rel=1e-5)
        assert measurement.unit == unit
        assert uncertainties(measurement) == pytest.approx(2 * [wanted[name].sigma] if wanted[name].sigma else [], 1e-5)
    assert not found
    referred = {group.get_measurements()[0].name.value: group.referenced_segment for group in groups}
    numbers = {"8821-1": 1, "8823-7": 4, "18087-7": 2}
    for code, item in referred.items():
        (reference,) = [one for one in item if one.name.value == "121191"]
        assert reference.referenced_segment_numbers == [numbers[code]]
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert (report.CompletionFlag, report.PreliminaryFlag, report.VerificationFlag) == (
        "COMPLETE",
        "PRELIMINARY",
        "UNVERIFIED",
    )


def uncertainties(measurement: sr.Measurement) -> list[float]:
    items = measurement[0].get("ContentSequence", [])
    return [
        float(item.MeasuredValueSequence[0].NumericValue)
        for item in items
        if item.ConceptNameCodeSequence[0].CodeValue in ("371886008", "371885007")
    ]


def test_uncertainty_of_what_is_computed(targets, assessment):
    """EDV 120 ± 6 and ESV 50 ± 2.5 mL: SV ± √(36 + 6.25) = 6.5 mL; EF ± 100 √((2.5/120)² + (6·50/120²)²) = 2.946 %."""
    found = figures(targets, assessment)
    assert found["stroke_volume"].sigma == pytest.approx(6.5)
    assert found["ejection_fraction"] == Figure(pytest.approx(58.33, abs=0.01), pytest.approx(2.946, abs=1e-3))
    assert found["myocardial_mass"] == Figure(101.5)


def test_no_identifier_is_in_them(made):
    folder, identity = made
    written_ = content(folder / "out")
    for text in identity.planted():
        assert text.encode("latin-1", "replace") not in written_ and text.encode() not in written_
    names = {pydicom.dcmread(path).PatientID for part in ("out", "deid") for path in (folder / part).iterdir()}
    assert len(names) == 1


def test_nothing_depends_on_the_clock_or_on_chance(made, cine, targets, assessment):
    """Byte for byte the same again; with another label, another instance."""
    folder, _ = made
    exchange.write(folder / "deid", folder / "again", labels(cine), targets, assessment, Imaging())
    assert content(folder / "again") == content(folder / "out")
    changed = labels(cine)
    changed.labels[DIASTOLE, 2, 0, 0] = 1
    exchange.write(folder / "deid", folder / "other", changed, targets, assessment, Imaging())
    uids = {pydicom.dcmread(folder / name / "segmentation.dcm").SOPInstanceUID for name in ("out", "other")}
    assert len(uids) == 2
    day = {image.StudyDate for image in sources(folder / "deid").values()}
    assert {pydicom.dcmread(path).ContentDate for path in (folder / "out").iterdir()} == day


def test_uids_know_where_a_part_ends():
    assert digest("ab", "c") != digest("a", "bc")
    assert digest("a").startswith("2.25.") and len(digest("a")) <= 64


def test_images_without_a_day(cine, targets, assessment, tmp_path):
    """As where a scanner wrote no valid date."""
    written(cine, tmp_path / "raw")
    clean(tmp_path / "raw")
    edit(tmp_path / "deid", lambda dataset: setattr(dataset, "StudyDate", ""))
    exchange.write(tmp_path / "deid", tmp_path / "out", labels(cine), targets, assessment, Imaging())
    assert {pydicom.dcmread(path).ContentDate for path in (tmp_path / "out").iterdir()} == {UNKNOWN_DAY}


def test_images_without_a_common_frame_of_reference(cine, targets, assessment, tmp_path):
    """As the real study has them, another one in each slice: the segmentation gets its own."""
    written(cine, tmp_path / "raw", "slices")
    edit(tmp_path / "raw", lambda one: setattr(one, "FrameOfReferenceUID", one.SeriesInstanceUID))
    exchange.write(clean(tmp_path / "raw"), tmp_path / "out", labels(cine), targets, assessment, Imaging())
    space = pydicom.dcmread(tmp_path / "out/segmentation.dcm").FrameOfReferenceUID
    assert space.startswith("2.25.")
    assert space not in {image.FrameOfReferenceUID for image in sources(tmp_path / "deid").values()}


def test_labels_of_other_images_are_no_patients_fault(cine, targets, assessment, tmp_path):
    written(cine, tmp_path / "raw")
    other = labels(cine).isel(z=slice(4))
    with pytest.raises(StoreError, match="the labels have 8 frames of 4 slices; expected 8 frames of 5 slices as"):
        exchange.write(clean(tmp_path / "raw"), tmp_path / "out", other, targets, assessment, Imaging())
    assert not (tmp_path / "out").exists()


@needs_orthanc
def test_an_archive_takes_them(made, tmp_path_factory):
    """Orthanc keeps them in the study of the images, and gives back what it got."""
    folder, _ = made
    server = Orthanc(tmp_path_factory.mktemp("archive"))
    try:
        server.fill(folder / "deid")
        server.fill(folder / "out")
        studies = server.session.get(f"{server.url}/studies", timeout=60).json()
        assert len(studies) == 1
        kinds = [
            server.session.get(f"{server.url}/series/{series}", timeout=60).json()["MainDicomTags"]["Modality"]
            for series in server.session.get(f"{server.url}/studies/{studies[0]}", timeout=60).json()["Series"]
        ]
        assert sorted(set(kinds)) == ["MR", "SEG", "SR"]
        for path in (folder / "out").iterdir():
            uid = pydicom.dcmread(path).SOPInstanceUID
            (found,) = server.session.post(f"{server.url}/tools/lookup", uid, timeout=60).json()
            back = server.session.get(f"{server.url}/instances/{found['ID']}/file", timeout=60).content
            assert back == path.read_bytes()
    finally:
        server.kill()
