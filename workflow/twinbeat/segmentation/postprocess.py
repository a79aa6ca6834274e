"""From probabilities to labels that obey anatomy, in space and over the cycle.

Arrays are (time, z, y, x) unless said otherwise; the cycle is closed: the frame after the last is the first.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull

from .grid import Array

BLOOD, MYOCARDIUM, RV = 1, 2, 3
Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
_CLOSED = 0.6
"""Share of the rim of the blood that must be muscle for a slice to lie in the ventricle and not above its base."""
_SURE = 0.8
"""Mean highest probability of a ventricle in a slice for the slice to lie in the ventricle."""
_FIT = 0.75
"""Share of a ventricle in a slice that must have the signal of blood or muscle, as its label says."""
_LIT = 0.3
"""Share of a pool that must be brighter than muscle; else it is muscle."""
_LEAST = 8
"""Fewest pixels of a ventricle in a slice."""
_REACH = 6
"""Pixels by which the ventricle of a slice may stand out from those before: breath-holds differ."""


def smooth_in_time(probability: Array) -> Array:
    """Average (label, time, z, y, x) with the frames before and after: a fifth of each where the cycle has 25 frames or
    more, less where frames lie further apart."""
    weight = np.float32(0.2 * min(1.0, probability.shape[1] / 25))
    neighbours = np.roll(probability, 1, axis=1) + np.roll(probability, -1, axis=1)
    return (1 - 2 * weight) * probability + weight * neighbours


def labels(probability: Array, signal: Array) -> Labels:
    """Labels of probabilities (label, time, z, y, x) of an image ``signal``: one ventricle, closed by its wall, and the
    RV beside it."""
    likely = probability.argmax(0).astype(np.uint8)
    ventricle = coherent(largest_component((likely == BLOOD) | (likely == MYOCARDIUM)))
    left = np.where(ventricle, likely, 0).astype(np.uint8)
    if not left.any():
        return left
    left, fit = looks(left, signal)
    present = presence(left, fit, probability.max(0))
    result = _over_slices(tidy, np.where(present[..., None, None], left, 0).astype(np.uint8))
    right = largest_component((likely == RV) & (result == 0) & present[..., None, None])
    right = _over_slices(ndimage.binary_fill_holes, right) & (result == 0)
    result[right] = RV
    return result


def looks(left: Labels, signal: Array) -> tuple[Labels, NDArray[np.float64]]:
    """The ventricle with blood that looks like muscle turned into muscle, and how much of the ventricle of each slice
    (time, z) has the signal of its label: muscle and blood look alike in all slices.

    A pool as dark as muscle is the apical cap; of a bright one, papillary muscles may stand inside it, not beside it.
    """
    relative = _relative(left, signal)
    bright = relative > 0.5
    blood = left == BLOOD
    for pool, lit in zip(_slices(blood), _slices(bright), strict=True):
        _cut(pool, lit)
    dark = (bright & blood).sum((2, 3)) < _LIT * blood.sum((2, 3))
    blood &= ~dark[..., None, None]
    mended = np.where((left == BLOOD) & ~blood, MYOCARDIUM, left).astype(np.uint8)
    fits = np.where(blood, bright, (mended == MYOCARDIUM) & ~bright & (relative > -0.35))
    return mended, fits.sum((2, 3)) / np.maximum((mended > 0).sum((2, 3)), 1)


def _relative(left: Labels, signal: Array) -> Array:
    """Signals on the scale on which the stack's median muscle has 0 and its median blood 1."""
    blood, muscle = (
        np.median(signal[left == label]) if (left == label).any() else 0.0 for label in (BLOOD, MYOCARDIUM)
    )
    return (signal - muscle) / (blood - muscle if blood != muscle else 1.0)


def _cut(pool: Mask, bright: Mask) -> None:
    """Take from a pool (y, x), in place, what lies a pixel or more outside of the convex hull of its bright part."""
    core = ndimage.binary_opening(pool & bright)
    if core.sum() < _LEAST:
        return
    hull = ConvexHull(np.argwhere(core), qhull_options="QJ")
    places = np.argwhere(pool)
    beyond = (places @ hull.equations[:, :2].T + hull.equations[:, 2] > 1).any(1)
    pool[tuple(places[beyond].T)] = False


