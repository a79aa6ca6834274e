"""How frames that no reviewer drew follow those that one did.

Viewers hand contours on from frame to frame, so that the volume curve, from which a twin is calibrated, has no jump
where a person drew. Here the change that a reviewer made to the signed distance from each border is carried on,
linearly in time, to the next frame that is decided, around the cycle. Decided are the frames that were drawn, and
end-diastole and end-systole: who drew others and none at or near these has left them as they are.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from .postprocess import BLOOD, MYOCARDIUM, RV
from .quality import Array

Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
REACH = 15.0
"""Distance in mm beyond which a border no longer counts; all of a slice without one lies as far outside."""


def followed(labels: Labels, decided: Mapping[int, Labels], time: Array, cycle: float, pixel: float) -> Labels:
    """``labels`` (time, z, y, x) with the ``decided`` frames (z, y, x) in their places, and the others between them.

    ``time`` and ``cycle`` are in ms, ``pixel`` is the size of one in mm.
    """
    change = {frame: depths(own, pixel) - depths(labels[frame], pixel) for frame, own in decided.items()}
    result = labels.copy()
    for frame, own in decided.items():
        result[frame] = own
    for frame in sorted(set(range(len(labels))) - set(decided)):
        before, after, share = between(frame, sorted(decided), time, cycle)
        moved = (1 - share) * change[before] + share * change[after]
        touched = moved.any((0, 2, 3))
        result[frame, touched] = _labels(depths(labels[frame, touched], pixel) + moved[:, touched])
    return result


def between(frame: int, decided: list[int], time: Array, cycle: float) -> tuple[int, int, float]:
    """The decided frames before and after one on the closed cycle, and where it lies from one (0) to the other (1)."""
    after = next((other for other in decided if other > frame), decided[0])
    before = next((other for other in reversed(decided) if other < frame), decided[-1])
    span = (time[after] - time[before]) % cycle or cycle
    return before, after, float((time[frame] - time[before]) % cycle / span)


def depths(labels: Labels, pixel: float) -> Array:
    """Signed distances (border, z, y, x) in mm within each slice, positive inside: from the border of the pool, of the
    left ventricle with its wall, and of the right one."""
    masks = labels == BLOOD, (labels == BLOOD) | (labels == MYOCARDIUM), labels == RV
    return np.stack([[_depth(slice_, pixel) for slice_ in mask] for mask in masks]).reshape(3, *labels.shape)


def _depth(mask: Mask, pixel: float) -> Array:
    if not mask.any():
        return np.full(mask.shape, -REACH)
    to_outside, to_inside = (distance_transform_edt(part, sampling=pixel) for part in (mask, ~mask))
    half = pixel / 2  # distances are to the centres of pixels, the border is between them
    return np.clip(np.where(mask, to_outside - half, half - to_inside), -REACH, REACH)


def _labels(depth: Array) -> Labels:
    pool, ventricle, right = depth > 0
    return np.where(pool & ventricle, BLOOD, np.where(ventricle, MYOCARDIUM, np.where(right, RV, 0))).astype(np.uint8)
