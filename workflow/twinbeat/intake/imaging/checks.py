"""What a stack must be to be taken as the image of a whole heart; what it is not is named."""

from collections import Counter
from itertools import pairwise

import numpy as np

from ...parameters import Imaging
from ...verdicts import Rejected
from .frames import Frame
from .slices import Slice, Stack, gap

STEEPEST = 1.0
"""Degrees between the normal of the slices and the line of their centres from which a stack counts as sheared."""


def fault(stack: Stack, frames: list[Frame], parameters: Imaging) -> Rejected | None:
    """Why a stack among the frames of a folder is not whole, or None."""
    try:
        _check_orientation(stack, frames)
        _check_twice(stack, parameters)
        _check_counts(stack, parameters)
        _check_spacing(stack, parameters)
        _check_shear(stack)
    except Rejected as found:
        return found
    return None


def _check_orientation(stack: Stack, frames: list[Frame]) -> None:
    series, first = stack[0].series, stack[0].frames[0]
    if any(part.series != series for part in stack):
        return
    members = {(frame.file.number, frame.index) for part in stack for frame in part.frames}
    own = [frame for frame in frames if frame.series == series]
    turned = [frame for frame in own if (frame.file.number, frame.index) not in members]
    if turned:
        angle = np.degrees(np.arccos(np.clip(min(frame.normal @ first.normal for frame in turned), -1, 1)))
        found = f"{len(turned)} frames of the series of the stack are not parallel to the other {len(members)}"
        raise Rejected("mixed-orientation", f"{found} (up to {angle:.1f} degrees between their normals); expected one")


def _check_twice(stack: Stack, parameters: Imaging) -> None:
    for number, (one, two) in enumerate(pairwise(stack), 1):
        if two.location - one.location <= _tolerance(stack, parameters):
            raise Rejected("duplicate-slice", _twice(stack, one, number, len(stack) - 1, "in two series"))
    for number, part in enumerate(stack, 1):
        found = part.triggers or part.phases or [(frame.number, frame.order) for frame in part.frames]
        surplus = len(found) - len(set(found))
        if surplus and surplus * 2 >= len(found):
            raise Rejected("duplicate-slice", _twice(stack, part, number, len(stack), "with the same times"))
        if surplus:
            place = f"slice {number} of {len(stack)} has {surplus} of its {len(found)} frames twice"
            raise Rejected("duplicate-frame", f"{place}; expected each time once")


def _twice(stack: Stack, part: Slice, number: int, total: int, how: str) -> str:
    place = part.location - stack[0].location
    return f"slice {number} of {total} is there twice ({how}, at {place:.1f} mm along the normal); expected it once"


def _check_counts(stack: Stack, parameters: Imaging) -> None:
    """Slices may differ in the number of their frames, but none may have too few, where others have enough."""
    usual = Counter(len(part.frames) for part in stack).most_common(1)[0][0]
    for number, part in enumerate(stack, 1):
        if (count := len(part.frames)) < min(usual, parameters.minimum_frames):
            found = f"slice {number} of {len(stack)} has {count} frames; the others have {usual}"
            raise Rejected("uneven-frames", f"{found}; expected at least {parameters.minimum_frames}")


def _tolerance(stack: Stack, parameters: Imaging) -> float:
    """A quarter of the spacing where the slices are very close together, as in a CT."""
    return min(parameters.slice_tolerance, gap(stack) / 4)


def _check_spacing(stack: Stack, parameters: Imaging) -> None:
    places = np.array([part.location for part in stack]) - stack[0].location
    gaps, spacing, tolerance = np.diff(places), gap(stack), _tolerance(stack, parameters)
    steps = np.round(gaps / spacing).astype(int)
    for i in np.flatnonzero(np.abs(gaps - spacing) > tolerance):
        where = f"gap of {gaps[i]:.1f} mm between {places[i]:.1f} and {places[i + 1]:.1f} mm along the normal"
        where += f"; spacing elsewhere is {spacing:.1f} mm"
        if steps[i] < 2 or abs(gaps[i] - steps[i] * spacing) > tolerance:
            raise Rejected(
                "uneven-spacing", f"slices {i + 1} and {i + 2} of {len(stack)} are not evenly spaced ({where})"
            )
        first, total = int(steps[:i].sum()) + 2, int(steps.sum()) + 1
        missing = [str(first + k) for k in range(steps[i] - 1)]
        verb = "slice {} of {} is" if len(missing) == 1 else "slices {} of {} are"
        raise Rejected("missing-slice", f"{verb.format(' and '.join(missing), total)} missing ({where})")


def _check_shear(stack: Stack) -> None:
    """The pictures' centres must not move aside by the same step from slice to slice: that is a tilted gantry.

    Single slices with another field of view are no shear.
    """
    first = stack[0].frames[0]
    centres = np.array([_centre(part.frames[0]) for part in stack])
    steps = np.diff(centres, axis=0)
    aside = steps - np.outer(steps @ first.normal, first.normal)
    usual = np.median(aside, axis=0)
    size = float(np.linalg.norm(usual))
    angle = float(np.degrees(np.arctan2(size, gap(stack))))
    regular = np.linalg.norm(aside - usual, axis=1) < 0.2 * size
    if angle > STEEPEST and regular.mean() > 0.5:
        code, why = ("gantry-tilt", "gantry is tilted") if first.modality == "CT" else ("sheared-stack", "stack leans")
        found = f"the {why} by {angle:.1f} degrees: each slice lies {size:.2f} mm beside the one before"
        raise Rejected(code, f"{found}; expected at most {STEEPEST:g} degree")


def _centre(frame: Frame) -> np.ndarray:
    """Middle of a picture, LPS mm."""
    down, right = (step * (count - 1) / 2 for step, count in zip(frame.spacing, frame.shape, strict=True))
    return frame.position + down * frame.orientation[3:] + right * frame.orientation[:3]
