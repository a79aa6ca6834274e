"""Requests to a PACS and the secrets beside them: what is refused, and that no message holds an identifier."""

import os
import signal
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from dicom_samples import stopped

from twinbeat.intake import private, sources
from twinbeat.intake.sources import answers, request
from twinbeat.parameters import ConfigurationError, Dicomweb, Retrieval, read

SALT = "0123456789abcdef0123456789abcdef"
WEB = {"url": "https://pacs.example.org/dicom-web"}
ELSEWHERE = "ELSEWHERE"
DIMSE = {"host": "127.0.0.1", "port": 104, "title": "ARCHIVE", "own_port": 11112}


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "MRN123.yaml"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_folder_is_its_own_source(tmp_path):
    with sources.opened(tmp_path, Retrieval()) as folder:
        assert folder == tmp_path
    assert tmp_path.is_dir()


def test_another_source_is_rejected(tmp_path):
    error = stopped(sources.opened(tmp_path / "MRN123.tar", Retrieval()).__enter__)
    assert error.message == "no such folder, .zip or .yaml file; expected one of them"


def test_values_stay_as_they_are_written(tmp_path):
    """YAML would take 0012345 for an octal number, and 1.2 for a fraction."""
    found = request.read(written(tmp_path, f"pacs: a\nsalt: {SALT}\nPatientID: 0012345\nStudyInstanceUID: 1.2\n"))
    assert found.keys == {"PatientID": "0012345", "StudyInstanceUID": "1.2"} and found.Modality is None


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ("is no YAML", "PatientID: [MRN123"),
        ("is not valid in its keys", "MRN123"),
        ("is not valid in its keys", f"pacs: a\nsalt: {SALT}\n"),
        ("is not valid in its keys", f"pacs: a\nsalt: {SALT}\nPatientID: MRN123\nMRN123: 1\n"),
        ("is not valid in salt", "pacs: a\nPatientID: MRN123\n"),
        ("is not valid in salt", "pacs: a\nsalt: MRN123\nPatientID: MRN123\n"),
        ("is not valid in PatientID", f"pacs: a\nsalt: {SALT}\nPatientID: MRN123*\n"),
        ("is not valid in PatientID", f"pacs: a\nsalt: {SALT}\nPatientID: MRN?123\n"),
        ("is not valid in PatientID", f"pacs: a\nsalt: {SALT}\nPatientID: MRN123\\MRN456\n"),
        ("is not valid in PatientID", f"pacs: a\nsalt: {SALT}\nPatientID: ''\n"),
        ("is not valid in Modality, StudyInstanceUID", f"pacs: a\nsalt: {SALT}\nStudyInstanceUID: x\nModality: mr\n"),
        ("is not valid in AccessionNumber", f"pacs: a\nsalt: {SALT}\nAccessionNumber: MRN12345678901234\n"),
        (
            "names an unknown PACS; known in the configuration: web, dimse",
            f"pacs: x\nsalt: {SALT}\nPatientID: MRN123\n",
        ),
    ],
)
def test_a_request_that_is_none_is_rejected(tmp_path, found, text):
    parameters = Retrieval(dicomweb={"web": WEB}, dimse={"dimse": DIMSE})
    error = stopped(sources.opened(written(tmp_path, text), parameters).__enter__)
    assert error.code == "invalid-request" and found in error.message and "MRN" not in str(error)
    assert error.__context__ is None or error.__suppress_context__


@pytest.mark.parametrize(
    ("words", "mode", "text"),
    [
        ("others may use the file (mode ..44); expected mode 600", 0o644, b""),
        ("cannot be read (it is not UTF-8 text)", 0o600, b"\xff"),
        ("cannot be read (No such file or directory)", None, b""),
    ],
)
def test_a_request_that_others_may_read_is_no_patients_fault(tmp_path, words, mode, text):
    path = tmp_path / "MRN123.yaml"
    if mode is not None:
        path.write_bytes(text)
        path.chmod(mode)
    with pytest.raises(private.SecretRefused) as caught:
        request.read(path)
    assert words in str(caught.value) and "MRN" not in str(caught.value)


