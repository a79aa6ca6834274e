"""All that reviewers put into the folder of one patient."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from ...parameters import Section
from ...verdicts import NeedsReview
from ..files import File
from . import dicomseg
from .files import SUFFIXES, Frames, is_seg, read, stem

NOTE = "review.toml"
_PSEUDONYM = "[A-Za-z]{1,3}[0-9]{1,4}"


class Note(Section):
    """The ``review.toml`` beside the files."""

    reviewer: Annotated[str, Field(pattern=f"^{_PSEUDONYM}$")] | None = None
    patient: str | None = None


@dataclass(frozen=True)
class Review:
    """What was drawn in which frames, and by whom."""

    reviewers: tuple[str, ...]
    parts: tuple[Frames, ...]
    """One for each file."""


def of_patient(paths: Sequence[str], patient: str, images: Path, count: int) -> Review | None:
    """The review in these files; none where there is none.

    ``patient`` is the pseudonym, ``images`` the folder of de-identified DICOM, ``count`` the frames of the image.
    Raises NeedsReview where a file cannot be used. No message holds the name of a file.
    """
    files = [File(Path(path), number, len(paths)) for number, path in enumerate(sorted(paths), 1)]
    notes = [_note(file) for file in files if file.path.name == NOTE]
    drawn = [file for file in files if file.path.name != NOTE]
    note = notes[0] if notes else Note()
    if note.patient not in (None, patient):
        raise NeedsReview("review-other-patient", f"{NOTE} names another patient; expected {patient}")
    if not drawn:
        if notes:
            reason = f"there is a {NOTE} and no drawing; expected one of {', '.join(SUFFIXES)}"
            raise NeedsReview("review-empty", reason)
        return None
    reviewers = {_reviewer(file, note) for file in drawn}
    return Review(tuple(sorted(reviewers)), tuple(_read(file, images, count) for file in drawn))


def _read(file: File, images: Path, count: int) -> Frames:
    if not file.path.name.lower().endswith(SUFFIXES):
        raise NeedsReview("review-unreadable", f"{file} is of no known kind; expected one of {', '.join(SUFFIXES)}")
    found = read(file, count)
    if is_seg(file):
        dicomseg.check_origin(file, images)
    return found


def _reviewer(file: File, note: Note) -> str:
    """The pseudonym, from the note or else from the name of the file."""
    said = re.match(f"({_PSEUDONYM})(?:[-_]|$)", stem(file))
    if note.reviewer is None and not said:
        reason = f'{file} does not say who drew it; expected a name such as r1.nii.gz, or reviewer = "r1" in {NOTE}'
        raise NeedsReview("review-reviewer", reason)
    return note.reviewer or said[1]


def _note(file: File) -> Note:
    try:
        return Note(**tomllib.loads(file.path.read_text("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValidationError, TypeError):  # untold: a name may be in it
        expected = 'expected reviewer = "r1" (letters and a number) and, if wanted, patient = "..." and nothing else'
        raise NeedsReview("review-reviewer", f"{NOTE} cannot be used; {expected}") from None
