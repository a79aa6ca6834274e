"""Faults of a PACS, of the way to it and of this machine fail the job, leave nothing behind, and name no patient."""

import time

import numpy as np
import pydicom
import pytest
from dicom_samples import cine
from pacs import (
    WAYS,
    archive,
    ask,
    fails,
    filled,
    known,
    needs_orthanc,
    patient,
    private,
    running,
)
from pydicom import Dataset
from pynetdicom.acse import ACSE

from twinbeat.intake import sources
from twinbeat.intake.sources import dicomweb, dimse, request
from twinbeat.parameters import Retrieval

__all__ = ["archive", "cine", "patient", "private"]
pytestmark = needs_orthanc


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


def test_a_refusal_that_comes_at_once_is_one(archive, patient, tmp_path, monkeypatch):
    """It is there, and the connection closed, before pynetdicom's thread looks whether there is a connection."""
    send = ACSE.send_request
    monkeypatch.setattr(ACSE, "send_request", lambda self: (send(self), time.sleep(1)))
    called = archive.dimse.model_copy(update={"title": "ANOTHER"})
    source = ask(tmp_path, pacs="a", PatientID=patient.number)
    assert "refuses the association" in fails(source, Retrieval(dimse={"a": called}))


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