def _slices(stack: NDArray) -> NDArray:
    """A view (time * z, y, x)."""
    return stack.reshape(-1, *stack.shape[2:])


def largest_component(mask: Mask) -> Mask:
    """The largest connected part of a mask of any dimension; all of an empty one."""
    parts, count = ndimage.label(mask)
    if count < 2:
        return mask
    return parts == 1 + int(np.bincount(parts.ravel())[1:].argmax())


def tidy(likely: Labels) -> Labels:
    """One slice (y, x): one pool of blood without holes, inside one wall without gaps."""
    ventricle = ndimage.binary_fill_holes(largest_component(likely > 0))
    blood = ndimage.binary_fill_holes(largest_component((likely == BLOOD) & ventricle))
    ventricle |= ndimage.binary_dilation(blood)
    return np.where(blood, BLOOD, np.where(ventricle, MYOCARDIUM, 0)).astype(np.uint8)


def enclosure(likely: Labels) -> float:
    """The share of the rim around the blood of a slice (y, x) that is muscle; 1 where there is no blood."""
    blood = likely == BLOOD
    rim = ndimage.binary_dilation(blood) & ~blood
    return float((likely[rim] == MYOCARDIUM).mean()) if rim.any() else 1.0


def coherent(ventricle: Mask) -> Mask:
    """From the middle slice outwards, what lies within the ventricle of the slices before, or close around it.

    A slice of which less than half is left shows something else.
    """
    kept = np.zeros_like(ventricle)
    middle = _middle(ventricle)
    for order in (range(middle, ventricle.shape[1]), range(middle, -1, -1)):
        for frame, result in zip(ventricle, kept, strict=True):
            _outwards(frame, result, order)
    return kept


def _middle(ventricle: Mask) -> int:
    """The slice that halves the ventricle's volume over the cycle."""
    share = ventricle.sum((0, 2, 3)).cumsum()
    return int(np.searchsorted(share, share[-1] / 2))


def _outwards(frame: Mask, result: Mask, order: range) -> None:
    """Fill ``result`` (z, y, x) in the given order of slices."""
    before = ndimage.binary_fill_holes(frame[order[0]])
    for z in order:
        inside = frame[z] & ndimage.binary_dilation(before, iterations=_REACH)
        if 2 * inside.sum() > frame[z].sum():
            result[z] = inside
            before = before | inside


def presence(ventricle: Labels, fit: NDArray[np.float64], certainty: Array) -> Mask:
    """In which slices (time, z) the ventricle is.

    There it is closed, sure, of the right signal, steady over a fifth of the cycle, and without gaps along z. As it
    only shortens, a slice outside of it at end-diastole is outside of it in all frames.
    ``certainty`` is the highest probability of each voxel.
    """
    inside = ventricle > 0
    size = inside.sum((2, 3))
    sure = (certainty * inside).sum((2, 3)) >= _SURE * size
    closed = np.array([[enclosure(slice_) >= _CLOSED for slice_ in frame] for frame in ventricle])
    sound = (closed & sure & (fit >= _FIT) & (size >= _LEAST)).astype(np.uint8)
    width = 2 * round(len(ventricle) / 10) + 1
    steady = ndimage.median_filter(sound, size=(width, 1), mode="wrap").astype(bool)
    middle = _middle(inside)
    present = np.stack([_run(row, middle) for row in steady])
    pool = (ventricle == BLOOD).sum((2, 3)) * present.all(0)
    return present & present[pool.sum(1).argmax()]


def _run(present: Mask, anchor: int) -> Mask:
    """The slices around ``anchor`` that are present; single gaps inside are bridged."""
    bridged = ndimage.binary_closing(np.pad(present, 1), np.ones(3))[1:-1] | present
    parts, _ = ndimage.label(bridged)
    return (parts == parts[anchor]) & (parts > 0)


def _over_slices(operation, stack):
    done = [operation(slice_) if slice_.any() else slice_ for slice_ in _slices(stack)]
    return np.stack(done).reshape(stack.shape)
