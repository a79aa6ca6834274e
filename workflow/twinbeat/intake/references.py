"""The de-identified UIDs of a patient's images, by which other systems find them."""

from collections import Counter
from pathlib import Path

from pydicom import dcmread

TAGS = ["StudyInstanceUID", "SeriesInstanceUID", "Modality"]


def studies(folder: Path) -> dict[str, dict[str, tuple[str, int]]]:
    """``{study UID: {series UID: (modality, number of images)}}`` of a de-identified folder."""
    headers = [dcmread(path, specific_tags=TAGS, stop_before_pixels=True) for path in sorted(folder.glob("*.dcm"))]
    counts = Counter((str(one.StudyInstanceUID), str(one.SeriesInstanceUID), str(one.Modality)) for one in headers)
    found: dict[str, dict[str, tuple[str, int]]] = {}
    for (study, series, modality), images in sorted(counts.items()):
        found.setdefault(study, {})[series] = modality, images
    return found
