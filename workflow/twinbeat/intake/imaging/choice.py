"""Chooses the image of the heart among the stacks of a folder, by geometry and timing, and says why."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...parameters import Imaging
from ...verdicts import Rejected
from .checks import fault
from .frames import Frame
from .slices import Stack, gap, is_cine, stacks

LONG_AXIS = np.array([0.67, -0.60, -0.43])
"""Usual direction from base to apex in LPS: to the left, anterior and inferior. Hearts lie flatter or steeper by some
30 degrees, hence the wide limit below; transverse (65 degrees) and coronal stacks are beyond it."""
WIDEST = 45.0  # degrees
SAME_VIEW = 5.0  # degrees between stacks that may be acquisitions of the same
SAME_LENGTH = 0.9  # of the longer one
MOST_NAMED = 12
"""Stacks that a message lists."""


@dataclass(frozen=True)
class Choice:
    """The stack that is taken, its number, and a row for each stack of the folder."""

    stack: Stack
    number: int
    table: list[dict[str, Any]]


def choose(frames: list[Frame], parameters: Imaging, forced: int | None = None) -> Choice:
    """The whole short-axis cine of a folder, else its cardiac CT; or stack number ``forced``, whatever its orientation.

    Raises Rejected, saying what is missing.
    """
    found = stacks(frames, parameters)
    unfit = [_unfit(stack, parameters) for stack in found]
    faults = [fault(stack, frames, parameters) for stack in found]
    if forced is not None:
        chosen, reasons = _forced(forced, found, parameters), {}
    else:
        usable = [k for k, reason in enumerate(unfit) if not reason]
        if not usable:
            raise _nothing(frames, [_named(*row) for row in zip(found, unfit, faults, strict=True)], found, parameters)
        chosen, reasons = _best(usable, found, faults)
    if faults[chosen]:
        raise faults[chosen]
    said = {k: reason or (faults[k].message if faults[k] else "would do") for k, reason in enumerate(unfit)} | reasons
    said[chosen] = "taken: " + (reasons.get(chosen) or "the configuration names it")
    return Choice(found[chosen], chosen + 1, [_row(k, stack, said[k]) for k, stack in enumerate(found)])


def _unfit(stack: Stack, parameters: Imaging) -> str:
    """Why a stack can be no image of the beating heart, or nothing."""
    if shortage := _shortage(stack, parameters):
        return shortage
    if stack[0].frames[0].modality == "MR" and (angle := _angle(stack)) > WIDEST:
        return f"{angle:.0f} degrees from the usual short axis; expected at most {WIDEST:g}"
    return ""


def _shortage(stack: Stack, parameters: Imaging) -> str:
    if len(stack) < parameters.minimum_slices:
        return f"{len(stack)} slices; expected at least {parameters.minimum_slices}"
    if (count := _frames(stack)) < parameters.minimum_frames:
        return f"no cine: {count} frames per slice; expected at least {parameters.minimum_frames}"
    if sum(is_cine(part, parameters) for part in stack) < parameters.minimum_slices:
        return "no cine: its frames are not of one heartbeat"
    return ""


def _forced(number: int, found: list[Stack], parameters: Imaging) -> int:
    if not 1 <= number <= len(found):
        raise Rejected("no-such-stack", f"imaging.force names stack {number}; expected 1 to {len(found)}")
    if shortage := _shortage(found[number - 1], parameters):
        raise Rejected("unfit-stack", f"stack {number}, which imaging.force names, has {shortage}")
    return number - 1


def _best(usable: list[int], found: list[Stack], faults: list[Rejected | None]) -> tuple[int, dict[int, str]]:
    """The stack to take, and why it and not the other usable ones: MR before CT, then the one that shows most of the
    heart near the short axis; of several acquisitions of the same, a whole one, with most slices, the last (of the
    last study)."""
    best = max(usable, key=lambda k: _merit(found[k]))
    same = [k for k in usable if _same_view(found[k], found[best])]
    taken = max(same, key=lambda k: (faults[k] is None, len(found[k]), found[k][0].number))
    why = f"most slices near the short axis, of {len(usable)} that would do" if len(usable) > 1 else "the only one"
    if found[taken][0].frames[0].modality == "CT":
        why = "a cardiac CT, and no short-axis cine"
    reasons = {k: _less(found[k], taken + 1) for k in usable}
    for k in same:
        reasons[k] = f"same view as stack {taken + 1}, {_difference(found, faults, k, taken)}"
    others = [str(k + 1) for k in same if k != taken]
    again = f"; same view as stack {' and '.join(others)}: whole, of most slices, the last" if others else ""
    return taken, reasons | {taken: why + again}


def _less(stack: Stack, taken: int) -> str:
    if stack[0].frames[0].modality == "CT":
        return f"a CT, which is second to stack {taken}"
    return f"shows less of the heart near the short axis than stack {taken}"


def _difference(found: list[Stack], faults: list[Rejected | None], k: int, taken: int) -> str:
    if faults[k]:
        return f"and not whole: {faults[k].message}"
    return "which has more slices" if len(found[k]) < len(found[taken]) else "which is later"


def _merit(stack: Stack) -> tuple[bool, float]:
    return stack[0].frames[0].modality == "MR", len(stack) * np.cos(np.radians(_angle(stack)))


def _same_view(one: Stack, two: Stack) -> bool:
    first, second = one[0].frames[0], two[0].frames[0]
    parallel = abs(first.normal @ second.normal) > np.cos(np.radians(SAME_VIEW))
    return first.modality == second.modality and parallel and _length(one) >= SAME_LENGTH * _length(two)


def _length(stack: Stack) -> float:
    return stack[-1].location - stack[0].location + gap(stack)


def _angle(stack: Stack) -> float:
    """Degrees between the slices and the usual short axis."""
    cosine = abs(stack[0].frames[0].normal @ LONG_AXIS) / np.linalg.norm(LONG_AXIS)
    return float(np.degrees(np.arccos(min(1.0, cosine))))


def _frames(stack: Stack) -> int:
    """The commonest number of frames of a slice; of two, the larger."""
    return max((n, count) for count, n in Counter(len(part.frames) for part in stack).items())[1]


def _row(index: int, stack: Stack, reason: str) -> dict[str, Any]:
    """A line of the table of stacks; it holds numbers and words of ours, nothing from the files' texts."""
    first = stack[0].frames[0]
    return {
        "number": index + 1,
        "modality": first.modality,
        "slices": len(stack),
        "frames": _frames(stack),
        "series": len({part.series for part in stack}),
        "angle": round(_angle(stack), 1),
        "spacing": round(gap(stack), 2),
        "pixel": round(max(first.spacing), 3),
        "reason": reason,
    }


