"""The de-identified UIDs of a patient's images, by which other systems find them."""

from collections import Counter
from pathlib import Path
from typing import NamedTuple, Self

from pydicom import Dataset, dcmread

TAGS = ["StudyInstanceUID", "SeriesInstanceUID", "Modality"]
OWNERS = ["PatientID", "StudyInstanceUID", "FrameOfReferenceUID"]


class Belonging(NamedTuple):
    """Whose images these are, of which studies, in which frames of reference."""

    patients: frozenset[str]
    studies: frozenset[str]
    spaces: frozenset[str]

    @classmethod
    def of(cls, *headers: Dataset) -> Self:
        """What the headers say; nothing counts as the empty text."""
        return cls(*(frozenset(str(header.get(tag, "")) for header in headers) for tag in OWNERS))


def belonging(folder: Path) -> Belonging:
    """What the images of a de-identified folder say."""
    paths = sorted(folder.glob("*.dcm"))
    return Belonging.of(*(dcmread(path, specific_tags=OWNERS, stop_before_pixels=True) for path in paths))


def studies(folder: Path) -> dict[str, dict[str, tuple[str, int]]]:
    """``{study UID: {series UID: (modality, number of images)}}`` of a de-identified folder."""
    headers = [dcmread(path, specific_tags=TAGS, stop_before_pixels=True) for path in sorted(folder.glob("*.dcm"))]
    counts = Counter((str(one.StudyInstanceUID), str(one.SeriesInstanceUID), str(one.Modality)) for one in headers)
    found: dict[str, dict[str, tuple[str, int]]] = {}
    for (study, series, modality), images in sorted(counts.items()):
        found.setdefault(study, {})[series] = modality, images
    return found
