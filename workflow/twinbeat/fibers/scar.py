"""Scar and its border zone, from late enhancement or from the segments that a reader named."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .regions import wall

Array = NDArray[np.float64]
HEALTHY, BORDER, SCAR = 0, 1, 2


def tissue(anatomy: xr.Dataset, scar: NDArray[np.bool_], border: float) -> NDArray[np.int64]:
    """Kind of each cell (cell,): 2 scar, 1 muscle with its centre within ``border`` mm of a node of scar, else 0."""
    points, cells = anatomy["points"].values, anatomy["cells"].values
    muscle = np.isin(np.arange(len(cells)), wall(anatomy))
    found = np.where(scar & muscle, SCAR, HEALTHY)
    if border > 0 and (found == SCAR).any():
        others = np.flatnonzero(muscle & (found == HEALTHY))
        away, _ = cKDTree(points[np.unique(cells[found == SCAR])]).query(points[cells[others]].mean(axis=1))
        found[others[away <= border]] = BORDER
    return found


def scarred(anatomy: xr.Dataset, labels: xr.Dataset, segments: Sequence[int]) -> NDArray[np.bool_]:
    """Whether each cell (cell,) is scar: by the ``enhancement`` of the labels, or without one by its AHA segment."""
    if "enhancement" not in labels:
        return np.isin(anatomy["segment"].values, segments)
    to_lps = anatomy["to_lps"].values
    centres = anatomy["points"].values[anatomy["cells"].values].mean(axis=1)
    return enhanced(labels, imaged(anatomy, labels, centres @ to_lps[:3, :3].T + to_lps[:3, 3]))


def imaged(anatomy: xr.Dataset, labels: xr.Dataset, points: Array) -> Array:
    """Where points (n, 3) in LPS mm of a mesh that is freed of breath-holds lie in the stack it was made from."""
    if "slice_shift" not in anatomy:
        return points
    heights = (points - labels["origin"].values) @ labels["directions"].values[0]
    nearest = np.abs(heights[:, None] - anatomy["slice_position"].values).argmin(axis=1)
    return points + anatomy["slice_shift"].values[nearest]


def enhanced(labels: xr.Dataset, points: Array) -> NDArray[np.bool_]:
    """Whether points (n, 3) in LPS mm lie in a voxel of the ``enhancement`` (z, y, x); beyond the stack none does."""
    along = (points - labels["origin"].values) @ labels["directions"].values.T
    nearest = []
    for place, name in zip(along.T, ("z", "y", "x"), strict=True):
        half = np.abs(np.diff(labels[name].values)).max() / 2
        nearest.append(labels.indexes[name].get_indexer(place, method="nearest", tolerance=half))
    inside = np.min(nearest, axis=0) >= 0  # -1 is beyond the tolerance
    return inside & (labels["enhancement"].values[tuple(nearest)] > 0)
