"""Slices and parallel stacks among the frames of a folder.

A slice is what one series shows at one place; it is a cine where it has enough frames within one heartbeat. Slices of a
study with one orientation make stacks: each series that is a stack by itself, and the stack that series of few slices
(often one) make together. A CT is often stored as one series per phase of the heart; those of the same places are one
here.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from ...parameters import Imaging
from .frames import Frame

SAME_DIRECTION = 0.009  # half a degree
SAME_PLACE = 0.1
"""Slices of a CT may lie closer than those of a cine are tolerated off their places; mm."""
LONGEST_BEAT = 2500.0
"""Frames further apart are of several beats, where no RR interval tells; ms."""


@dataclass
class Slice:
    """The frames of one series at one place along the normal, in the order of time."""

    series: str
    location: float
    frames: list[Frame] = field(default_factory=list)

    @property
    def number(self) -> tuple[tuple[str, str], int]:
        """Study, and number of the series in it, in the order in which they were taken."""
        return max((frame.study, frame.number) for frame in self.frames)

    @property
    def triggers(self) -> list[float] | None:
        """Trigger times in ms, where every frame has one and they differ."""
        return _telling([frame.trigger for frame in self.frames])

    @property
    def phases(self) -> list[float] | None:
        """Shares of the RR interval, where every frame has one and they differ."""
        return _telling([frame.phase for frame in self.frames])


Stack = list[Slice]


def stacks(frames: list[Frame], parameters: Imaging) -> list[Stack]:
    """All parallel stacks of at least two slices, in the order in which they were taken."""
    groups = grouped(_volumes_joined(frames), _parallel)
    found = [stack for group in groups for stack in _stacks(_slices(group, parameters), parameters)]
    return sorted(found, key=lambda stack: (min(part.number for part in stack), stack[0].location))


def grouped[T](items: Iterable[T], alike: Callable[[T, T], bool]) -> list[list[T]]:
    """Items in groups, each of those that are like its first one."""
    groups: list[list[T]] = []
    for item in items:
        group = next((group for group in groups if alike(item, group[0])), None)
        groups.append([item]) if group is None else group.append(item)
    return groups


def _telling(values: list[float | None]) -> list[float] | None:
    return None if None in values or len(set(values)) < 2 else values


def gap(stack: Stack) -> float:
    """The usual distance of neighbouring slices, mm."""
    return float(np.median(np.diff([part.location for part in stack])))


def _parallel(one: Frame, two: Frame) -> bool:
    """In one study: another one has another place of the patient."""
    same = (one.modality, one.study[1]) == (two.modality, two.study[1])
    return same and bool(np.abs(one.orientation - two.orientation).max() < SAME_DIRECTION)


def _volumes_joined(frames: list[Frame]) -> list[Frame]:
    """The frames, where the series of a CT that show each place of a study once, and the same places, have one name."""
    series: dict[str, list[Frame]] = {}
    for frame in frames:
        if frame.modality == "CT":
            series.setdefault(frame.series, []).append(frame)
    names: dict[frozenset[tuple[str | float, ...]], str] = {}
    renamed = {}
    for name, members in series.items():
        places = frozenset((frame.study[1], *np.round(frame.position, 1)) for frame in members)
        renamed[name] = names.setdefault(places, name) if len(places) == len(members) else name
    return [replace(frame, series=renamed[frame.series]) if frame.series in renamed else frame for frame in frames]


def _slices(frames: list[Frame], parameters: Imaging) -> list[Slice]:
    """Slices of frames with one orientation, in the order of their places."""
    normal = frames[0].normal
    tolerance = parameters.slice_tolerance if frames[0].modality == "MR" else SAME_PLACE
    found: list[Slice] = []
    for frame in sorted(frames, key=lambda frame: (frame.series, frame.position @ normal)):
        location = float(frame.position @ normal)
        if not found or found[-1].series != frame.series or location - found[-1].location > tolerance:
            found.append(Slice(frame.series, location))
        found[-1].frames.append(frame)
    for part in found:
        part.frames.sort(key=_when)
    return sorted(found, key=lambda part: part.location)


def _when(frame: Frame) -> tuple[float, float, int, float]:
    return (frame.trigger or 0.0, frame.phase or 0.0, frame.number, frame.order)


def _stacks(slices: list[Slice], parameters: Imaging) -> list[Stack]:
    """Stacks of parallel slices: of one series each, and of the cines of series with few slices."""
    cine = Counter(part.series for part in slices if is_cine(part, parameters))
    every = Counter(part.series for part in slices)
    few = {series for series, count in cine.items() if count < parameters.minimum_slices}
    alone = [series for series, count in every.items() if count > 1 and series not in few]
    together = [part for part in slices if part.series in few]
    of_one = [[part for part in slices if part.series == series] for series in alone]
    return [stack for stack in [*of_one, *_passes(together, parameters)] if len(stack) > 1]


def is_cine(part: Slice, parameters: Imaging) -> bool:
    """Whether a slice has enough frames, and these are of one beat: dynamic series run over many, or stay at one time.

    Half of the times may be there twice: that is a cine that is there twice, and is refused as such.
    """
    stamps = [frame.trigger for frame in part.frames]
    if len(stamps) < parameters.minimum_frames:
        return False
    if None in stamps or part.phases:
        return True
    beat = max((1.5 * frame.interval for frame in part.frames if frame.interval), default=LONGEST_BEAT)
    return part.triggers is not None and max(stamps) - min(stamps) <= beat


def _passes(slices: list[Slice], parameters: Imaging) -> list[Stack]:
    """The slices of several series, divided where the scanner began again and one of its passes is whole.

    Where single slices were taken again, nobody but the operator knows which are good: they stay in one stack, which
    is refused by the name of the slice.
    """
    passes: list[Stack] = []
    for part in sorted(slices, key=lambda part: part.number):
        if not passes or any(_same_place(part, other, parameters) for other in passes[-1]):
            passes.append([])
        passes[-1].append(part)
    places = grouped(slices, lambda one, two: _same_place(one, two, parameters))
    whole = any(len(stack) == len(places) for stack in passes)
    if whole and min(map(len, passes)) >= parameters.minimum_slices:
        return [sorted(stack, key=lambda part: part.location) for stack in passes]
    return [slices]


def _same_place(one: Slice, two: Slice, parameters: Imaging) -> bool:
    return abs(one.location - two.location) <= parameters.slice_tolerance
