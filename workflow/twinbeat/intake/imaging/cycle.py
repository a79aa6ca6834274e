"""One uniform heart cycle for slices that were taken in different heartbeats."""

from collections import Counter

import numpy as np

from ...verdicts import Rejected
from .slices import LONGEST_BEAT, Slice, Stack

SAME_TIME = 0.1
"""Frames off their uniform times by at most this share of a step stay as they are."""
SHORTEST_BEAT = 240.0
"""RR interval at 250 beats per minute; what is shorter was not written in ms."""
LONGEST_GAP = 1 / 3
"""Share of the cycle within which a slice must have a frame."""


def uniform(stack: Stack) -> tuple[np.ndarray, float, list[np.ndarray | None]]:
    """Frame times in ms after the R wave, the RR interval, and for each slice how its frames make those of the cycle.

    The times of each slice become phases of its own interval; the cycle has as many even phases as most slices have
    frames, from their median first one on. Weights (frame of the cycle, frame of the slice) interpolate linearly and
    periodically; None where the frames lie at those phases already. Raises Rejected where there are no times, where
    they are of no heartbeat, or where a slice leaves too much of the cycle out.
    """
    own = [_slice_times(part, number, len(stack)) for number, part in enumerate(stack, 1)]
    phases = [times / interval for times, interval in own]
    cycle = float(np.median([interval for _, interval in own]))
    _check_beats([interval for _, interval in own])
    for number, found in enumerate(phases, 1):
        _check_gaps(found, f"slice {number} of {len(stack)}", cycle)
    count = Counter(map(len, phases)).most_common(1)[0][0]
    first = float(np.median([found[0] for found in phases if len(found) == count])) % (1 / count)
    common = first + np.arange(count) / count
    return common * cycle, cycle, [_weights(found, common) for found in phases]


def shown(stack: Stack) -> list[np.ndarray]:
    """For each slice the index of that of its frames that has most of each frame of the cycle."""
    _, _, weights = uniform(stack)
    return [
        np.arange(len(part.frames)) if own is None else own.argmax(axis=1)
        for part, own in zip(stack, weights, strict=True)
    ]


def _slice_times(part: Slice, number: int, total: int) -> tuple[np.ndarray, float]:
    """Times of the frames of a slice in ms, and its RR interval: the nominal one where the frames fit into it."""
    nominal = [frame.interval for frame in part.frames if frame.interval]
    interval, count = float(np.median(nominal)) if nominal else 0.0, len(part.frames)
    if part.triggers:
        stamps = np.array(part.triggers)
        last = stamps[-1] + (stamps[-1] - stamps[0]) / (count - 1) / 2
        return stamps, interval if interval >= last else max((stamps[-1] - stamps[0]) * count / (count - 1), last)
    spread = part.frames[0].modality == "MR"  # frames of a cine share the cycle evenly, phases of a CT are selected
    if not interval or not (part.phases or spread):
        words = f"slice {number} of {total} has no different trigger times for its {count} frames"
        known = "no shares of the cycle" if interval else "no RR interval"
        raise Rejected("no-frame-times", f"{words} and {known}; expected one or the other")
    return interval * np.array(part.phases or np.arange(count) / count), interval


def _check_beats(intervals: list[float]) -> None:
    for number, interval in enumerate(intervals, 1):
        if not SHORTEST_BEAT <= interval <= LONGEST_BEAT:
            found = f"slice {number} of {len(intervals)} has a heartbeat of {interval:.3g} ms"
            raise Rejected("implausible-cycle", f"{found}; expected {SHORTEST_BEAT:g} to {LONGEST_BEAT:g} ms")


def _check_gaps(phases: np.ndarray, slice_: str, cycle: float) -> None:
    longest = float(np.diff(phases, append=phases[0] + 1).max())
    if longest > LONGEST_GAP:
        found = f"{slice_} has no frame for {longest * cycle:.0f} ms of {cycle:.0f}"
        raise Rejected("uneven-times", f"{found}; expected one in every {LONGEST_GAP * cycle:.0f} ms")


def _weights(phases: np.ndarray, common: np.ndarray) -> np.ndarray | None:
    """Weights (common phase, own phase) of linear interpolation around the cycle."""
    if len(phases) == len(common) and np.abs(phases - common).max() * len(common) <= SAME_TIME:
        return None
    return np.stack([np.interp(common, phases, one, period=1.0) for one in np.eye(len(phases))], axis=1)
