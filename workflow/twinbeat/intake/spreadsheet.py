"""CSV tables of measurements with a header, whose unknown columns are left out because they may hold identifiers."""

import csv
import io
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..verdicts import Rejected


@dataclass(frozen=True)
class Row:
    """The known cells of a row by the names of their columns, and its line in the file."""

    line: int
    cells: Mapping[str, str]
    code: str

    def number(self, name: str) -> float:
        """The finite number of a cell. Raises Rejected, which does not quote the cell, where it is none."""
        try:
            found = float(self.cells[name])
        except ValueError:
            found = math.nan
        if not math.isfinite(found):
            raise self.fault(f"{name} is no number; expected one with a decimal point")
        return found

    def fault(self, text: str) -> Rejected:
        """What is wrong with the row."""
        return Rejected(self.code, f"line {self.line}: {text}")


def rows(path: str | Path, needed: Collection[str], optional: Collection[str] = (), *, code: str) -> list[Row]:
    """The rows of a table, separated by commas, semicolons or tabs, that has the ``needed`` columns.

    Raises Rejected with ``code`` where it cannot be read or has no row.
    """
    table = _table(Path(path), code)
    header = [name.strip().lower() for name in table[0][1]] if table else []
    if missing := sorted(set(needed) - set(header)):
        raise Rejected(code, f"no column {', '.join(missing)}; expected {', '.join([*needed, *optional])}")
    known = [name for name in (*needed, *optional) if name in header]
    if twice := [name for name in known if header.count(name) > 1]:
        raise Rejected(code, f"the column {twice[0]} is there {header.count(twice[0])} times; expected once")
    found = []
    for line, cells in table[1:]:
        if len(cells) != len(header):
            raise Rejected(code, f"line {line}: {len(cells)} cells; expected {len(header)}")
        found.append(Row(line, {name: cells[header.index(name)].strip() for name in known}, code))
    if not found:
        raise Rejected(code, "no row below the header; expected at least one")
    return found


def _table(path: Path, code: str) -> list[tuple[int, list[str]]]:
    """Lines with their numbers, without empty ones."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        first = text.lstrip().partition("\n")[0]
        separator = max(",;\t", key=first.count)
        reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True)
        return [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except UnicodeDecodeError:
        raise Rejected(code, "the file is not UTF-8 text; expected a CSV table") from None
    except csv.Error:
        raise Rejected(code, "the file cannot be read as CSV; expected a row per line") from None
