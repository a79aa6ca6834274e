"""Contours of the walls at end-diastole, freed of breath-hold shifts, in the heart frame."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..verdicts import Quarantined
from .slices import Slice, length, stack, ventricle

Array = NDArray[np.float64]
Index = NDArray[np.int64]
RIGHT = 3  # label
FEWEST = 4  # slices with an endocardium that a shape can be fitted to
WIDEST = 0.6  # last contour of a stack that ends in the ventricle, as a share of the longest
log = logging.getLogger("twinbeat")


@dataclass(frozen=True)
class Contours:
    """Points of endocardium and epicardium (n, 3) in the heart frame, and where the stack puts their apices.

    ``apex``: of each wall, the z of the lowest slice that shows it and of the next one, which does not; None where the
    stack ends first. ``slices``: the number of the slice of each point, the most basal one first. ``positions``
    (slice,) and ``shifts`` (slice, 3): what was subtracted from each slice, LPS mm.
    """

    walls: tuple[Array, Array]
    apex: tuple[tuple[float, float] | None, tuple[float, float] | None]
    slices: tuple[Index, Index]
    to_lps: Array
    positions: Array
    shifts: Array


def extract(labels: xr.Dataset, without: int = 0) -> Contours:
    """The contours of the end-diastolic frame, leaving out so many of the most basal slices.

    Raises Quarantined: no-ventricle, few-slices, apex-missing, no-septum.
    """
    labels = labels.isel(time=int(labels["end_diastole"]))
    whole = stack(labels)
    slices = ventricle(whole)[without:]
    seen = sum(part.endo is not None for part in slices)
    if seen < FEWEST:
        raise Quarantined("few-slices", f"{seen} slices show the LV cavity below the base, at least {FEWEST} expected")
    shifts = _shifts(slices)
    slices = [Slice(part.position, *_moved(part, -shift)) for part, shift in zip(slices, shifts, strict=True)]
    spacing = float(np.median(np.diff([part.position for part in whole])))
    to_lps = _heart_frame(slices, spacing, _right_ventricle(labels, slices))
    cavity = [part for part in slices if part.endo is not None]
    log.info("mesh: %d slices, breath-hold shifts up to %.1f mm", len(slices), np.linalg.norm(shifts, axis=1).max())
    return Contours(
        walls=(_wall("endo", slices, to_lps), _wall("epi", slices, to_lps)),
        apex=(_apex(cavity, whole, to_lps), _apex(slices, whole, to_lps)),
        slices=(_numbers("endo", slices), _numbers("epi", slices)),
        to_lps=to_lps,
        positions=np.array([part.position for part in slices]),
        shifts=shifts,
    )


def _shifts(slices: Sequence[Slice]) -> Array:
    """What breath-holds moved each slice by (slice, 3): its centre less a smooth curve through all."""
    centres = np.array([part.centre for part in slices])
    positions = np.array([part.position for part in slices])
    t = (positions - positions.mean()) / np.ptp(positions)
    design = np.stack([np.ones_like(t), t, t**2], axis=1)
    weights = np.ones(len(t))
    for _ in range(20):
        root = np.sqrt(weights)[:, None]
        curve = design @ np.linalg.lstsq(root * design, root * centres, rcond=None)[0]
        off = np.linalg.norm(centres - curve, axis=1)
        weights = 1 / np.maximum(1, off / 1.0)  # Huber, 1 mm
    return centres - curve


def _moved(part: Slice, shift: Array) -> tuple[Array | None, ...]:
    return tuple(None if wall is None else wall + shift for wall in (part.endo, part.epi))


def _heart_frame(slices: Sequence[Slice], spacing: float, right: Array) -> Array:
    """Map from the heart frame to LPS: origin half a slice above the basal ring, z along the centres, x to the RV."""
    centres = np.array([part.centre for part in slices])
    middle = centres.mean(axis=0)
    axis = np.linalg.svd(centres - middle)[2][0]
    axis = axis if (centres[0] - middle) @ axis > 0 else -axis
    origin = middle + ((centres[0] - middle) @ axis + spacing / 2) * axis
    septum = right - origin - ((right - origin) @ axis) * axis
    septum /= np.linalg.norm(septum)
    to_lps = np.eye(4)
    to_lps[:3] = np.stack([septum, np.cross(axis, septum), axis, origin], axis=1)
    return to_lps


def _right_ventricle(labels: xr.Dataset, slices: Sequence[Slice]) -> Array:
    """Centre of the RV blood in LPS mm, over the basal half of the slices, where it is widest."""
    basal = [part.position for part in slices[: (len(slices) + 1) // 2]]
    mask = (labels["labels"].values == RIGHT) & np.isin(labels["z"].values, basal)[:, None, None]
    if not mask.any():
        raise Quarantined("no-septum", "no RV blood beside the LV at end-diastole, so the septum cannot be found")
    voxels = [labels[axis].values[index] for axis, index in zip("zyx", np.nonzero(mask), strict=True)]
    return labels["origin"].values + np.mean(voxels, axis=1) @ labels["directions"].values


def _wall(wall: str, slices: Sequence[Slice], to_lps: Array) -> Array:
    """The points of all slices in the heart frame."""
    points = [getattr(part, wall) for part in slices if getattr(part, wall) is not None]
    return (np.concatenate(points) - to_lps[:3, 3]) @ to_lps[:3, :3]


def _numbers(wall: str, slices: Sequence[Slice]) -> Index:
    """The number of the slice of each of these points."""
    counts = [0 if getattr(part, wall) is None else len(getattr(part, wall)) for part in slices]
    return np.repeat(np.arange(len(slices)), counts)


def _apex(slices: Sequence[Slice], whole: Sequence[Slice], to_lps: Array) -> tuple[float, float] | None:
    """The z of the last of the slices that show a wall and of the slice behind it, if the stack has one."""
    last = slices[-1]
    z = float((last.centre - to_lps[:3, 3]) @ to_lps[:3, 2])
    steps = [(part.position - last.position) * np.sign(last.position - slices[0].position) for part in whole]
    behind = [step for step in steps if step > 0]
    if behind:
        return z, z - min(behind)
    share = length(last.widest) / max(length(part.widest) for part in slices)
    if share > WIDEST:
        message = f"the last slice of the stack is {share:.0%} as wide as the widest, at most {WIDEST:.0%} expected"
        raise Quarantined("apex-missing", message)
    return None
