"""Finds the short-axis cine among the frames of a folder, and checks that it is whole.

A slice is what one series shows at one place; it is a cine where it has enough frames. Slices with one orientation make
a stack; the short axis is the stack with most slices near the plane that is normal to the usual long axis.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from ...parameters import Imaging
from ...verdicts import Rejected
from .frames import Frame

LONG_AXIS = np.array([0.67, -0.60, -0.43])
"""Usual direction from base to apex in LPS: to the left, anterior and inferior. Hearts lie flatter or steeper by some
30 degrees, hence the wide limit below; transverse (65 degrees) and coronal stacks are beyond it."""
SMALLEST_COSINE = np.cos(np.radians(45))
SAME_DIRECTION = 0.009  # half a degree


@dataclass
class Slice:
    """The frames of one series at one place along the normal, in the order of time."""

    series: str
    location: float
    frames: list[Frame] = field(default_factory=list)


def short_axis(frames: list[Frame], parameters: Imaging) -> list[Slice]:
    """The complete short-axis stack, along its normal. Raises Rejected, saying what is missing."""
    groups = _grouped(
        frames, lambda frame, first: np.allclose(frame.orientation, first.orientation, atol=SAME_DIRECTION)
    )
    candidates = [stack for group in groups for stack in _stacks(_slices(group, parameters), parameters)]
    usable = [
        stack for stack in candidates if len(stack) >= parameters.minimum_slices and _alignment(stack) > SMALLEST_COSINE
    ]
    if not usable:
        raise _nothing(frames, candidates, parameters)
    best = max(usable, key=lambda stack: len(stack) * _alignment(stack))
    _check_orientation(best, frames)
    _check_same(best, "mixed-matrix", lambda frame: frame.shape, "{0[0]} x {0[1]} pixels")
    _check_same(best, "mixed-spacing", lambda frame: tuple(np.round(frame.spacing, 4)), "pixels of {0[0]} x {0[1]} mm")
    _check_twice(best, parameters)
    _check_counts(best)
    _check_spacing(best, parameters)
    _check_line(best, parameters)
    return best


def _grouped[T](items: Iterable[T], alike: Callable[[T, T], bool]) -> list[list[T]]:
    groups: list[list[T]] = []
    for item in items:
        group = next((group for group in groups if alike(item, group[0])), None)
        groups.append([item]) if group is None else group.append(item)
    return groups


def _slices(frames: list[Frame], parameters: Imaging) -> list[Slice]:
    """Slices of frames with one orientation, in the order of their places."""
    normal = frames[0].normal
    found: dict[tuple[str, int], Slice] = {}
    for frame in sorted(frames, key=lambda frame: (frame.series, frame.position @ normal)):
        location = float(frame.position @ normal)
        last = next(reversed(found.values()), None)
        if last is None or last.series != frame.series or location - last.location > parameters.slice_tolerance:
            last = found[frame.series, len(found)] = Slice(frame.series, location)
        last.frames.append(frame)
    for part in found.values():
        part.frames.sort(key=_when)
    return sorted(found.values(), key=lambda part: part.location)


def _when(frame: Frame) -> tuple[float, float]:
    return (frame.trigger or 0.0, frame.order)


def _stacks(slices: list[Slice], parameters: Imaging) -> list[list[Slice]]:
    """Each series that is a stack by itself, and the stack that series of few slices (often one) make together."""
    cine = Counter(part.series for part in slices if len(part.frames) >= parameters.minimum_frames)
    alone = [series for series, count in cine.items() if count >= parameters.minimum_slices]
    together = [part for part in slices if part.series in cine and part.series not in alone]
    stacks = [[part for part in slices if part.series == series] for series in alone]
    return [stack for stack in [*stacks, together] if stack]


def _alignment(stack: list[Slice]) -> float:
    return float(abs(stack[0].frames[0].normal @ LONG_AXIS) / np.linalg.norm(LONG_AXIS))


def _nothing(frames: list[Frame], candidates: list[list[Slice]], parameters: Imaging) -> Rejected:
    most = max((len(stack) for stack in candidates), default=0)
    found = f"no short-axis cine among {len(frames)} MR frames: the largest parallel cine has {most} slices"
    angles = [np.degrees(np.arccos(min(1.0, _alignment(stack)))) for stack in candidates if len(stack) == most]
    found += f", {min(angles):.0f} degrees from the usual short axis" if angles else ""
    expected = f"at least {parameters.minimum_slices} slices of {parameters.minimum_frames} frames within 45 degrees"
    return Rejected("no-short-axis-cine", f"{found}; expected {expected}")


def _check_orientation(stack: list[Slice], frames: list[Frame]) -> None:
    series, first = stack[0].series, stack[0].frames[0]
    if any(part.series != series for part in stack):
        return
    members = {id(frame) for part in stack for frame in part.frames}
    turned = [frame for frame in frames if frame.series == series and id(frame) not in members]
    if turned:
        angle = np.degrees(np.arccos(np.clip(min(frame.normal @ first.normal for frame in turned), -1, 1)))
        found = f"{len(turned)} frames of the short-axis series are not parallel to the other {len(members)}"
        raise Rejected("mixed-orientation", f"{found} (up to {angle:.1f} degrees between their normals); expected one")


def _check_same(stack: list[Slice], code: str, key: Callable[[Frame], Any], words: str) -> None:
    usual = Counter(key(frame) for part in stack for frame in part.frames).most_common(1)[0][0]
    for number, part in enumerate(stack, 1):
        if other := next((key(frame) for frame in part.frames if key(frame) != usual), None):
            found = f"slice {number} of {len(stack)} has {words.format(other)}; the others have {words.format(usual)}"
            raise Rejected(code, found)


def _check_twice(stack: list[Slice], parameters: Imaging) -> None:
    for number, (one, two) in enumerate(pairwise(stack), 1):
        if two.location - one.location <= parameters.slice_tolerance:
            raise Rejected("duplicate-slice", _twice(stack, one, number, len(stack) - 1, "in two series"))
    for number, part in enumerate(stack, 1):
        times = [_when(frame) if frame.trigger is None else frame.trigger for frame in part.frames]
        surplus = len(times) - len(set(times))
        if surplus and surplus * 2 >= len(times):
            raise Rejected("duplicate-slice", _twice(stack, part, number, len(stack), "with the same times"))
        if surplus:
            place = f"slice {number} of {len(stack)} has {surplus} of its {len(times)} frames twice"
            raise Rejected("duplicate-frame", f"{place}; expected each trigger time once")


def _twice(stack: list[Slice], part: Slice, number: int, total: int, how: str) -> str:
    place = part.location - stack[0].location
    return f"slice {number} of {total} is there twice ({how}, at {place:.1f} mm along the normal); expected it once"


def _check_counts(stack: list[Slice]) -> None:
    usual = Counter(len(part.frames) for part in stack).most_common(1)[0][0]
    for number, part in enumerate(stack, 1):
        if (count := len(part.frames)) != usual:
            raise Rejected(
                "uneven-frames", f"slice {number} of {len(stack)} has {count} frames; the others have {usual}"
            )


def _check_spacing(stack: list[Slice], parameters: Imaging) -> None:
    places = np.array([part.location for part in stack]) - stack[0].location
    gaps = np.diff(places)
    spacing = float(np.median(gaps))
    steps = np.round(gaps / spacing).astype(int)
    for i in np.flatnonzero(np.abs(gaps - spacing) > parameters.slice_tolerance):
        where = f"gap of {gaps[i]:.1f} mm between {places[i]:.1f} and {places[i + 1]:.1f} mm along the normal"
        where += f"; spacing elsewhere is {spacing:.1f} mm"
        if steps[i] < 2 or abs(gaps[i] - steps[i] * spacing) > parameters.slice_tolerance:
            raise Rejected(
                "uneven-spacing", f"slices {i + 1} and {i + 2} of {len(stack)} are not evenly spaced ({where})"
            )
        first, total = int(steps[:i].sum()) + 2, int(steps.sum()) + 1
        missing = [str(first + k) for k in range(steps[i] - 1)]
        verb = "slice {} of {} is" if len(missing) == 1 else "slices {} of {} are"
        raise Rejected("missing-slice", f"{verb.format(' and '.join(missing), total)} missing ({where})")


def _check_line(stack: list[Slice], parameters: Imaging) -> None:
    """The first pixels of the slices must lie above each other, as in one scan of parallel slices."""
    first = stack[0].frames[0]
    for number, part in enumerate(stack, 1):
        for frame in part.frames:
            offset = frame.position - first.position
            aside = np.linalg.norm(offset - (offset @ first.normal) * first.normal)
            if aside > parameters.slice_tolerance:
                found = f"slice {number} of {len(stack)} begins {aside:.1f} mm beside the first one"
                raise Rejected("sheared-stack", f"{found}; expected at most {parameters.slice_tolerance:g} mm")
