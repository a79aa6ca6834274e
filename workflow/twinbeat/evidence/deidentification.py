"""De-identification of a study with identifiers planted in every place that DICOM has."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..intake.deidentification.deidentify import deidentify
from ..parameters import Deidentification
from ..phantom import torture
from .row import Row, timed

SOURCE = "planted by twinbeat.phantom.torture"


def rows() -> Iterator[Row]:
    """No planted value survives, nothing is lost that must stay, and each kind of object is refused that must be."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = torture.make(folder / "raw")
        _, certificate = deidentify(study.folder, folder / "deid", b"a key for checks only", Deidentification())
        planted = len(study.plants)
        yield timed(
            f"de-identification: survivors of {planted} planted identifiers", 0, 0, SOURCE,
            lambda: len(torture.leaks(folder / "deid", study)),
        )  # fmt: skip
        yield timed(
            "de-identification: attributes, pixels and references wrongly lost", 0, 0, SOURCE,
            lambda: len(torture.losses(folder / "deid", study)),
        )  # fmt: skip
        yield timed(
            "de-identification: kinds of objects refused", len(study.refused), 0, SOURCE,
            lambda: sum(certificate.refused[code] == 1 for code in study.refused),
        )  # fmt: skip
