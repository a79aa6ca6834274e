"""The segments of the American Heart Association (Cerqueira et al. 2002, doi 10.1161/hc0402.102975)."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .regions import ENDOCARDIUM, LEFT_WALL, cell_tags, on

Index = NDArray[np.int64]
SEGMENTS = np.arange(1, 18)
"""Their numbers."""


def segments(anatomy: xr.Dataset) -> Index:
    """Segment of each cell (cell,), 1 to 17, and 0 outside the wall of the left ventricle.

    Thirds of the cavity's length below the base: 1-6, 7-12, 13-16; 17 is the muscle beyond the cavity. Angles are
    counted from the middle of the septum towards the anterior wall.
    """
    x, y, z = anatomy["points"].values[anatomy["cells"].values].mean(axis=1).T
    cavity_apex = anatomy["points"].values[on(anatomy, ENDOCARDIUM), 2].min()
    third = np.clip(3 * z / cavity_apex, 0, None).astype(np.int64)
    angle = np.degrees(np.arctan2(y, x)) % 360
    sixth = np.array([2, 1, 6, 5, 4, 3])[(angle // 60).astype(np.int64) % 6]
    quarter = np.array([14, 13, 16, 15])[((angle + 45) // 90).astype(np.int64) % 4]
    found = np.choose(np.minimum(third, 3), [sixth, sixth + 6, quarter, np.full_like(sixth, SEGMENTS[-1])])
    return np.where(cell_tags(anatomy) == LEFT_WALL, found, 0)
