"""What borders of a ventricle look like in a short-axis slice: round, without spikes and notches."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import convex_hull_image

Mask = NDArray[np.bool_]
ROUND = 10.0
"""Radius in mm of the sharpest bend of a border. It leaves 99.4 % (Dice) of the true muscle of synthetic stacks and
phantoms as it is, brings labels of phantoms nearer to the truth (0.944 to 0.947) and those of synthetic stacks no
further from it."""


def opened(mask: Mask, pixel_size: float) -> Mask:
    """A mask (y, x) without what a disc of ROUND mm does not reach inside of it; smaller ones stay as they are.

    Pixels measure ``pixel_size`` mm. Discs on a grid lose the single pixels that stick out at their four ends.
    """
    within = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    core = pixel_size * within > ROUND
    if not core.any():
        return mask
    return mask & (pixel_size * ndimage.distance_transform_edt(~core) <= ROUND)


def closed(mask: Mask, pixel_size: float) -> Mask:
    """A mask (y, x) with the notches that a disc of ROUND mm does not reach from outside."""
    if not mask.any():
        return mask
    margin = int(np.ceil(ROUND / pixel_size)) + 1
    around = np.pad(mask, margin)
    far = pixel_size * ndimage.distance_transform_edt(~around) > ROUND
    filled = around | (pixel_size * ndimage.distance_transform_edt(~far) > ROUND)
    return filled[margin:-margin, margin:-margin]


def solidity(mask: Mask) -> float:
    """The share of its convex hull that a mask (y, x) fills; 1 for an empty one."""
    return float(mask.sum() / convex_hull_image(mask).sum()) if mask.any() else 1.0
