"""Which kind of file it is."""

import json
from pathlib import Path

from ...verdicts import Rejected
from . import fhir, jsonfile, table
from .content import Content


def read(path: str | Path) -> Content:
    """The content of a clinical file: a table where its name ends in .csv, else JSON, and with a ``resourceType`` FHIR.

    Raises Rejected where it is none of them. No message quotes the file, because it may hold identifiers.
    """
    text = _text(Path(path))
    if Path(path).suffix.lower() == ".csv":
        return table.parse(text)
    content = _object(text)
    return fhir.parse(content) if "resourceType" in content else jsonfile.parse(content)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Rejected("clinical-file", "the clinical file is not UTF-8 text; expected JSON or CSV") from None


def _object(text: str) -> dict[str, object]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise Rejected("clinical-file", "the clinical file is no JSON text; expected an object of figures") from None
    if not isinstance(content, dict):
        raise Rejected("clinical-file", f"the clinical file holds a {type(content).__name__}; expected an object")
    return content
