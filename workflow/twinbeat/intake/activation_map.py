"""An activation map: when points of the heart are activated, as electro-anatomical mapping exports it.

    x,y,z,time
    -12.4,33.0,101.7,14
    ...

A CSV table with a point per row: x, y, z in mm in the patient coordinates (LPS) of the images, to which the map has to
be registered before, and its local activation time in ms from any reference. Columns of other names are left out.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..verdicts import Rejected
from . import spreadsheet

COLUMNS = ("x", "y", "z", "time")
SPAN = (5.0, 400.0)
"""Least and largest ms from the first to the last time of a left ventricle; others are in another unit."""


class ActivationMap(NamedTuple):
    """``points`` (point, 3) in mm (LPS) and ``times`` (point,) in ms."""

    points: NDArray[np.float64]
    times: NDArray[np.float64]


def read(path: str | Path) -> ActivationMap:
    """The map of a file. Raises Rejected("activation-map") where it is none or its times cannot be ms."""
    rows = spreadsheet.rows(path, COLUMNS, code="activation-map")
    values = np.array([[row.number(name) for name in COLUMNS] for row in rows])
    span = float(np.ptp(values[:, 3]))
    if len(values) > 1 and not SPAN[0] <= span <= SPAN[1]:
        expected = f"expected {SPAN[0]:g} to {SPAN[1]:g} ms from the first to the last"
        raise Rejected("activation-map", f"the times of the map are {span:g} apart; {expected}")
    return ActivationMap(values[:, :3], values[:, 3])
