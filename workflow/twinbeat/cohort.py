"""The table of patients: which pseudonym has its DICOM where."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from .parameters import ConfigurationError

COLUMNS = ("patient", "dicom", "clinical", "truth", "group")
OPTIONAL = ("activation", "strain")
"""Columns of further measurements that a table may leave out."""
PSEUDONYM = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
MADE_BY_RULES = Path("data/phantoms")
FETCHED = (".zip", ".yaml")
"""Sources of DICOM that are no folder: see twinbeat.intake.sources."""

Row = dict[str, str]


def read_patients(path: str | Path) -> dict[str, Row]:
    """Rows of the tab-separated table by pseudonym; optional cells are empty texts.

    Files and folders must be there, unless a rule makes them. Raises ConfigurationError with one line per fault.
    """
    numbered = _rows(Path(path))
    if not numbered:
        raise ConfigurationError(f"{path}: no patients; expected a row below the header")
    if faults := [*_duplicates(numbered), *(fault for item in numbered.items() for fault in _faults(*item))]:
        raise ConfigurationError("\n".join(f"{path}: {fault}" for fault in faults))
    return {row["patient"]: row for row in numbered.values()}


def _rows(path: Path) -> dict[int, Row]:
    """Rows by line number. Raises ConfigurationError where the table itself cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}); expected the table of patients") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not UTF-8 text; expected a tab-separated table") from None
    table = [(number, _cells(line)) for number, line in enumerate(lines, 1) if line.strip()]
    _check_header(path, table[0][1] if table else [])
    _check_widths(path, table)
    return {number: dict(zip(table[0][1], cells, strict=True)) for number, cells in table[1:]}


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter="\t", quoting=csv.QUOTE_NONE))]


def _check_header(path: Path, header: list[str]) -> None:
    expected = f"expected the columns {', '.join(COLUMNS)}, separated by tabs, and perhaps {', '.join(OPTIONAL)}"
    known = (*COLUMNS, *OPTIONAL)
    faults = [f"unknown column {name!r}" for name in header if name not in known]
    faults += [f"no column {name!r}" for name in COLUMNS if name not in header]
    faults += [f"column {name!r} is there {header.count(name)} times" for name in known if header.count(name) > 1]
    if faults:
        raise ConfigurationError("\n".join(f"{path}: {fault}; {expected}" for fault in faults))


def _check_widths(path: Path, table: list[tuple[int, list[str]]]) -> None:
    width = len(table[0][1])
    faults = [f"line {n}: {len(cells)} cells; expected {width}" for n, cells in table if len(cells) != width]
    if faults:
        raise ConfigurationError("\n".join(f"{path}: {fault}" for fault in faults))


def _duplicates(rows: dict[int, Row]) -> Iterator[str]:
    first: dict[str, int] = {}
    for number, row in rows.items():
        name = row["patient"]
        if name in first:
            yield f"line {number}: pseudonym {name!r} is there already, in line {first[name]}"
        first.setdefault(name, number)


def _faults(number: int, row: Row) -> Iterator[str]:
    if not PSEUDONYM.fullmatch(row["patient"]):
        yield f"line {number}: patient: expected letters, digits and hyphens such as p-001, got {row['patient']!r}"
    if not row["dicom"]:
        yield f"line {number}: dicom: empty; expected a folder, .zip or .yaml (request to a PACS)"
    elif not _is_made(row["dicom"]) and not _is_source(Path(row["dicom"])):
        yield f"line {number}: dicom: no such folder, .zip or .yaml (request to a PACS) {row['dicom']!r}"
    for column in ("clinical", "truth", *OPTIONAL):
        if row.get(column) and not _is_made(row[column]) and not Path(row[column]).exists():
            yield f"line {number}: {column}: no such file {row[column]!r}"


def _is_source(path: Path) -> bool:
    return path.is_dir() or (path.is_file() and path.suffix.lower() in FETCHED)


def _is_made(path: str) -> bool:
    return Path(path).is_relative_to(MADE_BY_RULES)
