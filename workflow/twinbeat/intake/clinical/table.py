"""A CSV table of one patient's values: one row each.

    code,name,value,unit,time,source
    8867-4,,70,/min,2020-01-30T08:15:00+01:00,monitor
    ,systolic,118,mm[Hg],2020-01-30,cuff
    atc:C07AB02,medication,,,2019-11-02,
    icd-10:I50.1,outcome,,,2020-06-01,
    ,examination,,,2020-01-31,

A row names its quantity by a ``code`` (LOINC, unless it says ``system:``) or by our ``name`` (mapping.toml), units are
UCUM, times ISO 8601. The row called examination tells when the imaging was. Rows of quantities that we do not know and
columns of other names are left out, because they may hold identifiers; a name that is nearly known is a typing error.
A table separated by semicolons is understood too; numbers have a decimal point.
"""

import csv
import io

from ...verdicts import Rejected
from . import mapping
from .content import Content, Raw, RawEvent
from .jsonfile import refuse_typing_errors

COLUMNS = ("code", "name", "value", "unit", "time", "source")
NEEDED = ("value", "unit")
EVENTS = ("medication", "outcome")
EXAMINATION = "examination"
Row = dict[str, str]


def parse(text: str) -> Content:
    """The content of a table. Raises Rejected, naming the line, where it is none or a name is mistyped."""
    rows = _rows(text)
    refuse_typing_errors(
        {row["name"] for row in rows if row["name"]}, [*mapping.load().quantities, *EVENTS, EXAMINATION]
    )
    times = {row["time"] for row in rows if row["name"] == EXAMINATION}
    if len(times) > 1:
        raise Rejected("clinical-row", f"{len(times)} rows tell when the examination was; expected one")
    return Content(
        values=tuple(filter(None, map(_value, rows))),
        events=tuple(_event(row) for row in rows if row["name"] in EVENTS),
        examination=next(iter(times), None),
        ages_from="examination row" if times else None,
    )


def _rows(text: str) -> list[Row]:
    """Rows with the known columns, in lower case where they are names; an absent column is empty."""
    table = _cells(text)
    header = [name.strip().lower() for name in table[0]] if table else []
    refuse_typing_errors(header, COLUMNS)
    if not {"code", "name"} & set(header) or not set(NEEDED) <= set(header) or len(set(header)) < len(header):
        raise Rejected(
            "clinical-file", f"the clinical table has other columns; expected {', '.join(COLUMNS)}, each once"
        )
    rows = []
    for number, cells in enumerate(table[1:], 2):
        if len(cells) != len(header):
            raise Rejected("clinical-row", f"row {number}: {len(cells)} cells; expected {len(header)}")
        row = dict(zip(header, (cell.strip() for cell in cells), strict=True))
        rows.append({name: row.get(name, "") for name in COLUMNS} | {"name": row.get("name", "").lower()})
    return rows


def _cells(text: str) -> list[list[str]]:
    first = text.lstrip().partition("\n")[0]
    delimiter = ";" if ";" in first and "," not in first else ","
    try:
        return [row for row in csv.reader(io.StringIO(text), delimiter=delimiter, strict=True) if any(row)]
    except csv.Error:
        raise Rejected(
            "clinical-file", "the clinical table cannot be read as CSV; expected one value per row"
        ) from None


def _value(row: Row) -> Raw | None:
    """The value of a row; none where there is no value, or of a quantity that we do not know."""
    table = mapping.load()
    coded = table.name([_code(row["code"], "loinc")])
    named = row["name"] if row["name"] in table.quantities else None
    if not row["value"] or not (coded or named):
        return None
    fault = "its code and its name mean two quantities" if coded and named and coded != named else ""
    return Raw(named or coded, row["value"], row["unit"], row["time"], sources=(row["source"],), fault=fault)


def _event(row: Row) -> RawEvent:
    usual = {"medication": "atc", "outcome": "icd-10"}[row["name"]]
    return RawEvent(row["name"], (_code(row["code"], usual),), row["time"])


def _code(text: str, system: str) -> str:
    return text if ":" in text else f"{system}:{text}"
