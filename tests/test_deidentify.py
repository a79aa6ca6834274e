"""De-identification: nothing that identifies survives, and whatever can be used does."""

import io
import logging
from datetime import date

import numpy as np
import pydicom
import pytest
from dicom_samples import KEY, cine, clean, content, edit, stopped, written
from PIL import Image

from twinbeat.intake.deidentification.cleaner import Cleaner
from twinbeat.intake.deidentification.deidentify import deidentify
from twinbeat.parameters import Deidentification
from twinbeat.phantom.identity import STYLES

__all__ = ["cine"]
CODES = ["113100", "113105", "113107", "113108"]


@pytest.mark.parametrize("style", STYLES)
def test_every_planted_identifier_goes(cine, tmp_path, style):
    """Each text that the writer plants is in the raw bytes or file names, and in no encoding in what comes out."""
    identity = written(cine, tmp_path / "raw", style)
    raw, left = content(tmp_path / "raw"), content(clean(tmp_path / "raw"))
    for text in identity.planted():
        spelt = [text.encode(name) for name in ("utf-8", "latin-1", "utf-16-le")]
        assert any(form in raw for form in spelt)
        assert not any(form.lower() in left.lower() for form in spelt)


def test_what_comes_out_says_what_was_done(cine, tmp_path):
    """PS3.15 E.1: the profile's codes, no private element, overlay, preamble or application title, names by order."""
    written(cine, tmp_path / "raw")
    paths = sorted(clean(tmp_path / "raw").iterdir())
    assert [path.name for path in paths] == [f"{i:06d}.dcm" for i in range(1, 41)]
    for dataset in map(pydicom.dcmread, paths):
        assert dataset.PatientIdentityRemoved == "YES"
        assert [code.CodeValue for code in dataset.DeidentificationMethodCodeSequence] == CODES
        assert not any(
            element.tag.is_private or element.tag.group >> 8 in (0x50, 0x60) for element in dataset.iterall()
        )
        assert dataset.preamble == bytes(128)
        assert "SourceApplicationEntityTitle" not in dataset.file_meta
        assert not dataset.PatientBirthDate


def test_references_and_trigger_times_stay(cine, tmp_path):
    """UIDs are replaced alike everywhere; what the standard defines, and times after the R wave, are not touched."""
    written(cine, tmp_path / "raw")
    before = {str(d.SOPInstanceUID): d for d in map(pydicom.dcmread, (tmp_path / "raw").iterdir())}
    after = [pydicom.dcmread(path) for path in clean(tmp_path / "raw").iterdir()]
    assert len({d.SOPInstanceUID for d in after}) == 40
    assert len({d.StudyInstanceUID for d in after}) == len({d.SeriesInstanceUID for d in after}) == 1
    assert all(d.file_meta.MediaStorageSOPInstanceUID == d.SOPInstanceUID for d in after)
    assert all(d.SOPClassUID == "1.2.840.10008.5.1.4.1.1.4" for d in after)
    assert sorted(float(d.TriggerTime) for d in after) == sorted(float(d.TriggerTime) for d in before.values())


def test_intervals_between_dates_stay(cine, tmp_path):
    """A content date 3 days after the study still is so; both have moved by the same 1 to 3650 days."""
    written(cine, tmp_path / "raw")

    def postpone(dataset):
        dataset.StudyDate, dataset.ContentDate = "20240228", "20240302"

    edit(tmp_path / "raw", postpone)
    found = pydicom.dcmread(clean(tmp_path / "raw") / "000001.dcm")
    days = [date.fromisoformat(text) for text in (found.StudyDate, found.ContentDate)]
    assert (days[1] - days[0]).days == 3
    assert 1 <= (date(2024, 2, 28) - days[0]).days <= 3650


def test_invalid_dates_are_emptied(cine, tmp_path):
    """As in the Sunnybrook data: 20120000 and 00000000 are no days, so nothing of them may stay."""
    written(cine, tmp_path / "raw")

    def spoil(dataset):
        dataset.StudyDate, dataset.SeriesDate, dataset.PatientBirthDate = "20120000", "00000000", "00000000"

    edit(tmp_path / "raw", spoil)
    found = pydicom.dcmread(clean(tmp_path / "raw") / "000001.dcm")
    assert found.StudyDate == found.SeriesDate == found.PatientBirthDate == ""


def test_a_name_in_a_kept_field_is_taken_out(cine, tmp_path):
    """The coil's name and the image type stay in general, but not a value that names the patient."""
    identity = written(cine, tmp_path / "raw")

    def misuse(dataset):
        dataset.ReceiveCoilName = f"for {identity.family}"
        dataset.ImageType = ["ORIGINAL", "PRIMARY", identity.given.upper()]

    edit(tmp_path / "raw", misuse)
    found = pydicom.dcmread(clean(tmp_path / "raw") / "000001.dcm")
    assert not found.ReceiveCoilName
    assert found.ImageType == ["ORIGINAL", "PRIMARY"]


def test_initials_are_no_reason_to_lose_the_modality(cine, tmp_path):
    """An operator who signs with MR, and a patient called Long: the modality stays, the axis loses its length."""
    written(cine, tmp_path / "raw")

    def sign(dataset):
        dataset.OperatorsName, dataset.PatientName = "MR", "Long^M"
        dataset.SeriesDescription = "Long axis cine MR"

    edit(tmp_path / "raw", sign)
    found = pydicom.dcmread(clean(tmp_path / "raw") / "000001.dcm")
    assert (found.Modality, found.SeriesDescription) == ("MR", "axis cine")


