"""Strain of AHA segments over time, as software for tags or feature tracking exports it.

    segment,direction,time,strain,sigma
    7,circumferential,0,0,0.02
    7,circumferential,35,-0.041,0.02
    ...

A CSV table with a row per segment (1 to 17), direction (circumferential, longitudinal or fiber) and time in ms after
the R wave. The strain is the change of a length over the length at end-diastole, of the whole thickness of the wall,
-0.2 where it has become a fifth shorter; ``sigma`` is its standard deviation and may be missing, as any row may.
Columns of other names are left out.
"""

from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import spreadsheet
from .spreadsheet import Row

COLUMNS = ("segment", "direction", "time", "strain")
DIRECTIONS = ("circumferential", "longitudinal", "fiber")
SEGMENTS = 17
LARGEST = 0.8
"""Size of a strain beyond which it cannot be one: percent, most likely."""

Array = NDArray[np.float64]


class Curve(NamedTuple):
    """The strain of a segment in a direction at ``times`` (time,) in ms, in their order; ``sigma`` (time,) is its
    standard deviation, none where the file has none."""

    direction: str
    segment: int
    times: Array
    strain: Array
    sigma: Array | None


def read(path: str | Path) -> tuple[Curve, ...]:
    """The curves of a file by direction and segment. Raises Rejected("strain") where it is none."""
    rows = spreadsheet.rows(path, COLUMNS, ("sigma",), code="strain")
    grouped: dict[tuple[str, int], dict[float, Row]] = defaultdict(dict)
    for row in rows:
        curve, time = grouped[_direction(row), _segment(row)], row.number("time")
        if time in curve:
            raise row.fault(f"segment {_segment(row)} has that time already, in line {curve[time].line}")
        curve[time] = row
    return tuple(_curve(*key, rows) for key, rows in sorted(grouped.items()))


def _curve(direction: str, segment: int, rows: dict[float, Row]) -> Curve:
    times = sorted(rows)
    strain = np.array([_strain(rows[time]) for time in times])
    known = "sigma" in rows[times[0]].cells
    return Curve(
        direction, segment, np.array(times), strain, np.array([_sigma(rows[t]) for t in times]) if known else None
    )


def _direction(row: Row) -> str:
    if (found := row.cells["direction"].lower()) not in DIRECTIONS:
        raise row.fault(f"the direction is none of {', '.join(DIRECTIONS)}")
    return found


def _segment(row: Row) -> int:
    if (found := row.number("segment")) not in range(1, SEGMENTS + 1):
        raise row.fault(f"segment {found:g}; expected an AHA segment, 1 to {SEGMENTS}")
    return int(found)


def _strain(row: Row) -> float:
    if abs(found := row.number("strain")) > LARGEST:
        raise row.fault(f"strain {found:g}; expected a share of the length such as -0.2, not percent")
    return found


def _sigma(row: Row) -> float:
    if (found := row.number("sigma")) <= 0:
        raise row.fault(f"sigma {found:g}; expected a standard deviation above 0")
    return found
