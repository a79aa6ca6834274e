"""Images from a real Orthanc by DICOMweb and by C-MOVE are those that it was given; its faults are no patient's."""

import contextlib
import io
import json
import logging
import shutil
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_samples import KEY, cine, stopped, written
from pacs import PASSWORD, Certificates, Orthanc, needs_orthanc
from pydicom import Dataset

from twinbeat.intake import sources
from twinbeat.intake.deidentification.deidentify import deidentify
from twinbeat.intake.sources import answers, dicomweb, dimse, request
from twinbeat.parameters import Retrieval

__all__ = ["cine"]
pytestmark = needs_orthanc
WAYS = ("dicomweb", "dimse")
SALT = "0123456789abcdef0123456789abcdef"
ROOT = Path(__file__).parents[1]
GIVEN = ("rules", "scripts", "workflow", "profiles", "Snakefile", "config.yaml", "patients.tsv", "pacs.yaml")


@pytest.fixture(autouse=True)
def private(tmp_path, monkeypatch):
    """TMPDIR of the test: what a retrieval leaves there, it leaves anywhere."""
    folder = tmp_path / "private"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TWINBEAT_PACS_PASSWORD", PASSWORD)
    return folder


@contextlib.contextmanager
def running(folder: Path, certificates: Certificates | None = None):
    server = Orthanc(folder, certificates)
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Without TLS, with all that the tests put in."""
    folder = tmp_path_factory.mktemp("archive")
    with running(folder) as server:
        yield server


@pytest.fixture
def patient(archive, cine, tmp_path):
    return filled(archive, cine, tmp_path)


def filled(server, cine, folder, style="series"):
    identity = written(cine, folder / style, style)
    server.fill(folder / style)
    return identity


def ask(folder: Path, **keys: str) -> Path:
    path = folder / "request.yaml"
    path.write_text("".join(f'{name}: "{value}"\n' for name, value in {"salt": SALT, **keys}.items()))
    path.chmod(0o600)
    return path


def known(server: Orthanc, **options) -> Retrieval:
    """The server under the names of both ways to it."""
    return Retrieval(dicomweb={"dicomweb": server.dicomweb}, dimse={"dimse": server.dimse}, timeout="5 s", **options)


def images(folder: Path) -> dict[str, pydicom.Dataset]:
    return {dataset.SOPInstanceUID: dataset for dataset in map(pydicom.dcmread, sorted(folder.iterdir()))}


def assert_same(found: dict[str, pydicom.Dataset], expected: dict[str, pydicom.Dataset]) -> None:
    """The same instances, each element for element and in the same transfer syntax."""
    assert set(found) == set(expected)
    for uid, dataset in found.items():
        assert dataset == expected[uid]
        assert dataset.file_meta.TransferSyntaxUID == expected[uid].file_meta.TransferSyntaxUID
        np.testing.assert_array_equal(dataset.pixel_array, expected[uid].pixel_array)


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
        deidentify(folder, tmp_path / "deid", KEY, 3650)
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


def fails(source: Path, parameters: Retrieval) -> str:
    """The message of a retrieval that fails the job; neither it nor its causes hold an identifier."""
    with pytest.raises(answers.RetrievalFailed) as caught, sources.opened(source, parameters):
        pass
    assert caught.value.__suppress_context__ and "MRN" not in str(caught.value)
    return str(caught.value)


def test_a_wrong_password_fails_the_job(archive, patient, tmp_path, private, monkeypatch):
    monkeypatch.setenv("TWINBEAT_PACS_PASSWORD", "wrong")
    source = ask(tmp_path, pacs="dicomweb", PatientID=patient.number)
    said = fails(source, known(archive))
    assert said == "PACS dicomweb: user and password are refused (HTTP 401); expected it to deliver"
    assert not any(private.iterdir())


def test_other_answers_of_http_fail_the_job(archive, patient, tmp_path):
    elsewhere = archive.dicomweb.model_copy(update={"url": f"{archive.url}/nowhere"})
    source = ask(tmp_path, pacs="a", PatientID=patient.number)
    assert "it answered HTTP 404" in fails(source, Retrieval(dicomweb={"a": elsewhere}))


@pytest.mark.parametrize("way", WAYS)
def test_an_unreachable_pacs_fails_the_job(archive, patient, tmp_path, private, way):
    """Nobody listens at port 1."""
    gone = Retrieval(
        dicomweb={"dicomweb": archive.dicomweb.model_copy(update={"url": "http://127.0.0.1:1/dicom-web"})},
        dimse={"dimse": archive.dimse.model_copy(update={"port": 1})},
    )
    said = fails(ask(tmp_path, pacs=way, PatientID=patient.number), gone)
    assert "ConnectionError" in said or "cannot be reached" in said
    assert not any(private.iterdir())


def test_a_pacs_that_does_not_know_us_fails_the_job(archive, patient, tmp_path):
    """Unknown to it are the title that it is called by, and the place that it shall send to."""
    source = ask(tmp_path, pacs="a", PatientID=patient.number)
    called = archive.dimse.model_copy(update={"title": "ANOTHER"})
    assert "refuses the association" in fails(source, Retrieval(dimse={"a": called}))
    caller = archive.dimse.model_copy(update={"own_title": "STRANGER"})
    assert "connection was lost during C-FIND" in fails(source, Retrieval(dimse={"a": caller}))


def test_a_full_disk_at_our_side_fails_the_job(archive, patient, tmp_path, private, monkeypatch):
    """Each C-STORE is answered with "out of resources"."""
    monkeypatch.setattr(dimse, "encode_file_meta", lambda meta: (_ for _ in ()).throw(OSError(28, "no space")))
    said = fails(ask(tmp_path, pacs="dimse", PatientID=patient.number), known(archive))
    assert "C-MOVE ended with status 0x" in said
    assert not any(private.iterdir())


def test_a_busy_port_is_waited_for(archive, patient, tmp_path):
    source = ask(tmp_path, pacs="dimse", PatientID=patient.number)
    with sources.opened(source, known(archive)), dimse._receiving(archive.dimse, tmp_path, known(archive)):
        assert "in use" in fails(source, known(archive, patience="500 ms"))


@pytest.mark.parametrize("way", WAYS)
def test_fewer_images_than_promised_fail_the_job(archive, patient, tmp_path, private, monkeypatch, way):
    source = ask(tmp_path, pacs=way, StudyInstanceUID=f"{patient.root}.1")
    series, move = dicomweb._series, dimse._move
    monkeypatch.setattr(dicomweb, "_series", lambda *a: ((s, t, n + 1) for s, t, n in series(*a)))
    monkeypatch.setattr(dimse, "_move", lambda *a: move(*a) + 1)
    assert "40 " in fails(source, known(archive))
    assert not any(private.iterdir())


def test_a_pacs_that_does_not_count_fails_the_job(archive, patient, tmp_path, monkeypatch):
    series = Dataset()
    series.SeriesInstanceUID = "1.2"
    monkeypatch.setattr(dicomweb.DICOMwebClient, "search_for_series", lambda *a, **k: [series.to_json_dict()])
    said = fails(ask(tmp_path, pacs="dicomweb", PatientID=patient.number), known(archive))
    assert "does not say how many instances a series has" in said


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
def test_a_study_of_somebody_else_fails_the_job(archive, patient, tmp_path, monkeypatch, way):
    """A PACS that overlooks the key offers all that it has."""
    overlooked = property(lambda self: {"StudyInstanceUID": f"{patient.root}.1", "AccessionNumber": "another"})
    monkeypatch.setattr(request.Request, "keys", overlooked)
    search = dicomweb.DICOMwebClient.search_for_studies
    monkeypatch.setattr(dicomweb.DICOMwebClient, "search_for_studies", lambda self, **_: search(self))
    find = dimse._find
    monkeypatch.setattr(dimse, "_find", lambda a, values: find(a, values | {"AccessionNumber": ""}))
    said = fails(ask(tmp_path, pacs=way, StudyInstanceUID=f"{patient.root}.1"), known(archive))
    assert "a study with another " in said


@pytest.mark.parametrize("way", WAYS)
def test_a_server_that_dies_in_mid_transfer_leaves_nothing(cine, tmp_path, private, monkeypatch, way):
    """It is killed when the first of 40 images of 2 MB is written, so that most are still on its side."""
    with running(tmp_path / "server") as server:
        large = cine.isel(y=[0] * 1000, x=[0] * 1000).assign_coords(y=1.5 * np.arange(1000), x=1.5 * np.arange(1000))
        patient = filled(server, large, tmp_path)

        def killing(call):
            def killed(*arguments, **options):
                server.kill()
                return call(*arguments, **options)

            return killed

        monkeypatch.setattr(pydicom.Dataset, "save_as", killing(pydicom.Dataset.save_as))
        monkeypatch.setattr(dimse, "encode_file_meta", killing(dimse.encode_file_meta))
        said = fails(ask(tmp_path, pacs=way, PatientID=patient.number), known(server))
    assert said.startswith(f"PACS {way}: ")
    assert not any(private.iterdir())


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
