"""De-identification of a DICOM folder, with a final scan that fails closed."""

import errno
import logging
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import xarray as xr
from pydicom import Dataset

from ...parameters import Deidentification
from ...store import provenance
from ...verdicts import PatientStopped, Quarantined, Rejected
from .. import files
from ..record import record
from . import linkage
from .certificate import Certificate
from .cleaner import Cleaner
from .identifiers import Identifiers
from .profile import Profile
from .pseudonyms import Pseudonyms
from .recognition import has_text
from .refusals import refused_image, refused_kind
from .scan import Scan
from .text import Vocabulary

log = logging.getLogger("twinbeat")


def deidentify(
    folder: Path, output: Path, key: bytes, parameters: Deidentification, patient: str = ""
) -> tuple[xr.Dataset, Certificate]:
    """Write the MR and CT images of ``folder`` to ``output`` as 000001.dcm, 000002.dcm and so on, without identifiers.

    Gives the record of the files written, ``sha256 (file, byte)`` with the counts of those ``refused`` by reason as an
    attribute, and the certificate of what was done. ``patient`` is under what name the linkage table, where there is
    one, has the hospital number. Raises Rejected where the folder has no usable image or several persons, or where an
    identifier survives; then ``output`` is left empty.
    """
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    try:
        survey = _survey(files.listed(folder), folder, parameters)
        person = Pseudonyms(key, survey.subject, parameters.date_shift_days)
        certificate = _write_all(survey, output, person)
        linkage.write(parameters, patient, person.name, person.subject)
        return record(output).assign_attrs(refused=dict(certificate.refused)), certificate
    except BaseException as error:
        shutil.rmtree(output)
        output.mkdir()
        if isinstance(error, PatientStopped | OSError) or not isinstance(error, Exception):
            raise
        reason = f"{type(error).__name__} during de-identification; nothing was kept"
        raise Quarantined("deidentification-failed", reason) from None  # the message may quote a header


@dataclass
class Survey:
    """What the first pass over the files has seen."""

    parameters: Deidentification
    identifiers: Identifiers
    images: dict[files.File, tuple[int, int]] = field(default_factory=dict)
    """With the state in which each was."""
    refused: Counter[str] = field(default_factory=Counter)
    persons: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    """Of persons without a hospital number."""
    studies: set[str] = field(default_factory=set)

    @property
    def subject(self) -> str:
        """The hospital number, or where there is none the first of the studies."""
        return next(iter(self.persons), min(self.studies, default=""))

    def take(self, file: files.File) -> None:
        """Look at one file: to be cleaned, or refused."""
        state, found = file.state, files.parse(file)
        reason = "not-dicom" if found is None else refused_kind(files.sop_class(found))
        with files.quiet():
            if found is not None:
                self.identifiers.add_dataset(found)
            reason = reason or self._image(file, found)
        if reason:
            self.refused[reason] += 1
        else:
            self.images[file] = state

    def _image(self, file: files.File, found: Dataset) -> str | None:
        """Whose image it is, and the reason why it is refused, if it is."""
        files.check(file, found)
        number, name = (str(found.get(keyword) or "").strip() for keyword in ("PatientID", "PatientName"))
        self.persons |= {number} - {""}
        self.names |= set() if number else {name.casefold()} - {""}
        self.studies.add(str(found.get("StudyInstanceUID") or ""))
        return refused_image(found) or self._recognised(file)

    def _recognised(self, file: files.File) -> str | None:
        wanted = self.parameters.recognise_text
        return "burned-in-text" if wanted and has_text(files.decode(file)) else None


def _survey(found: list[files.File], folder: Path, parameters: Deidentification) -> Survey:
    survey = Survey(parameters, Identifiers(Profile(parameters), Vocabulary(parameters.vocabulary)))
    for file in found:
        for part in file.path.relative_to(folder).parts:
            survey.identifiers.add_file(part)
        survey.take(file)
    for found_persons, what in ((survey.persons, "patient IDs"), (survey.names, "patient names without an ID")):
        if len(found_persons) > 1:
            raise Rejected("several-persons", f"the folder has images of {len(found_persons)} {what}; expected one")
    if not survey.images:
        raise _nothing(survey, len(found))
    return survey


def _nothing(survey: Survey, total: int) -> Rejected:
    code, count = survey.refused.most_common(1)[0]
    return Rejected(code, f"none of the {total} files can be cleaned ({count}: {code}); expected a short-axis cine")


def _write_all(survey: Survey, output: Path, pseudonyms: Pseudonyms) -> Certificate:
    identifiers = survey.identifiers
    days = {text for text in identifiers.found.get("date", ()) if text.isdigit()}
    cleaner = Cleaner(identifiers.profile, identifiers.vocabulary, pseudonyms, identifiers.mentions)
    for number, (file, state) in enumerate(survey.images.items(), 1):
        _write(file, output / f"{number:06d}.dcm", cleaner)
        if file.state != state:  # nobody has looked at whose image it is now
            raise OSError(errno.EBUSY, f"{file} changed while it was read; expected a folder at rest")
    identifiers.allow_dates(filter(None, (pseudonyms.date(day) for day in days)))
    scan = Scan(identifiers)
    scan.check(output)
    log.info("deidentify: %d images; refused: %s", len(survey.images), dict(survey.refused) or "none")
    return Certificate(
        survey.parameters,
        provenance.code(provenance.PACKAGE),
        len(survey.images),
        survey.refused,
        cleaner.counts,
        scan.values,
        scan.bytes,
    )


def _write(file: files.File, path: Path, cleaner: Cleaner) -> None:
    dataset = files.read(file)
    try:
        with files.quiet():
            files.bare(dataset)
            cleaner.clean(dataset)
            cleaner.declare(dataset)
            dataset.save_as(path, enforce_file_format=True)
    except OSError as error:
        raise OSError(error.errno, f"cannot write {path.name}: {error.strerror}") from None
    except Exception as error:  # the message may quote a header
        raise Rejected("corrupt-file", f"{file} cannot be rewritten ({type(error).__name__})") from None
