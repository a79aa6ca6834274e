"""From automatic labels to those that a twin is made of: judged by gates, or decided by a reviewer."""

import logging

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

from ..intake.drawings import ENHANCED, ENHANCEMENT, PHASES, Review, Volume
from ..parameters import Segmentation
from ..verdicts import NeedsReview
from . import gates, quality
from .follow import Labels, followed
from .inference import end_diastole
from .postprocess import MYOCARDIUM

MOMENTS = ("end_diastole", "end_systole")
INSIDE = 0.95
"""Least share of what was drawn that must lie within the labels' grid; the rest may stand out at base and apex."""
NEAR = 0.1
"""Share of the cycle within which a frame may stand for end-diastole or end-systole."""
IN_MUSCLE = 0.5
"""Least share of the late enhancement that must lie in the left wall: another breath-hold may move the rest out."""
log = logging.getLogger("twinbeat")


def decide(automatic: xr.Dataset, review: Review | None, settings: Segmentation) -> xr.Dataset:
    """The labels store from the automatic one, with its predicted Dice, and what reviewers drew.

    Without a review the gates decide; with one the reviewer has, but for one who drew late enhancement alone. Raises
    NeedsReview where neither trusts the labels or the drawings do not fit, Rejected where no heart can have the labels.
    """
    judged = automatic.assign(reviewed=("time", np.zeros(automatic.sizes["time"], bool))).drop_attrs()
    drawn = {} if review is None else _drawn(automatic, review)
    scar = drawn.pop(ENHANCEMENT, None)
    decided = _corrected(judged, drawn) if drawn else judged
    gates.check(decided, settings)
    if not drawn:
        gates.trust(decided, settings)
    if scar is not None:
        decided = decided.assign(enhancement=(("z", "y", "x"), _in_wall(scar, decided)))
    return decided if review is None else decided.assign_attrs(reviewers=list(review.reviewers))


def volume(labels: xr.Dataset, frame: int) -> Volume:
    """A frame of a labels store where the scanner saw it: each slice where its breath-hold had put it."""
    z, y, x = (labels[axis].values.astype(np.float64) for axis in "zyx")
    in_plane = np.array([y[0], x[0]]) + labels.shift_removed.values
    corners = labels.origin.values + np.column_stack([z, in_plane]) @ labels.directions.values
    steps = labels.directions.values * np.array([[np.median(np.diff(axis))] for axis in (z, y, x)])
    return Volume(labels.labels.values[frame], corners, steps)


def _drawn(automatic: xr.Dataset, review: Review) -> dict[int | str, Labels]:
    """What was drawn, by frame, and what enhances late, on the grid of the labels."""
    frames = {phase: int(automatic[moment]) for phase, moment in zip(PHASES, MOMENTS, strict=True)}
    found: dict[int | str, Labels] = {}
    for part in review.parts:
        for name, own in part.items():
            frame = frames.get(name, name)
            words = f"in frame {frame + 1}" if frame != ENHANCEMENT else f"as {ENHANCEMENT}"
            if frame in found:
                raise NeedsReview("review-twice", f"more than one file is drawn {words}; expected one opinion")
            seen = frames[PHASES[0]] if frame == ENHANCEMENT else frame
            found[frame] = _on_grid(own, volume(automatic, seen), words)
    return found


def _on_grid(drawn: Volume, ours: Volume, words: str) -> Labels:
    """Labels (z, y, x) of a drawing on the labels' grid; slices that it does not reach stay as they are."""
    _, inside = ours.sample(drawn.points(drawn.labels > 0))
    sampled, covered = drawn.sample(ours.points())
    if inside.mean() < INSIDE or not sampled.any():
        share = f"{100 * inside.mean():.0f} % of what was drawn {words} lies within the grid of the labels"
        expected = f"expected {100 * INSIDE:.0f} % or more, and voxels in its slices"
        raise NeedsReview("review-outside", f"{share}; {expected}")
    reached = drawn.whole | covered.any((1, 2))
    return np.where(reached[:, None, None], sampled, ours.labels)


def _in_wall(scar: Labels, labels: xr.Dataset) -> np.ndarray:
    """Where the left wall enhances late (z, y, x). Raises NeedsReview where most of what was drawn lies elsewhere."""
    marked, muscle = scar == ENHANCED, labels.labels.values[int(labels.end_diastole)] == MYOCARDIUM
    share = float((marked & muscle).sum() / marked.sum())
    if share < IN_MUSCLE:
        found = f"{100 * share:.0f} % of the {ENHANCEMENT} lies in the left wall"
        raise NeedsReview("review-outside", f"{found}; expected {100 * IN_MUSCLE:.0f} % or more")
    return marked & muscle


def _corrected(labels: xr.Dataset, drawn: dict[int, Labels]) -> xr.Dataset:
    """Drawn frames in place, the others after them, and what follows from the labels."""
    before, time, cycle = labels.labels.values, labels.time.values, float(labels.cycle)
    moments = [_nearest(int(labels[moment]), list(drawn), time, cycle) for moment in MOMENTS]
    log.info("review: frames %s were drawn", ", ".join(str(frame + 1) for frame in sorted(drawn)))
    decided = {frame: before[frame] for frame in moments} | drawn
    pixel = float(np.diff(labels.y.values[:2])[0])
    after = followed(before, decided, time, cycle, pixel)
    reviewed = np.isin(np.arange(len(after)), list(drawn))
    volumes = quality.volumes(after, *(labels[axis].values for axis in "zyx"))
    pools = volumes["volume_lv"][1]
    if reviewed.all():
        moments = [end_diastole(pools, time, cycle), int(pools.argmin())]
    return labels.assign(
        labels=(labels.labels.dims, after),
        probability=(labels.probability.dims, _certain(labels.probability.values, before, after, reviewed)),
        reviewed=("time", reviewed),
        agreement=(("label", "time"), quality.agreement(before, after)),
        **volumes,
        **dict(zip(MOMENTS, moments, strict=True)),
    )


def _nearest(moment: int, drawn: list[int], time: np.ndarray, cycle: float) -> int:
    """The frame that a reviewer drew for a moment of the cycle, which may be one or two from ours; ours where there is
    none."""
    away = np.abs((time[drawn] - time[moment] + cycle / 2) % cycle - cycle / 2)
    return drawn[int(away.argmin())] if away.min() <= NEAR * cycle else moment


def _certain(probability: np.ndarray, before: Labels, after: Labels, reviewed: np.ndarray) -> np.ndarray:
    """Probabilities (label, time, z, y, x) that follow from the labels in the slices in which a person decided: certain
    but for a pixel about the borders, which are then as smooth as those of the network."""
    theirs = (before != after).any((2, 3)) | reviewed[:, None]
    certain = np.stack([after[theirs] == label for label in range(len(probability))]).astype(np.float32)
    result = probability.copy()
    result[:, theirs] = gaussian_filter(certain, (0, 0, 1, 1))
    return result
