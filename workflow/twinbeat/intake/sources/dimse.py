"""Images from a PACS by C-FIND and C-MOVE, to a storage SCP of our own that lives as long as the move."""

import errno
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from pydicom import Dataset
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, Association, evt
from pynetdicom.dsutils import encode_file_meta
from pynetdicom.pdu import A_ASSOCIATE_RJ
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as Find
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelMove as Move

from ...parameters import Dimse, Retrieval
from .. import files
from . import answers

PENDING, SUCCESS, OUT_OF_RESOURCES = (0xFF00, 0xFF01), 0x0000, 0xA700


def fetch(
    pacs: Dimse, name: str, keys: Mapping[str, str], modality: str | None, folder: Path, parameters: Retrieval
) -> None:
    """All instances of the studies with these keys as 000001.dcm and so on; of one modality, if it is given."""
    with answers.of(name), files.quiet(), _receiving(pacs, folder, parameters):
        with _associated(pacs, parameters) as association:
            moved = sum(_move(association, pacs, *uids) for uids in _series(association, keys, modality))
        received = len(list(folder.iterdir()))
        if received != moved:
            raise answers.RetrievalFailed(f"{received} instances came in; expected the {moved} that it says it sent")


def _entity(pacs: Dimse, parameters: Retrieval) -> AE:
    entity = AE(pacs.own_title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = parameters.timeout / 1000
    entity.connection_timeout = parameters.timeout / 1000
    return entity


@contextmanager
def _receiving(pacs: Dimse, folder: Path, parameters: Retrieval) -> Iterator[None]:
    """Our storage SCP, for this PACS alone; it takes all kinds of images in all transfer syntaxes."""
    entity = _entity(pacs, parameters)
    entity.require_called_aet, entity.require_calling_aet = True, [pacs.title]
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(context.abstract_syntax, ALL_TRANSFER_SYNTAXES)
    handlers = [(evt.EVT_C_STORE, _store, [folder, count(1)]), (evt.EVT_DATA_SENT, _acknowledge_at_once)]
    address, context = (pacs.own_address, pacs.own_port), _tls(pacs, ssl.Purpose.CLIENT_AUTH)
    server = _started(lambda: entity.start_server(address, False, context, handlers), parameters.patience / 1000)
    try:
        yield
    finally:
        server.shutdown()


def _started(start: Callable[[], Any], patience: float) -> Any:
    """The port is that which the PACS knows: where another retrieval uses it, this one waits."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return start()
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def _store(event: evt.Event, folder: Path, numbers: Iterator[int]) -> int:
    """Write what came, undecoded."""
    try:
        with (folder / f"{next(numbers):06d}.dcm").open("xb") as file:
            file.write(bytes(128) + b"DICM" + encode_file_meta(event.file_meta))
            file.write(event.encoded_dataset(include_meta=False))
    except OSError:
        return OUT_OF_RESOURCES
    return SUCCESS


def _acknowledge_at_once(event: evt.Event) -> None:
    """Else each image costs 40 ms: DCMTK sends a header by itself, and Nagle's algorithm waits for our delayed ACK."""
    event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


@contextmanager
def _associated(pacs: Dimse, parameters: Retrieval) -> Iterator[Association]:
    entity = _entity(pacs, parameters)
    for model in (Find, Move):
        entity.add_requested_context(model)
    context = _tls(pacs, ssl.Purpose.SERVER_AUTH)
    tls = (context, pacs.host) if context else None
    refusals = list[evt.Event]()
    handlers = [(evt.EVT_PDU_RECV, _note_refusal, [refusals])]
    association = entity.associate(pacs.host, pacs.port, ae_title=pacs.title, tls_args=tls, evt_handlers=handlers)
    if not association.is_established:
        how = "refuses the association" if refusals else "cannot be reached, or its TLS does not fit"
        raise answers.RetrievalFailed(f"it {how}; expected it to accept")
    try:
        yield association
    finally:
        association.release()


def _note_refusal(event: evt.Event, refusals: list[evt.Event]) -> None:
    """``is_rejected`` is not true where a refusal comes before pynetdicom's other thread has seen the connection."""
    if isinstance(event.pdu, A_ASSOCIATE_RJ):
        refusals.append(event)


def _tls(pacs: Dimse, purpose: ssl.Purpose) -> ssl.SSLContext | None:
    """Both sides show a certificate, in both directions."""
    if pacs.ca_file is None:
        return None
    context = ssl.create_default_context(purpose, cafile=pacs.ca_file)
    context.load_cert_chain(str(pacs.certificate_file))
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _series(association: Association, keys: Mapping[str, str], modality: str | None) -> Iterator[tuple[str, str]]:
    """UIDs of study and series."""
    empty = {"PatientID": "", "StudyInstanceUID": "", "AccessionNumber": ""}
    for study in _find(association, {"QueryRetrieveLevel": "STUDY", **empty, **keys}):
        answers.check(study, keys)
        uid = str(study.StudyInstanceUID)
        wanted = {"StudyInstanceUID": uid, "SeriesInstanceUID": "", "Modality": modality or ""}
        for series in _find(association, {"QueryRetrieveLevel": "SERIES", **wanted}):
            if series.get("Modality") == modality or not modality:
                yield uid, str(series.SeriesInstanceUID)


def _query(values: Mapping[str, str]) -> Dataset:
    query = Dataset()
    if not all(value.isascii() for value in values.values()):
        query.SpecificCharacterSet = "ISO_IR 192"  # else each foreign letter becomes a question mark, a wildcard
    for keyword, value in values.items():
        setattr(query, keyword, value)
    return query


def _find(association: Association, values: Mapping[str, str]) -> list[Dataset]:
    found = list(association.send_c_find(_query(values), Find))
    _check_status("C-FIND", found[-1][0])
    return [answer for status, answer in found if status.Status in PENDING]


def _move(association: Association, pacs: Dimse, study: str, series: str) -> int:
    """Have a series sent to us; gives the number of instances that the PACS says it has sent."""
    query = _query({"QueryRetrieveLevel": "SERIES", "StudyInstanceUID": study, "SeriesInstanceUID": series})
    (*_, (status, _)) = association.send_c_move(query, pacs.own_title, Move)
    _check_status("C-MOVE", status)
    return int(status.get("NumberOfCompletedSuboperations") or 0)


def _check_status(service: str, status: Dataset) -> None:
    failed = int(status.get("NumberOfFailedSuboperations") or 0)
    if "Status" not in status:
        raise answers.RetrievalFailed(f"the connection was lost during {service}; expected an answer")
    if status.Status != SUCCESS or failed:
        found = f"{service} ended with status 0x{status.Status:04X} and {failed} instances not sent"
        raise answers.RetrievalFailed(f"{found}; expected 0x0000 and none")
