"""Contours of the walls in the slices of an image, and which slices hold the ventricle."""

from collections.abc import Callable, Sequence
from itertools import pairwise, takewhile
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from skimage.measure import find_contours

from ..verdicts import Quarantined

Array = NDArray[np.float64]
BLOOD, MUSCLE = 1, 2  # labels
SPACING = 2.5  # mm along a contour
RAYS = 72
SMALLEST = 12.0  # mm of contour; anything less is a speck
THINNEST = 1.5  # mm of muscle that count as a wall in a slice
RING = 0.9  # share of the rays that must cross a wall in a complete ring
BASAL = 0.75  # a ring near the base is at least this share of the longest: the aortic root and the atrium are not
JUMP = 10.0  # mm between the centres of neighbouring slices: more is no breath-hold
COMPACT = 0.6  # least 4π area / length² of an epicardium, 1 for the circle


class Slice(NamedTuple):
    """Position along the slice normal (mm) and the contours (n, 3) in LPS mm, evenly spaced, or None."""

    position: float
    endo: Array | None
    epi: Array | None

    @property
    def centre(self) -> Array:
        """Centre of the endocardium, or of the epicardium beyond the cavity, LPS mm."""
        return (self.epi if self.endo is None else self.endo).mean(axis=0)

    @property
    def widest(self) -> Array:
        """The epicardium, or the endocardium where that is all there is."""
        return self.endo if self.epi is None else self.epi


def stack(labels: xr.Dataset) -> list[Slice]:
    """All slices of a frame, in the order of their positions: contours of LV blood, and of LV blood and muscle."""
    masks = [within(labels, tissue) for tissue in ((BLOOD,), (BLOOD, MUSCLE))]
    z, y, x = (labels[axis].values.astype(np.float64) for axis in "zyx")
    origin, directions = labels["origin"].values, labels["directions"].values

    def lifted(k: int, mask: Array) -> Array | None:
        contour = outline(mask[k], y, x)
        return None if contour is None else origin + z[k] * directions[0] + contour @ directions[1:]

    return [Slice(float(z[k]), *(lifted(k, mask) for mask in masks)) for k in np.argsort(z)]


def within(labels: xr.Dataset, tissue: tuple[int, ...]) -> Array:
    """Probability of these labels, on the side of 0.5 where the labels have it: they know what the ventricle is."""
    probability = labels["probability"].isel(label=list(tissue)).sum("label").values.astype(np.float64)
    inside = np.isin(labels["labels"].values, tissue)
    return np.where(inside, np.maximum(probability, 0.51), np.minimum(probability, 0.49))


def outline(probability: Array, y: Array, x: Array) -> Array | None:
    """The longest closed contour at 0.5 of a slice (y, x), as (n, 2) points (y, x) in mm, evenly spaced."""
    padded = find_contours(np.pad(probability, 1), 0.5)
    rows, columns = np.arange(-1, len(y) + 1), np.arange(-1, len(x) + 1)
    y, x = (np.concatenate([[2 * v[0] - v[1]], v, [2 * v[-1] - v[-2]]]) for v in (y, x))
    loops = [np.stack([np.interp(c[:, 0] - 1, rows, y), np.interp(c[:, 1] - 1, columns, x)], 1) for c in padded]
    longest = max(loops, key=length, default=None)
    return None if longest is None or length(longest) < SMALLEST else _even(longest)


def length(contour: Array) -> float:
    """Length of a closed contour (n, dimension), in mm."""
    return float(np.linalg.norm(np.roll(contour, -1, axis=0) - contour, axis=1).sum())


def compactness(contour: Array) -> float:
    """4π area / length² of a flat closed contour (n, 3): 1 for the circle."""
    spokes = contour - contour.mean(axis=0)
    area = np.linalg.norm(np.cross(spokes, np.roll(spokes, -1, axis=0)).sum(axis=0)) / 2
    return float(4 * np.pi * area / length(contour) ** 2)


def _even(loop: Array) -> Array:
    """The closed loop (last point = first) at even steps of about SPACING."""
    arc = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(loop, axis=0), axis=1))])
    at = np.linspace(0, arc[-1], max(8, round(arc[-1] / SPACING)), endpoint=False)
    return np.stack([np.interp(at, arc, coordinate) for coordinate in loop.T], axis=1)


def ventricle(stack: Sequence[Slice]) -> list[Slice]:
    """The slices of the ventricle, base first: from the widest cavity up to the last good ring, and down to the apex.

    Raises Quarantined: no-ventricle.
    """
    sizes = [0.0 if part.endo is None else length(part.endo) for part in stack]
    if not any(sizes):
        raise Quarantined("no-ventricle", "no LV blood in any slice at end-diastole")
    widest = int(np.argmax(sizes))
    sides = [list(stack[widest::-1]), list(stack[widest:])]
    up, down = sides if _tapers(stack, widest) else sides[::-1]
    basal = _run(up, lambda part: _is_ring(part) and length(part.endo) > BASAL * max(sizes))
    apical = _run([_plausible(part) for part in down], lambda part: part.endo is not None or part.epi is not None)
    return [_plausible(part) for part in basal[:0:-1]] + apical


def _plausible(part: Slice) -> Slice:
    """The slice without an epicardium that is no closed ring but ragged or open."""
    return part if part.epi is None or compactness(part.epi) > COMPACT else part._replace(epi=None)


def _tapers(stack: Sequence[Slice], middle: int) -> bool:
    """Whether the epicardium tapers along the unbroken run of slices around the middle one."""
    gaps = [-1, *(k for k, part in enumerate(stack) if part.epi is None), len(stack)]
    low, high = max(k for k in gaps if k < middle), min(k for k in gaps if k > middle)
    sizes = [length(part.epi) for part in stack[low + 1 : high]]
    return len(sizes) > 1 and np.polyfit(np.arange(len(sizes)), sizes, 1)[0] < 0


def _run(slices: Sequence[Slice], good: Callable[[Slice], bool]) -> list[Slice]:
    """The slices from the first on, as long as each is good and lies above the one before."""
    steady = (good(two) and _beside(one, two) < JUMP for one, two in pairwise(slices))
    return [slices[0], *(part for part, _ in zip(slices[1:], takewhile(bool, steady), strict=False))]


def _beside(one: Slice, two: Slice) -> float:
    """How far the centre of a slice lies beside that of its neighbour, in its plane, mm."""
    return float(np.sqrt(max(0.0, np.sum((two.centre - one.centre) ** 2) - (two.position - one.position) ** 2)))


def _is_ring(part: Slice) -> bool:
    """Whether muscle surrounds the blood: seen from the centre, the wall is thick enough along nearly all rays."""
    if part.endo is None or part.epi is None:
        return False
    plane = np.linalg.svd(part.endo - part.centre, full_matrices=False)[2][:2]
    inner, outer = (_radii((wall - part.centre) @ plane.T) for wall in (part.endo, part.epi))
    return bool(np.mean(outer - inner > THINNEST) >= RING)


def _radii(contour: Array) -> Array:
    """Distance of a contour (n, 2) from the origin along even rays."""
    rays = np.linspace(-np.pi, np.pi, RAYS, endpoint=False)
    return np.interp(rays, np.arctan2(*contour.T[::-1]), np.hypot(*contour.T), period=2 * np.pi)
