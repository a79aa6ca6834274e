"""The image store from a de-identified folder: frames sorted by geometry and time, on a common heart cycle."""

from itertools import groupby
from pathlib import Path

import numpy as np
import xarray as xr

from ...parameters import Imaging
from ...store import StoreError
from ...verdicts import Rejected
from .. import files
from ..record import record
from .frames import Frame, frames
from .stack import Slice, short_axis


def read(folder: Path, made: xr.Dataset, parameters: Imaging) -> xr.Dataset:
    """The short-axis cine of a de-identified folder, as VARIABLES["image"] has it.

    ``made`` is the record of the folder. Raises Rejected where there is no whole short-axis cine, StoreError where the
    folder is not as the record says.
    """
    if not record(folder).identical(made.drop_attrs().assign_attrs(kind="record")):
        raise StoreError(f"{folder}: the files are not those that the record of de-identification names")
    stack = short_axis(frames(files.listed(folder)), parameters)
    time, cycle = heart_times(stack)
    first, last = stack[0].frames[0], stack[-1].frames[0]
    spacing = (last.position - first.position) @ first.normal / (len(stack) - 1)
    rows, columns = first.shape
    coordinates = {
        "time": time,
        "z": spacing * np.arange(len(stack)),
        "y": first.spacing[0] * np.arange(rows),
        "x": first.spacing[1] * np.arange(columns),
    }
    return xr.Dataset(
        {
            "image": (("time", "z", "y", "x"), _pixels(stack)),
            "origin": (("component",), first.position),
            "directions": (("axis", "component"), [first.normal, first.orientation[3:], first.orientation[:3]]),
            "cycle": ((), cycle),
        },
        coordinates,
    )


def heart_times(stack: list[Slice]) -> tuple[np.ndarray, float]:
    """Frame times in ms after the R wave, and the RR interval, common to slices whose RR intervals differ.

    The times of each slice become phases of its own interval; their median over the slices, times the median interval,
    is the common time. Raises Rejected where there are no times or where the slices disagree by half a frame.
    """
    own = [_slice_times(part, number, len(stack)) for number, part in enumerate(stack, 1)]
    phases = np.array([times / interval for times, interval in own])
    cycle = float(np.median([interval for _, interval in own]))
    common = np.median(phases, axis=0)
    worst = np.abs(phases - common).max(axis=1)
    if (worst > 0.5 / len(common)).any():
        number = int(worst.argmax()) + 1
        found = f"slice {number} of {len(stack)} is {worst.max() * cycle:.0f} ms off the common frame times"
        raise Rejected("uneven-times", f"{found}; expected at most half a frame ({0.5 / len(common) * cycle:.0f} ms)")
    return common * cycle, cycle


def _slice_times(part: Slice, number: int, total: int) -> tuple[np.ndarray, float]:
    """Times of the frames of a slice in ms, and its RR interval: the nominal one where the frames fit into it."""
    triggers = [frame.trigger for frame in part.frames if frame.trigger is not None]
    nominal = [frame.interval for frame in part.frames if frame.interval]
    interval = float(np.median(nominal)) if nominal else 0.0
    count = len(part.frames)
    if len(triggers) < count or len(set(triggers)) < count:
        if not interval:
            found = f"slice {number} of {total} has {len(set(triggers))} trigger times for {count} frames"
            raise Rejected("no-frame-times", f"{found} and no RR interval; expected one or the other")
        return interval * np.arange(count) / count, interval
    times = np.array(triggers)
    step = (times[-1] - times[0]) / (count - 1)
    return times, interval if interval >= times[-1] + step / 2 else max(step * count, times[-1] + step / 2)


def _pixels(stack: list[Slice]) -> np.ndarray:
    """Signal, shape (time, z, y, x); every file is decoded once."""
    shape = (len(stack[0].frames), len(stack), *stack[0].frames[0].shape)
    signal = np.empty(shape, np.float32)
    places = [(frame, t, z) for z, part in enumerate(stack) for t, frame in enumerate(part.frames)]
    for _, group in groupby(sorted(places, key=_file_number), _file_number):
        members = list(group)
        decoded = files.decode(members[0][0].file)
        for frame, t, z in members:
            if frame.index >= len(decoded):
                raise Rejected("corrupt-file", f"{frame.file} has {len(decoded)} frames; its header tells of more")
            slope, intercept = frame.scale
            signal[t, z] = slope * decoded[frame.index] + intercept
    return signal


def _file_number(place: tuple[Frame, int, int]) -> int:
    return place[0].file.number
