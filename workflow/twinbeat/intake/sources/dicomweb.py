"""Images from a PACS by DICOMweb: QIDO-RS finds series, WADO-RS streams them, instance by instance."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import requests
from dicomweb_client import DICOMwebClient
from pydicom import Dataset

from ...parameters import Dicomweb, Retrieval
from .. import files, private
from . import answers

ORIGINAL = (("application/dicom", "*"),)
"""As the PACS has it, whatever the transfer syntax."""


def fetch(
    pacs: Dicomweb, name: str, keys: Mapping[str, str], modality: str | None, folder: Path, parameters: Retrieval
) -> None:
    """All instances of the studies with these keys as 000001.dcm and so on; of one modality, if it is given."""
    with answers.of(name), files.quiet(), _session(pacs, name) as session:
        client = DICOMwebClient(pacs.url.rstrip("/"), session, permissive_uid=True, timeout=parameters.timeout / 1000)
        client.set_http_retry_params(retry=False)  # trying again is Snakemake's
        written = 0
        for study, series, expected in _series(client, keys, modality):
            before = written
            for written, instance in enumerate(client.iter_series(study, series, ORIGINAL), before + 1):
                instance.save_as(folder / f"{written:06d}.dcm", enforce_file_format=True)
            if written - before < expected:
                found = f"it sent {written - before} of {expected} instances of a series"
                raise answers.RetrievalFailed(f"{found}; expected all")


def _session(pacs: Dicomweb, name: str) -> requests.Session:
    """With what the configuration says, and nothing from the environment (proxies, .netrc, other certificates)."""
    session = requests.Session()
    session.trust_env, session.max_redirects = False, 0  # a redirection could lead to a machine without TLS
    session.verify, session.cert = pacs.ca_file or True, pacs.certificate_file
    if pacs.user is not None:
        session.auth = (pacs.user.encode(), private.password(pacs, name).encode())
    return session


def _series(client: DICOMwebClient, keys: Mapping[str, str], modality: str | None) -> Iterator[tuple[str, str, int]]:
    """UIDs of study and series, and how many instances the series has."""
    filters = {"Modality": modality} if modality else {}
    for study in _found(client.search_for_studies(search_filters=dict(keys), get_remaining=True)):
        answers.check(study, keys)
        uid = str(study.StudyInstanceUID)
        for series in _found(client.search_for_series(uid, search_filters=filters, get_remaining=True)):
            if series.get("Modality") == modality or not modality:
                yield uid, str(series.SeriesInstanceUID), _size(series)


def _size(series: Dataset) -> int:
    number = series.get("NumberOfSeriesRelatedInstances")
    if number is None:  # without it, an answer that was cut short would look whole
        raise answers.RetrievalFailed("it does not say how many instances a series has; expected it to (PS3.18 10.6.3)")
    return int(number)


def _found(answer: list[dict[str, dict]]) -> list[Dataset]:
    return [Dataset.from_json(found) for found in answer]
