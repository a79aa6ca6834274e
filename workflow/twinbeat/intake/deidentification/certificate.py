"""The certificate of de-identification of one patient: what was done, by what, how often; and the final scan."""

import json
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ...parameters import Deidentification
from .profile import EDITION, TABLE, Action

TOOLS = ("pydicom", "dicom-anonymizer")
SECRETS = {"key_file", "linkage_folder", "linkage_recipient"}


@dataclass(frozen=True)
class Certificate:
    """Counts over all files of a patient; nothing here comes from a header."""

    parameters: Deidentification
    code: dict[str, Any]
    written: int
    refused: Counter[str]
    actions: Counter[Action]
    searched_for: int
    searched_bytes: int

    def content(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "profile": f"DICOM PS3.15 {EDITION} table E.1-1 ({len(TABLE)} attributes, curves, overlays, private ones)",
            "options": self.parameters.model_dump(mode="json", exclude=SECRETS),
            "tools": {"twinbeat": self.code} | {name: version(name) for name in TOOLS},
            "files": {"written": self.written, "refused": dict(sorted(self.refused.items()))},
            "attributes": {action.value: self.actions[action] for action in Action},
            "final_scan": {"values": self.searched_for, "bytes": self.searched_bytes, "found": 0},
        }

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(self.content(), indent=2) + "\n", "utf-8")
