"""De-identification: what is not sound is refused, and no fault tells a name."""

from pathlib import Path

import pydicom
import pytest
from dicom_samples import cine, clean, edit, stopped, written

from twinbeat.intake import files
from twinbeat.intake.deidentification.cleaner import Cleaner
from twinbeat.verdicts import Quarantined

__all__ = ["cine"]


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def behead(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:400])


def test_a_deflated_file_that_unfolds_without_end_is_refused(cine, tmp_path, monkeypatch):
    """A file of a few kB that would fill 2 MB; others are inflated, and one may speak of deflation."""
    written(cine, tmp_path / "raw")
    path = sorted((tmp_path / "raw").iterdir())[6]
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    dataset.save_as(path)
    assert len(list(clean(tmp_path / "raw").iterdir())) == 40
    other = pydicom.dcmread(sorted((tmp_path / "raw").iterdir())[0])
    other.preamble = pydicom.uid.DeflatedExplicitVRLittleEndian.encode().ljust(128, b"\0")
    other.save_as(sorted((tmp_path / "raw").iterdir())[0])
    assert len(list(clean(tmp_path / "raw").iterdir())) == 40
    dataset.add_new(0xFFFCFFFC, "OB", bytes(2**21))
    dataset.save_as(path)
    assert path.stat().st_size < 10000
    monkeypatch.setattr(files, "LARGEST_INFLATED", 2**20)
    assert stopped(clean, tmp_path / "raw").message.startswith("file 7 of 40 (in the order of their names) is deflated")


def scribble(path: Path) -> None:
    path.write_bytes(b"no DICOM at all")


@pytest.mark.parametrize("damage", [truncate, behead, scribble])
def test_a_damaged_file_stops_the_patient(cine, tmp_path, damage):
    """The message names the file by its number: its name may identify the patient."""
    identity = written(cine, tmp_path / "raw")
    damage(sorted((tmp_path / "raw").iterdir())[6])
    error = stopped(clean, tmp_path / "raw")
    assert (error.kind, error.code) == ("rejected", "corrupt-file")
    assert error.message.startswith("file 7 of 40 (in the order of their names)")
    assert identity.family not in str(error)


def test_folders_that_cannot_be_used(cine, tmp_path):
    (tmp_path / "raw").mkdir()
    assert stopped(clean, tmp_path / "raw").code == "no-files"
    (tmp_path / "raw" / "notes.txt").write_text("nothing")
    assert stopped(clean, tmp_path / "raw").code == "not-dicom"
    written(cine, tmp_path / "raw")
    edit_one = next((tmp_path / "raw").glob("*.dcm"))
    dataset = pydicom.dcmread(edit_one)
    dataset.PatientID = "somebody else"
    dataset.save_as(edit_one)
    assert stopped(clean, tmp_path / "raw").message == "the folder has images of 2 patient IDs; expected one"


def test_two_persons_without_numbers_are_two(cine, tmp_path):
    """Exports of research often have no patient IDs; then their names tell persons apart."""
    written(cine, tmp_path / "raw")
    edit(tmp_path / "raw", lambda dataset: setattr(dataset, "PatientID", ""))
    assert len(list(clean(tmp_path / "raw").iterdir())) == 40
    one = next((tmp_path / "raw").iterdir())
    dataset = pydicom.dcmread(one)
    dataset.PatientName = "Else^Somebody"
    dataset.save_as(one)
    error = stopped(clean, tmp_path / "raw")
    assert error.message == "the folder has images of 2 patient names without an ID; expected one"


@pytest.mark.parametrize("spelt", ["GRUNWALDIN", "Gruenwaeldin", "grünwäldin"])
def test_a_name_is_known_without_its_accents(cine, tmp_path, spelt):
    written(cine, tmp_path / "raw")
    edit(tmp_path / "raw", lambda dataset: setattr(dataset, "PatientName", "Grünwäldin^I"))
    edit(tmp_path / "raw", lambda dataset: setattr(dataset, "ReceiveCoilName", f"for {spelt}"))
    assert not pydicom.dcmread(clean(tmp_path / "raw") / "000001.dcm").ReceiveCoilName


def test_an_overlay_in_the_pixels_is_refused(cine, tmp_path):
    """It is drawn in bits that the pixels do not use, and could be text; one with bits of its own goes as a whole."""
    written(cine, tmp_path / "raw")
    edit(tmp_path / "raw", lambda dataset: dataset.add_new(0x60020102, "US", 12))
    assert stopped(clean, tmp_path / "raw").code == "embedded-overlay"
    edit(tmp_path / "raw", lambda dataset: dataset.add_new(0x60023000, "OW", bytes(22)))
    assert len(list(clean(tmp_path / "raw").iterdir())) == 40


def test_a_fault_of_ours_quotes_nothing(cine, tmp_path, monkeypatch):
    """An unexpected error may quote a header: its type is told, its text and its cause are not."""
    written(cine, tmp_path / "raw")

    def fail(*_):
        raise ValueError("Grünwald")

    monkeypatch.setattr("twinbeat.intake.deidentification.scan.Scan.check", fail)
    error = stopped(clean, tmp_path / "raw")
    assert isinstance(error, Quarantined) and error.__suppress_context__
    assert str(error) == "deidentification-failed: ValueError during de-identification; nothing was kept"
    monkeypatch.setattr(Cleaner, "declare", fail)
    assert "cannot be rewritten (ValueError)" in str(stopped(clean, tmp_path / "raw"))


def test_a_file_that_changes_meanwhile_fails_the_job(cine, tmp_path, monkeypatch):
    """Somebody copies another patient into the folder between the two passes: nothing of it is kept."""
    written(cine, tmp_path / "raw")
    path = sorted((tmp_path / "raw").iterdir())[6]
    declare = Cleaner.declare

    def copied(self, dataset):
        declare(self, dataset)
        path.write_bytes(path.read_bytes() + b"\0")

    monkeypatch.setattr(Cleaner, "declare", copied)
    with pytest.raises(OSError, match=r"file 7 of 40 .* changed while it was read"):
        clean(tmp_path / "raw")
    assert not list((tmp_path / "deid").iterdir())
    with pytest.raises(OSError, match=r"^\[Errno 2\] cannot read file 1 of 1 .*: No such file or directory$"):
        print(files.File(tmp_path / "Meier", 1, 1).state)


def test_a_fault_of_the_disk_fails_the_job_without_a_name(cine, tmp_path, monkeypatch):
    identity = written(cine, tmp_path / "raw")

    def fail(path, *_, **__):
        raise OSError(5, "Input/output error", str(path))

    with monkeypatch.context() as patch, pytest.raises(OSError, match=r"cannot write 000001.dcm") as caught:
        patch.setattr("pydicom.Dataset.save_as", fail)
        clean(tmp_path / "raw")
    assert identity.family not in str(caught.value)
    with pytest.raises(OSError, match=r"cannot read file 1 of 40") as caught:
        monkeypatch.setattr(files, "dcmread", fail)
        clean(tmp_path / "raw")
    assert identity.family not in str(caught.value)
