"""From probabilities to labels that obey anatomy, in space and over the cycle.

Arrays are (time, z, y, x) unless said otherwise; the cycle is closed: the frame after the last is the first.
"""

from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .grid import Array
from .outline import Mask, closed, opened, solidity

BLOOD, MYOCARDIUM, RV = 1, 2, 3
Labels = NDArray[np.uint8]
_SURE = 0.75
"""Mean highest probability of a ventricle in a slice for the slice to lie in the ventricle: of synthetic slices with
less, most that the network took for a ventricle were none; of those with more, nearly all were one."""
_CLOSED = 0.5
"""Share of the rim of the blood that must be muscle (Schulz-Menger et al. 2020: half of it in the most basal slice)."""
_SOLID = 0.85
"""Least share of its convex hull that a ventricle fills in a slice. In the truth of phantoms it is 0.94 and more; what
the network sees above their base (atrium and outflow) fills 0.6."""
_SPECK = 0.1
"""Least share that a piece of the RV has of the largest one in its slice. The truth of phantoms and synthetic stacks
has hardly any smaller one; dropping them takes the network's RV of phantoms from 0.934 to 0.936."""
_WIDENED = 1.25
"""How many times as wide as where it was narrowest the RV may get on the way to the apex: what widens again is the fat
below the heart, which is as bright as blood."""
_LEAST = 8
"""Fewest pixels of a ventricle in a slice."""


def smooth_in_time(probability: Array) -> Array:
    """Average (label, time, z, y, x) with the frames before and after: a fifth of each where the cycle has 25 frames or
    more, less where frames lie further apart."""
    weight = np.float32(0.2 * min(1.0, probability.shape[1] / 25))
    neighbours = np.roll(probability, 1, axis=1) + np.roll(probability, -1, axis=1)
    return (1 - 2 * weight) * probability + weight * neighbours


def labels(probability: Array, pixel_size: float) -> Labels:
    """Labels of probabilities (label, time, z, y, x): one ventricle, closed by its wall, and the RV beside it.

    Pixels measure ``pixel_size`` mm.
    """
    likely = probability.argmax(0).astype(np.uint8)
    ventricle = largest_component((likely == BLOOD) | (likely == MYOCARDIUM))
    left = np.where(ventricle, likely, 0).astype(np.uint8)
    if not left.any():
        return left
    present = presence(left, probability.max(0))[..., None, None]
    result = _over_slices(partial(tidy, pixel_size=pixel_size), np.where(present, left, 0).astype(np.uint8))
    if not result.any():
        return result
    right = largest_component((likely == RV) & (result == 0))
    right = _over_slices(_without_specks, right) & (result == 0)
    result[right & narrowing(right, result > 0)[:, None, None]] = RV
    return result


def largest_component(mask: Mask) -> Mask:
    """The largest connected part of a mask of any dimension; all of an empty one."""
    parts, count = ndimage.label(mask)
    if count < 2:
        return mask
    return parts == 1 + int(np.bincount(parts.ravel())[1:].argmax())


def _without_specks(mask: Mask) -> Mask:
    """A slice (y, x) without holes, and without pieces that are small beside its largest one."""
    parts, _ = ndimage.label(ndimage.binary_fill_holes(mask))
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return (sizes >= _SPECK * sizes.max())[parts] & (parts > 0)


def narrowing(right: Mask, left: Mask) -> Mask:
    """The slices (z) up to which the right ventricle narrows on the way to the apex.

    The apex is at the end where the left ventricle is smaller. ``right`` and ``left`` are (time, z, y, x).
    """
    size, beside = (mask.sum((0, 2, 3)) for mask in (right, left))
    seen = np.flatnonzero(beside)
    along = slice(None, None, -1 if beside[seen[0]] < beside[seen[-1]] else 1)
    size = size[along]
    apical = np.arange(len(size)) > size.argmax()
    least = np.minimum.accumulate(np.where(apical, size, size.max()))
    widened = apical & (size > _WIDENED * least)
    return (~np.logical_or.accumulate(widened))[along]


def tidy(likely: Labels, pixel_size: float) -> Labels:
    """One slice (y, x): one round pool of blood without holes, inside one round wall without gaps."""
    ventricle = opened(ndimage.binary_fill_holes(largest_component(likely > 0)), pixel_size)
    blood = ndimage.binary_fill_holes(largest_component((likely == BLOOD) & ventricle))
    blood = closed(blood, pixel_size) & ventricle
    ventricle |= ndimage.binary_dilation(blood)
    return np.where(blood, BLOOD, np.where(ventricle, MYOCARDIUM, 0)).astype(np.uint8)


def enclosure(likely: Labels) -> float:
    """The share of the rim around the blood of a slice (y, x) that is muscle; 1 where there is no blood."""
    blood = likely == BLOOD
    rim = ndimage.binary_dilation(blood) & ~blood
    return float((likely[rim] == MYOCARDIUM).mean()) if rim.any() else 1.0


def presence(ventricle: Labels, certainty: Array) -> Mask:
    """In which slices (time, z) the ventricle is.

    There it is sure, half closed, solid, steady over a fifth of the cycle, and without gaps along z. As its base only
    comes down from where it is when the ventricle is fullest, and is lowest when it is emptiest, a slice outside of it
    in the first of these frames is outside in all, and one inside in both is inside in all. ``certainty`` is the
    highest probability of each voxel.
    """
    inside = ventricle > 0
    size = inside.sum((2, 3))
    sure = (certainty * inside).sum((2, 3)) >= _SURE * size
    shaped = np.array([[_shaped(slice_) for slice_ in frame] for frame in ventricle])
    sound = (sure & shaped & (size >= _LEAST)).astype(np.uint8)
    width = 2 * round(len(ventricle) / 10) + 1
    steady = ndimage.median_filter(sound, size=(width, 1), mode="wrap").astype(bool)
    middle = _middle(inside)
    present = np.stack([_run(row, middle) for row in steady])
    pool = ((ventricle == BLOOD).sum((2, 3)) * present.all(0)).sum(1)
    return (present | present[pool.argmin()]) & present[pool.argmax()]


def _shaped(likely: Labels) -> bool:
    """Whether a slice (y, x) shows the outline of a ventricle, half closed by muscle."""
    return enclosure(likely) >= _CLOSED and solidity(largest_component(likely > 0)) >= _SOLID


def _middle(ventricle: Mask) -> int:
    """The slice that halves the ventricle's volume over the cycle."""
    share = ventricle.sum((0, 2, 3)).cumsum()
    return int(np.searchsorted(share, share[-1] / 2))


def _run(present: Mask, anchor: int) -> Mask:
    """The slices around ``anchor`` that are present; single gaps inside are bridged."""
    bridged = ndimage.binary_closing(np.pad(present, 1), np.ones(3))[1:-1] | present
    parts, _ = ndimage.label(bridged)
    return (parts == parts[anchor]) & (parts > 0)


def _over_slices(operation, stack):
    slices = stack.reshape(-1, *stack.shape[2:])
    done = [operation(slice_) if slice_.any() else slice_ for slice_ in slices]
    return np.stack(done).reshape(stack.shape)
