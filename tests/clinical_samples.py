"""Clinical values of an invented patient as rows, and the same as a CSV table and as a FHIR bundle."""

import csv
import io
import json
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from twinbeat.intake import clinical
from twinbeat.intake.clinical.mapping import SYSTEMS, load
from twinbeat.parameters import Calibration, ClinicalData

URLS = {name: url for url, name in reversed(SYSTEMS.items())}
COLUMNS = ("code", "name", "value", "unit", "time", "source")


class Row(NamedTuple):
    """One row of the table; ``until`` is told by FHIR only."""

    name: str
    value: float | str
    unit: str
    time: str = ""
    source: str = ""
    until: str = ""


EXAMINATION = "2020-01-31T12:00:00+00:00"
USUAL = (
    Row("heart_rate", 70, "/min", "2020-01-31T11:00:00+00:00", "monitor"),
    Row("systolic", 118, "mm[Hg]", "2020-01-30T12:00:00+00:00", "cuff"),
    Row("diastolic", 76, "mm[Hg]", "2020-01-30T12:00:00+00:00", "cuff"),
    Row("lv_end_diastolic_pressure", 11, "mm[Hg]", "2020-01-26T12:00:00+00:00", "catheter"),
    Row("creatinine", 1.1, "mg/dL", "2019-06-01T12:00:00+00:00", "laboratory"),
    Row("scar_segment", 7, "1", "2020-01-31", ""),
    Row("scar_segment", 13, "1", "2020-01-31", ""),
)


def table(rows: tuple[Row, ...], examination: str = EXAMINATION, delimiter: str = ",") -> str:
    """The rows as CSV, by their codes."""
    lines = io.StringIO()
    writer = csv.writer(lines, delimiter=delimiter)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_code(row.name), "", row.value, row.unit, row.time, row.source])
    if examination:
        writer.writerow(["", "examination", "", "", examination, ""])
    return lines.getvalue()


def bundle(rows: tuple[Row, ...], examination: str = EXAMINATION, *others: dict[str, Any]) -> dict[str, Any]:
    """The rows as observations of a bundle, with its imaging study, and the ``others``."""
    resources = [observation(row) for row in rows] + list(others)
    if examination:
        resources.append({"resourceType": "ImagingStudy", "started": examination})
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}


def observation(row: Row) -> dict[str, Any]:
    """One row as a FHIR observation."""
    when = {"effectivePeriod": {"start": row.time, "end": row.until}} if row.until else {"effectiveDateTime": row.time}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": concept(_code(row.name)),
        "subject": {"reference": "Patient/1"},
        **when,
        "performer": [{"display": row.source}],
        "valueQuantity": {"value": row.value, "unit": "as people write it", "code": row.unit},
    }


def concept(*codes: str) -> dict[str, Any]:
    """A CodeableConcept of codes such as loinc:8867-4."""
    pairs = [code.split(":") for code in codes]
    return {"coding": [{"system": URLS[system], "code": value} for system, value in pairs], "text": "Grünwald"}


def _code(name: str) -> str:
    return load().quantities[name].codes[0]


def read(text: str | bytes, name: str) -> clinical.Content:
    """The content of a file of this name with this text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return clinical.read(path)


def clean(content: str | dict[str, Any], **accuracy: Any) -> clinical.Clinical:
    """The cleaned data of a table (text) or of a JSON object."""
    of_json = isinstance(content, dict)
    found = read(json.dumps(content), "clinical.json") if of_json else read(content, "clinical.csv")
    return clinical.clean(found, 800.0, ClinicalData(**accuracy), Calibration())
