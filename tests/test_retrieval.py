"""Images from a real Orthanc by DICOMweb and by C-MOVE are those that it was given."""

import contextlib
import io
import json
import logging
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pydicom
import pytest
from dicom_samples import KEY, cine, stopped, written
from pacs import (
    WAYS,
    Certificates,
    archive,
    ask,
    assert_same,
    fails,
    filled,
    images,
    known,
    needs_orthanc,
    patient,
    private,
    running,
)

from twinbeat.intake import sources
from twinbeat.intake.deidentification.deidentify import deidentify
from twinbeat.parameters import Deidentification, Retrieval

__all__ = ["archive", "cine", "patient", "private"]
pytestmark = needs_orthanc
ROOT = Path(__file__).parents[1]
GIVEN = ("rules", "scripts", "workflow", "profiles", "Snakefile", "config.yaml", "patients.tsv", "pacs.yaml")


@pytest.mark.parametrize("style", ["series", "slices", "enhanced"])
@pytest.mark.parametrize("way", WAYS)
def test_what_was_put_in_comes_out(archive, cine, tmp_path, private, way, style):
    identity = filled(archive, cine, tmp_path, style)
    keys = {"PatientID": identity.number, "StudyInstanceUID": f"{identity.root}.1"}
    with sources.opened(ask(tmp_path, pacs=way, Modality="MR", **keys), known(archive)) as folder:
        assert folder.parent == private and folder.stat().st_mode & 0o777 == 0o700
        assert_same(images(folder), images(tmp_path / style))
    assert not any(private.iterdir())


@pytest.mark.parametrize("way", WAYS)
def test_compressed_images_stay_as_they_are(archive, cine, tmp_path, way):
    identity = written(cine, tmp_path / "slices", "slices")
    for path in (tmp_path / "slices").iterdir():
        dataset = pydicom.dcmread(path)
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            setattr(dataset, keyword, dataset[keyword].value + f".{WAYS.index(way)}")
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.compress(pydicom.uid.RLELossless, generate_instance_uid=False)
        dataset.save_as(path)
    archive.fill(tmp_path / "slices")
    source = ask(tmp_path, pacs=way, StudyInstanceUID=f"{identity.root}.1.{WAYS.index(way)}")
    with sources.opened(source, known(archive)) as folder:
        assert_same(images(folder), images(tmp_path / "slices"))


@pytest.mark.parametrize("way", WAYS)
def test_images_from_a_pacs_can_be_de_identified(archive, patient, tmp_path, way):
    source = ask(tmp_path, pacs=way, AccessionNumber=patient.accession, StudyInstanceUID=f"{patient.root}.1")
    with sources.opened(source, known(archive)) as folder:
        deidentify(folder, tmp_path / "deid", KEY, Deidentification())
    assert len(list((tmp_path / "deid").iterdir())) == 40


@pytest.mark.parametrize("keys", [{"PatientID": "MRN0"}, {"PatientID": "MRN0", "Modality": "MR"}])
@pytest.mark.parametrize("way", WAYS)
def test_an_unknown_patient_is_rejected(archive, patient, tmp_path, private, way, keys):
    source = ask(tmp_path, pacs=way, **keys)
    error = stopped(contextlib.ExitStack().enter_context, sources.opened(source, known(archive)))
    assert error.code == "not-in-pacs" and "MRN0" not in error.message
    assert error.message.startswith(f"PACS {way} has no image with this PatientID")
    assert not any(private.iterdir())


@pytest.mark.parametrize("way", WAYS)
def test_another_modality_is_not_fetched(archive, patient, tmp_path, way):
    source = ask(tmp_path, pacs=way, PatientID=patient.number, Modality="CT")
    error = stopped(contextlib.ExitStack().enter_context, sources.opened(source, known(archive)))
    assert error.code == "not-in-pacs"


def test_foreign_letters_are_no_wildcards(archive, cine, tmp_path):
    """Patients MÜ1 and MA1: asked for the first, C-FIND gives the first alone. (Orthanc's QIDO-RS finds neither.)"""
    written(cine.isel(time=slice(1), z=slice(2)), tmp_path / "raw")
    for number, path in enumerate(sorted((tmp_path / "raw").iterdir())):
        dataset = pydicom.dcmread(path)
        dataset.PatientID = ("MÜ1", "MA1")[number]
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"1.2.{number}", f"1.3.{number}"
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"1.4.{number}"
        dataset.save_as(path)
    archive.fill(tmp_path / "raw")
    with sources.opened(ask(tmp_path, pacs="dimse", PatientID="MÜ1"), known(archive)) as folder:
        assert list(images(folder)) == ["1.4.0"]


