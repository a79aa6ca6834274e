"""De-identification of a DICOM folder, with a gate that fails closed."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import xarray as xr
from pydicom import Dataset

from ...verdicts import PatientStopped, Quarantined, Rejected
from .. import files
from ..record import record
from . import profile, scan
from .identifiers import Identifiers
from .pseudonyms import Pseudonyms

log = logging.getLogger("twinbeat")


def deidentify(folder: Path, output: Path, key: bytes, longest_shift: int) -> xr.Dataset:
    """Write the MR and CT images of ``folder`` to ``output`` as 0001.dcm, 0002.dcm and so on, without identifiers.

    Gives the record of the files written, ``sha256 (file, byte)``. Raises Rejected where the folder has no usable
    image or several persons, or where an identifier survives; then ``output`` is left empty.
    """
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    try:
        found = files.listed(folder)
        identifiers, pseudonyms, days = _survey(folder, found, key, longest_shift)
        _write_all(found, output, pseudonyms, identifiers)
        identifiers.allow_dates(filter(None, (pseudonyms.date(day) for day in days)))
        scan.check(output, identifiers)
        return record(output)
    except BaseException as error:
        shutil.rmtree(output)
        output.mkdir()
        if isinstance(error, PatientStopped | OSError) or not isinstance(error, Exception):
            raise
        reason = f"{type(error).__name__} during de-identification; nothing was kept"
        raise Quarantined("deidentification-failed", reason) from None  # the message may quote a header


def _survey(
    folder: Path, found: list[files.File], key: bytes, longest_shift: int
) -> tuple[Identifiers, Pseudonyms, set[str]]:
    """What must not survive, how it is replaced, and the days that are in the files."""
    identifiers, subjects, studies = Identifiers(), set(), set()
    for file in found:
        for part in file.path.relative_to(folder).parts:
            identifiers.add_file(part)
        if dataset := files.read(file):
            with files.quiet():
                identifiers.add_dataset(dataset)
                subjects.add(str(dataset.get("PatientID") or "").strip())
                studies.add(str(dataset.get("StudyInstanceUID") or ""))
    subject = _only(subjects - {""}) or min(studies, default="")
    days = {text for text in identifiers.found.get("date", ()) if text.isdigit()}
    return identifiers, Pseudonyms(key, subject, longest_shift), days


def _only(subjects: set[str]) -> str:
    if len(subjects) > 1:
        raise Rejected("several-persons", f"the folder has images of {len(subjects)} patient IDs; expected one")
    return next(iter(subjects), "")


def _write_all(found: list[files.File], output: Path, pseudonyms: Pseudonyms, identifiers: Identifiers) -> None:
    images = 0
    for file, dataset in _images(found):
        images += 1
        _write(file, dataset, output / f"{images:04d}.dcm", pseudonyms, identifiers)
    log.info("deidentify: %d images of %d files kept; the others are no MR or CT images", images, len(found))
    if not images:
        raise Rejected("no-image", f"none of the {len(found)} files is an MR or CT image; expected a short-axis cine")


def _images(found: list[files.File]) -> Iterator[tuple[files.File, Dataset]]:
    for file in found:
        if dataset := files.read(file):
            yield file, dataset


def _write(file: files.File, dataset: Dataset, path: Path, pseudonyms: Pseudonyms, identifiers: Identifiers) -> None:
    if dataset.get("BurnedInAnnotation") == "YES":
        raise Rejected("burned-in", f"{file} says that text is burned into its pixels; expected an image without it")
    try:
        with files.quiet():
            profile.clean(dataset, pseudonyms, identifiers.mentions)
            profile.declare(dataset, pseudonyms)
            dataset.file_meta, dataset.preamble = profile.meta(dataset), bytes(128)
            dataset.save_as(path, enforce_file_format=True)
    except OSError as error:
        raise OSError(error.errno, f"cannot write {path.name}: {error.strerror}") from None
    except Exception as error:  # the message may quote a header
        raise Rejected("corrupt-file", f"{file} cannot be rewritten ({type(error).__name__})") from None