def test_the_gate_finds_a_name_in_the_pixels(cine, tmp_path, caplog):
    """No profile cleans pixels: a name in their bytes stops the patient, leaves nothing, and is not repeated."""
    identity = written(cine, tmp_path / "raw")
    text = identity.number.encode()

    def burn(dataset):
        dataset.PixelData = text.ljust(len(dataset.PixelData), b"\0")

    edit(tmp_path / "raw", burn)
    with caplog.at_level(logging.DEBUG):
        error = stopped(clean, tmp_path / "raw")
    assert (error.kind, error.code) == ("rejected", "identifier-survived")
    assert not list((tmp_path / "deid").iterdir())
    assert not any(planted in str(error) + caplog.text for planted in identity.planted())


def commented(dataset: pydicom.Dataset, text: bytes) -> None:
    """Its pixels as a JPEG stream with a comment in it and something after it."""
    stream = io.BytesIO()
    Image.fromarray(np.arange(168, dtype=np.uint8).reshape(12, 14)).save(stream, "JPEG", quality=95)
    head, tail = stream.getvalue()[:2], stream.getvalue()[2:]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    comment = b"\xff\xfe" + (len(text) + 2).to_bytes(2) + text
    dataset.PixelData = pydicom.encaps.encapsulate([head + comment + tail + text])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEGBaseline8Bit


def followed(dataset: pydicom.Dataset, text: bytes) -> None:
    """Pixels, and something after the last one."""
    dataset.PixelData += text


@pytest.mark.parametrize("hide", [commented, followed])
def test_only_pixels_stay_of_the_pixel_data(cine, tmp_path, hide):
    """A name that nothing else tells of, and the patient's own one, which is too short to be searched for in noise."""
    written(cine, tmp_path / "raw")
    edit(tmp_path / "raw", lambda dataset: setattr(dataset, "PatientName", "Meier^A"))
    edit(tmp_path / "raw", lambda dataset: hide(dataset, b"Meier, Zadabaku "))
    before, after = (
        {float(image.TriggerTime) + float(image.ImagePositionPatient[2]): image.pixel_array.tolist() for image in found}
        for found in (
            list(map(pydicom.dcmread, folder.iterdir())) for folder in (tmp_path / "raw", clean(tmp_path / "raw"))
        )
    )
    assert before == after and len(after) == 40
    assert not any(word in content(tmp_path / "deid") for word in (b"Meier", b"Zadabaku"))


@pytest.mark.parametrize("part", ["clean", "_uid", "_shift", "_clean_values"])
def test_the_gate_is_independent_of_the_profile(cine, tmp_path, monkeypatch, part):
    """Whichever part of the cleaning does nothing, the gate finds what it has left (fails closed)."""
    written(cine, tmp_path / "raw")
    monkeypatch.setattr(Cleaner, part, lambda *_: None)
    assert stopped(clean, tmp_path / "raw").code == "identifier-survived"


def test_a_uid_is_searched_for_by_whole_components(cine, tmp_path):
    """1.2.826.0.1.3 begins pydicom's own root, which is in every file that it writes, and is not found in it."""
    written(cine, tmp_path / "raw")
    edit(tmp_path / "raw", lambda dataset: setattr(dataset, "SeriesInstanceUID", "1.2.826.0.1.3"))
    assert len(list(clean(tmp_path / "raw").iterdir())) == 40


def test_the_gate_reads_short_names_as_words(cine, tmp_path, monkeypatch):
    """A name of four letters is searched for as a word of the text fields: not in MRSimulator, but in "for ROSA"."""
    written(cine, tmp_path / "raw")

    def rename(dataset):
        dataset.PatientName, dataset.ReceiveCoilName = "Rosa^", "for ROSA"

    edit(tmp_path / "raw", rename)
    monkeypatch.setattr("twinbeat.intake.deidentification.identifiers.Identifiers.mentions", lambda *_: False)
    assert stopped(clean, tmp_path / "raw").code == "identifier-survived"


def test_a_patient_already_anonymous_passes(cine, tmp_path):
    """Research data often have the dummy that the library itself writes as a name."""
    written(cine, tmp_path / "raw")
    edit(tmp_path / "raw", lambda dataset: setattr(dataset, "PatientName", "ANONYMIZED"))
    assert len(list(clean(tmp_path / "raw").iterdir())) == 40


def test_nothing_is_printed_or_logged(cine, tmp_path, capfd, caplog):
    """pydicom warns with values of the header (an over-long name here): none of them reaches a log or the terminal."""
    identity = written(cine, tmp_path / "raw")
    edit(tmp_path / "raw", lambda dataset: setattr(dataset, "AccessionNumber", "X" + identity.family * 4))
    capfd.readouterr()
    with caplog.at_level(logging.DEBUG):
        clean(tmp_path / "raw")
    captured = capfd.readouterr()
    assert identity.family not in captured.out + captured.err + caplog.text
    assert "40 images; refused: none" in caplog.text


def test_other_objects_are_left_out(cine, tmp_path):
    """Notes, viewers and screenshots in the folder are not copied, hidden files not even looked at."""
    written(cine, tmp_path / "raw")
    (tmp_path / "raw" / "README.TXT").write_text("a viewer")
    (tmp_path / "raw" / ".DS_Store").write_bytes(b"\0")
    shot = pydicom.dcmread(next((tmp_path / "raw").glob("*_0001.dcm")))
    shot.SOPClassUID = shot.file_meta.MediaStorageSOPClassUID = pydicom.uid.SecondaryCaptureImageStorage
    shot.save_as(tmp_path / "raw" / "shot.dcm")
    made, certificate = deidentify(tmp_path / "raw", tmp_path / "deid", KEY, Deidentification())
    assert made.sizes["file"] == certificate.written == 40
    assert made.attrs["refused"] == {"not-dicom": 1, "secondary-capture": 1}