def _nothing(frames: list[Frame], named: list[str], found: list[Stack], parameters: Imaging) -> Rejected:
    kinds = Counter(frame.modality for frame in frames)
    counted = f"{kinds['MR']} MR and {kinds['CT']} CT frames" if kinds["CT"] else f"{kinds['MR']} MR frames"
    cines = [(sum(is_cine(part, parameters) for part in stack), -_angle(stack)) for stack in found]
    most, angle = max(cines, default=(0, 0.0))
    words = f"no short-axis cine among {counted}: the largest parallel cine has {most} slices"
    words += f", {-angle:.0f} degrees from the usual short axis" if most else ""
    expected = f"at least {parameters.minimum_slices} slices of {parameters.minimum_frames} frames"
    words += f"; expected {expected} within {WIDEST:g} degrees, or as many of a CT"
    rows = [f"{number} ({row})" for number, row in enumerate(named[:MOST_NAMED], 1)]
    return Rejected("no-short-axis-cine", words + ("; stacks: " + ", ".join(rows) if rows else ""))


def _named(stack: Stack, unfit: str, fault: Rejected | None) -> str:
    kind = f"{stack[0].frames[0].modality}, {len(stack)} slices of {_frames(stack)} frames"
    return "; ".join([kind, unfit, *([fault.message] if fault else [])])