def test_a_password_comes_from_its_file_or_from_the_environment(tmp_path, monkeypatch):
    path = written(tmp_path, "of no worth\n")
    assert private.password(Dicomweb(**WEB, password_file=str(path)), "web") == "of no worth"
    monkeypatch.setenv(ELSEWHERE, "another")
    assert private.password(Dicomweb(**WEB, password_variable=ELSEWHERE), "web") == "another"
    monkeypatch.delenv(ELSEWHERE)
    with pytest.raises(private.SecretRefused, match="password of PACS web: environment variable ELSEWHERE is empty"):
        private.password(Dicomweb(**WEB, password_variable=ELSEWHERE), "web")


def test_a_missing_password_is_no_fault_of_the_pacs(tmp_path, monkeypatch):
    monkeypatch.delenv("TWINBEAT_PACS_PASSWORD", raising=False)
    path = written(tmp_path, f"pacs: web\nsalt: {SALT}\nPatientID: MRN123\n")
    with pytest.raises(private.SecretRefused):
        sources.opened(path, Retrieval(dicomweb={"web": {**WEB, "user": "us"}})).__enter__()


def test_what_a_library_says_is_not_repeated():
    """It may quote what it was asked for; what the system says of itself is kept."""
    for error, words in (
        (ValueError("MRN123"), "ValueError"),
        (OSError(28, "No space left", "MRN123"), "No space left"),
    ):
        with pytest.raises(answers.RetrievalFailed) as caught, answers.of("web"):
            raise error
        assert str(caught.value) == f"PACS web: {words}; expected it to deliver"


@pytest.mark.parametrize(
    ("fault", "section"),
    [
        (
            'dicomweb.a.url: expected https, as the PACS is on another machine, got "http://pacs.org/"',
            {"dicomweb": {"a": {"url": "http://pacs.org/"}}},
        ),
        (
            "dicomweb.a.url: expected a URL without user, password and query",
            {"dicomweb": {"a": {"url": "https://u:secret@pacs.org/"}}},
        ),
        (
            'dicomweb.a.url: expected a URL such as https://pacs.example.org/dicom-web, got "pacs"',
            {"dicomweb": {"a": {"url": "pacs"}}},
        ),
        ("dicomweb.a.password: unknown key; known here: url, user", {"dicomweb": {"a": {**WEB, "password": "secret"}}}),
        (
            "dimse.a: expected ca_file and certificate_file (TLS), as the PACS is on another machine",
            {"dimse": {"a": {**DIMSE, "host": "pacs.org"}}},
        ),
        (
            "dimse.a: expected ca_file and certificate_file (TLS)",
            {"dimse": {"a": {**DIMSE, "own_address": "192.168.1.2"}}},
        ),
        (
            "dimse.a: expected ca_file and certificate_file, or neither",
            {"dimse": {"a": {**DIMSE, "ca_file": "ca.pem"}}},
        ),
        ("expected each PACS once, got a under dicomweb and dimse", {"dimse": {"a": DIMSE}, "dicomweb": {"a": WEB}}),
    ],
)
def test_a_configuration_that_would_leak_is_refused(fault, section):
    with pytest.raises(ConfigurationError) as caught:
        read({"retrieval": section})
    assert str(caught.value).startswith("config.yaml: retrieval") and fault in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_this_machine_needs_no_tls(host):
    assert Dicomweb(url=f"http://{host}:8042/dicom-web").url


TERMINATED = """
import sys, time
from pathlib import Path
from twinbeat.intake import sources
from twinbeat.parameters import Retrieval
with sources.opened(Path(sys.argv[1]), Retrieval()) as folder:
    print(folder, flush=True)
    time.sleep(60)
"""


def test_a_cancelled_job_leaves_nothing(tmp_path):
    """SIGTERM, which SLURM and Snakemake send first, ends the job with status 143 = 128 + 15."""
    zipfile.ZipFile(tmp_path / "a.zip", "w").close()
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", TERMINATED, str(tmp_path / "a.zip")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as job:
        folder = Path(job.stdout.readline().strip())
        assert folder.is_dir() and folder.parent == tmp_path
        job.send_signal(signal.SIGTERM)
    assert job.returncode == 143
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_source_opens_in_any_thread(tmp_path):
    """Only the main thread can catch signals; another one goes without."""
    zipfile.ZipFile(tmp_path / "a.zip", "w").close()

    def listed() -> list[Path]:
        with sources.opened(tmp_path / "a.zip", Retrieval()) as folder:
            return list(folder.iterdir())

    with ThreadPoolExecutor() as pool:
        assert pool.submit(listed).result() == []
