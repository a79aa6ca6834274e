"""Labels of a volume (CT), whatever its planes, as a short-axis stack of thin slices: then all goes the way of MR."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from ..verdicts import Quarantined
from .slices import BLOOD, MUSCLE

Array = NDArray[np.float64]
FLAT = 2.0  # least ratio of slice spacing to pixel of a stack; less is a volume
STEP = 2.0  # mm between the new slices, which are no staircase any more, and between their samples
ROOM = 6.0  # mm of stack beyond the ventricles
EDGE = 1.0  # mm, standard deviation of the smoothing of the labels' voxels


def short_axis(labels: xr.Dataset) -> xr.Dataset:
    """The end-diastolic frame of a volume as a stack across the left ventricle's axis; a stack is returned as it is.

    Raises Quarantined: no-ventricle.
    """
    steps = [abs(float(labels[axis][1] - labels[axis][0])) for axis in "zyx"]
    if steps[0] > FLAT * max(steps[1:]):
        return labels
    frame = labels.isel(time=[int(labels["end_diastole"])])
    heart = _places(frame, (1, 2, 3))
    if not (frame["labels"].values == BLOOD).any():
        raise Quarantined("no-ventricle", "no LV blood in any slice at end-diastole")
    axes = _axes(frame)
    reach = heart @ axes.T
    low, high = reach.min(axis=0) - ROOM, reach.max(axis=0) + ROOM
    coordinates = [np.arange(a, b, STEP) for a, b in zip(low, high, strict=True)]
    return _sampled(frame, axes, coordinates, steps)


def _places(frame: xr.Dataset, tissues: tuple[int, ...]) -> Array:
    """LPS mm (n, 3) of the voxels with these labels."""
    found = np.nonzero(np.isin(frame["labels"].values[0], tissues))
    mm = np.stack([frame[axis].values[index] for axis, index in zip("zyx", found, strict=True)], axis=1)
    return frame["origin"].values + mm @ frame["directions"].values


def _axes(frame: xr.Dataset) -> Array:
    """Unit vectors (3, 3) in LPS: along the long axis of the left ventricle from the apex, and two across it.

    The axis is the longest of the blood; it points to where the muscle does not reach.
    """
    blood, muscle = _places(frame, (BLOOD,)), _places(frame, (MUSCLE,))
    middle = blood.mean(axis=0)
    axes = np.linalg.svd(np.cov((blood - middle).T))[0].T
    if len(muscle) and (muscle.mean(axis=0) - middle) @ axes[0] > 0:
        axes[0] *= -1
    axes[2] = np.cross(axes[0], axes[1])
    return axes


def _sampled(frame: xr.Dataset, axes: Array, coordinates: list[Array], steps: list[float]) -> xr.Dataset:
    """The labels on the grid of these coordinates along the axes, from probabilities that are a little smoothed."""
    lps = np.stack(np.meshgrid(*coordinates, indexing="ij"), axis=-1) @ axes
    mm = (lps - frame["origin"].values) @ frame["directions"].values.T
    starts = [float(frame[axis][0]) for axis in "zyx"]
    signs = [float(frame[axis][1] - frame[axis][0]) for axis in "zyx"]
    places = np.moveaxis((mm - starts) / signs, -1, 0)
    blur = [EDGE / step for step in steps]
    shares = [
        map_coordinates(gaussian_filter(part[0].astype(np.float64), blur), places, order=1, mode="nearest")
        for part in frame["probability"].values
    ]
    share = np.stack(shares)
    first = np.array([axis[0] for axis in coordinates])
    return xr.Dataset(
        {
            "labels": (("time", "z", "y", "x"), share.argmax(axis=0)[None]),
            "probability": (("label", "time", "z", "y", "x"), share[:, None]),
            "origin": (("component",), first @ axes),
            "directions": (("axis", "component"), axes),
            "end_diastole": ((), 0),
        },
        coords={name: axis - axis[0] for name, axis in zip("zyx", coordinates, strict=True)},
    )