@pytest.mark.parametrize("way", WAYS)
def test_tls_in_both_directions(cine, tmp_path, way):
    """With the right CA it works as without TLS; with another CA, or a certificate of another, it fails the job."""
    good, bad = Certificates(tmp_path / "good"), Certificates(tmp_path / "bad")
    with running(tmp_path / "server", good) as server:
        patient = filled(server, cine, tmp_path, "slices")
        source = ask(tmp_path, pacs=way, PatientID=patient.number)
        with sources.opened(source, known(server)) as folder:
            assert_same(images(folder), images(tmp_path / "slices"))
        for change in ({"ca_file": str(bad.ca)}, {"certificate_file": str(bad.issue("us"))}):
            changed = getattr(server, way).model_copy(update=change)
            said = fails(source, Retrieval(timeout="3 s", **{way: {way: changed}}))
            assert "SSLError" in said or "ConnectionError" in said or "its TLS does not fit" in said


def test_nothing_is_logged(archive, patient, tmp_path, monkeypatch, capfd):
    """Not even at the level of debugging, where both libraries tell all they ask for."""
    log = io.StringIO()
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler(log)])
    monkeypatch.setattr(logging.getLogger(), "level", 1)
    for way in WAYS:
        with sources.opened(ask(tmp_path, pacs=way, PatientID=patient.number), known(archive)):
            pass
    said = log.getvalue() + "".join(capfd.readouterr())
    assert patient.number not in said and patient.root not in said


def test_a_study_from_zip_and_pacs(archive, cine, tmp_path):
    """Snakemake's deidentify on a zip, and on requests by both ways: the three are one and the same patient.

    Nothing of what it writes (results, logs, benchmarks, its own metadata) holds an identifier, nor the digest of one,
    and no store knows the PACS.
    """
    folder = tmp_path / "study"
    for name in ("rules", "scripts", "workflow", "profiles"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, folder)
    identity = filled(archive, cine, tmp_path)
    shutil.make_archive(str(tmp_path / "zip"), "zip", tmp_path / "series")
    (tmp_path / "key").write_bytes(KEY)
    (tmp_path / "key").chmod(0o600)
    rows = {"zip": tmp_path / "zip.zip"}
    for way in WAYS:
        (tmp_path / way).mkdir()
        keys = {"PatientID": identity.number, "StudyInstanceUID": f"{identity.root}.1"}
        rows[way] = ask(tmp_path / way, pacs=way, **keys)
    table = "".join(f"{name}\t{path}\t\t\t\n" for name, path in rows.items())
    (folder / "patients.tsv").write_text("patient\tdicom\tclinical\ttruth\tgroup\n" + table)
    pacs = known(archive).model_dump(mode="json")
    config = {"retrieval": pacs, "deidentification": {"key_file": str(tmp_path / "key")}}
    (folder / "pacs.yaml").write_text(json.dumps(config))
    targets = [f"results/study/{name}/deid/record.zarr" for name in rows]
    command = ["snakemake", "--cores", "2", "--configfile", "pacs.yaml", "--", *targets]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert run.returncode == 0, run.stderr
    made = [images(folder / f"results/study/{name}/deid/dicom") for name in rows]
    for one in made:
        assert len(one) == 40
        assert_same(one, made[0])
    texts = [identity.number, identity.root, sha256(identity.number.encode()).hexdigest()]
    kept = [path for path in folder.rglob("*") if path.is_file() and path.parts[len(folder.parts)] not in GIVEN]
    assert len(kept) > 120
    for path in kept:
        found = path.read_bytes()
        assert not any(text.encode() in found for text in texts), path
        assert ".snakemake" in path.parts or str(archive.http).encode() not in found or b"DICM" in found[:132], path
    again = subprocess.run([*command[:3], "-n", *command[3:]], cwd=folder, capture_output=True, text=True, check=False)
    assert "Nothing to be done" in again.stdout + again.stderr
