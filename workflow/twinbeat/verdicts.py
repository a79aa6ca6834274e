"""How a patient's way can end before its report.

Rejected (unusable input), quarantined (a stage failed on it), or held for review (a person has to look first).
"""

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


class PatientStopped(Exception):
    """This patient goes no further; the others go on.

    ``code`` is a short kebab-case reason for tables, ``message`` one line that names the thing, the value found and
    what was expected. Neither may hold an identifier.
    """

    kind = "stopped"

    def __init__(self, code: str, message: str, stage: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.stage = code, message, stage


class Rejected(PatientStopped):
    """The input of this patient cannot be used."""

    kind = "rejected"


class Quarantined(PatientStopped):
    """The input is fine, but a stage could not give a result that holds."""

    kind = "quarantined"


class NeedsReview(PatientStopped):
    """The result may be right, but not so surely that a twin is made of it before a person has looked."""

    kind = "needs review"


def outcome(paths: Iterable[str]) -> str | None:
    """How a patient was stopped, if one of these stores holds a verdict; for a progress line, so none is verified."""
    for path in paths:
        with suppress(OSError):
            said = json.loads((Path(path) / "zarr.json").read_text())["attributes"].get("verdict")
            if said:
                return str(said["kind"])
    return None


KINDS = {kind.kind: kind for kind in (Rejected, Quarantined, NeedsReview)}
