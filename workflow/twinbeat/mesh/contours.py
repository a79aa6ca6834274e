"""Contours of the walls at end-diastole, freed of breath-hold shifts, in the heart frame."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from skimage.measure import find_contours

from ..verdicts import Quarantined

Array = NDArray[np.float64]
BLOOD, MUSCLE, RIGHT = 1, 2, 3  # labels
SPACING = 2.5  # mm along a contour
RAYS = 72
SMALLEST = 12.0  # mm of contour; anything less is a speck
THINNEST = 2.0  # mm of muscle that count as a wall in a slice
RING = 0.95  # share of the rays that must cross a wall in a complete ring
BASAL = 0.6  # a ring at the base is at least this share of the longest endocardial contour
WIDEST = 0.6  # last contour of a stack that ends in the ventricle, as a share of the longest
FEWEST = 4  # slices with an endocardium that a shape can be fitted to
log = logging.getLogger("twinbeat")


class Slice(NamedTuple):
    """Position along the slice normal (mm) and the contours (n, 3) in LPS mm, evenly spaced, or None."""

    position: float
    endo: Array | None
    epi: Array | None


@dataclass(frozen=True)
class Contours:
    """Points of endocardium and epicardium (n, 3) in the heart frame, and where the stack puts their apices.

    ``apex``: of each wall, the z of the lowest slice that shows it and of the next one, which does not; None where the
    stack ends first. ``positions`` (slice,) and ``shifts`` (slice, 3): what was subtracted from each slice, LPS mm.
    """

    walls: tuple[Array, Array]
    apex: tuple[tuple[float, float] | None, tuple[float, float] | None]
    to_lps: Array
    positions: Array
    shifts: Array


def extract(labels: xr.Dataset) -> Contours:
    """Contours at 0.5 of the probability of LV blood, and of LV blood or muscle, in the end-diastolic frame.

    Raises Quarantined: no-ventricle, few-slices, apex-missing, no-septum.
    """
    labels = labels.isel(time=int(labels["end_diastole"]))
    stack = _stack(labels)
    slices = _ventricle(stack)
    shifts = _shifts(slices)
    slices = [Slice(part.position, *_moved(part, -shift)) for part, shift in zip(slices, shifts, strict=True)]
    to_lps = _heart_frame(slices, _spacing(stack), _right_ventricle(labels))
    log.info("mesh: %d slices, breath-hold shifts up to %.1f mm", len(slices), np.linalg.norm(shifts, axis=1).max())
    return Contours(
        walls=tuple(_into_heart(wall, to_lps) for wall in _walls(slices)),
        apex=tuple(_apex(wall, slices, stack, to_lps) for wall in ("endo", "epi")),
        to_lps=to_lps,
        positions=np.array([part.position for part in slices]),
        shifts=shifts,
    )


def _stack(labels: xr.Dataset) -> list[Slice]:
    """All slices of a frame, in the order of their positions."""
    probability = labels["probability"].values.astype(np.float64)
    masks = probability[BLOOD], probability[BLOOD] + probability[MUSCLE]
    z, y, x = (labels[axis].values.astype(np.float64) for axis in "zyx")
    origin, directions = labels["origin"].values, labels["directions"].values

    def lifted(k: int, mask: Array) -> Array | None:
        contour = outline(mask[k], y, x)
        return None if contour is None else origin + z[k] * directions[0] + contour @ directions[1:]

    return [Slice(float(z[k]), *(lifted(k, mask) for mask in masks)) for k in np.argsort(z)]


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


def _even(loop: Array) -> Array:
    """The closed loop (last point = first) at even steps of about SPACING."""
    arc = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(loop, axis=0), axis=1))])
    at = np.linspace(0, arc[-1], max(8, round(arc[-1] / SPACING)), endpoint=False)
    return np.stack([np.interp(at, arc, coordinate) for coordinate in loop.T], axis=1)


def _ventricle(stack: Sequence[Slice]) -> list[Slice]:
    """The slices from the most basal complete ring to the last that shows the epicardium, base first."""
    sizes = np.array([0.0 if part.endo is None else length(part.endo) for part in stack])
    if not sizes.any():
        raise Quarantined("no-ventricle", "no LV blood in any slice at end-diastole")
    slices = _connected(stack, int(sizes.argmax()))
    if _towards_apex(slices) < 0:
        slices = slices[::-1]
    rings = (k for k, part in enumerate(slices) if _is_ring(part) and length(part.endo) > BASAL * sizes.max())
    slices = slices[next(rings, len(slices)) :]
    seen = sum(part.endo is not None for part in slices)
    if seen < FEWEST:
        message = f"{seen} slices show the LV cavity from a complete ring at the base on, at least {FEWEST} expected"
        raise Quarantined("few-slices", message)
    return slices


def _connected(stack: Sequence[Slice], middle: int) -> list[Slice]:
    """The unbroken run of slices with an epicardium around the middle one."""
    gaps = [k for k, part in enumerate(stack) if part.epi is None]
    low = max((k for k in gaps if k < middle), default=-1)
    return list(stack[low + 1 : min((k for k in gaps if k > middle), default=len(stack))])


def _towards_apex(slices: Sequence[Slice]) -> int:
    """1 when the apex is at the end of the list, -1 when it is at the start: the heart tapers towards it."""
    sizes = np.array([length(part.epi) for part in slices])
    return 1 if np.polyfit(np.arange(len(sizes)), sizes, 1)[0] < 0 else -1


def _is_ring(part: Slice) -> bool:
    """Whether muscle surrounds the blood: seen from the centre, the wall is thick enough along nearly all rays."""
    if part.endo is None:
        return False
    centre = part.endo.mean(axis=0)
    plane = np.linalg.svd(part.endo - centre, full_matrices=False)[2][:2]
    inner, outer = (_radii((wall - centre) @ plane.T) for wall in (part.endo, part.epi))
    return bool(np.mean(outer - inner > THINNEST) >= RING)


def _radii(contour: Array) -> Array:
    """Distance of a contour (n, 2) from the origin along even rays."""
    rays = np.linspace(-np.pi, np.pi, RAYS, endpoint=False)
    return np.interp(rays, np.arctan2(*contour.T[::-1]), np.hypot(*contour.T), period=2 * np.pi)


def _shifts(slices: Sequence[Slice]) -> Array:
    """What breath-holds moved each slice by (slice, 3): its epicardial centre less a smooth curve through all."""
    centres = np.array([part.epi.mean(axis=0) for part in slices])
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


def _moved(part: Slice, shift: Array) -> tuple[Array | None, Array]:
    return None if part.endo is None else part.endo + shift, part.epi + shift


def _spacing(stack: Sequence[Slice]) -> float:
    return float(np.median(np.diff([part.position for part in stack])))


def _right_ventricle(labels: xr.Dataset) -> Array:
    """Centre of the RV blood in LPS mm."""
    k, j, i = np.nonzero(labels["probability"].values[RIGHT] > 0.5)
    if not len(k):
        raise Quarantined("no-septum", "no RV blood at end-diastole, so the septum cannot be found")
    voxels = np.stack([labels["z"].values[k], labels["y"].values[j], labels["x"].values[i]], axis=1)
    return labels["origin"].values + voxels.mean(axis=0) @ labels["directions"].values


def _heart_frame(slices: Sequence[Slice], spacing: float, right: Array) -> Array:
    """Map from the heart frame to LPS: origin half a slice above the basal ring, z along the centres, x to the RV."""
    centres = np.array([part.epi.mean(axis=0) for part in slices])
    middle = centres.mean(axis=0)
    axis = np.linalg.svd(centres - middle)[2][0]
    axis = axis if (centres[0] - middle) @ axis > 0 else -axis
    origin = middle + ((centres[0] - middle) @ axis + spacing / 2) * axis
    septum = right - origin - ((right - origin) @ axis) * axis
    septum /= np.linalg.norm(septum)
    to_lps = np.eye(4)
    to_lps[:3] = np.stack([septum, np.cross(axis, septum), axis, origin], axis=1)
    return to_lps


def _walls(slices: Sequence[Slice]) -> tuple[Array, Array]:
    endo = [part.endo for part in slices if part.endo is not None]
    return np.concatenate(endo), np.concatenate([part.epi for part in slices])


def _into_heart(points: Array, to_lps: Array) -> Array:
    return (points - to_lps[:3, 3]) @ to_lps[:3, :3]


def _apex(wall: str, slices: Sequence[Slice], stack: Sequence[Slice], to_lps: Array) -> tuple[float, float] | None:
    """The z of the last slice that shows the wall and of the slice behind it, if the stack has one."""
    showing = [(part.position, getattr(part, wall)) for part in slices if getattr(part, wall) is not None]
    last, contour = showing[-1]
    z = float(_into_heart(contour, to_lps)[:, 2].mean())
    steps = [(part.position - last) * np.sign(last - slices[0].position) for part in stack]
    behind = [step for step in steps if step > 0]
    if behind:
        return z, z - min(behind)
    share = length(contour) / max(length(other) for _, other in showing)
    if share > WIDEST:
        message = f"the last slice of the stack is {share:.0%} as wide as the widest, at most {WIDEST:.0%} expected"
        raise Quarantined("apex-missing", message)
    return None
