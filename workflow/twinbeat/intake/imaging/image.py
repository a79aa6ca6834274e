"""The image store from a de-identified folder: frames sorted by geometry and time, on one grid and one heart cycle."""

import logging
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import xarray as xr

from ...parameters import Imaging
from ...store import StoreError
from .. import files
from ..record import record
from . import breathhold, cycle
from .choice import Choice, choose
from .frames import Frame, frames
from .plane import Plane, common, plane, resampled, same
from .slices import Stack

Weights = list[np.ndarray | None]
log = logging.getLogger("twinbeat")


def read(folder: Path, made: xr.Dataset, parameters: Imaging, forced: int | None = None) -> xr.Dataset:
    """The short-axis cine (or cardiac CT) of a de-identified folder, as VARIABLES["image"] has it.

    ``made`` is the record of the folder, ``forced`` the number of the stack to take whatever its orientation. The
    attributes have the ``modality``, how many ``files`` came in and how many were ``refused`` (by reason), and the
    table of ``stacks`` from which the image was chosen. Raises Rejected where there is no whole image of the heart,
    StoreError where the folder is not as the record says.
    """
    if not record(folder).identical(made.drop_attrs().assign_attrs(kind="record")):
        raise StoreError(f"{folder}: the files are not those that the record of de-identification names")
    choice = choose(frames(files.listed(folder)), parameters, forced)
    log.info("import: stack %d of %d: %s", choice.number, len(choice.table), choice.table[choice.number - 1]["reason"])
    image = _freed(_assembled(choice, parameters), parameters)
    return image.assign_attrs(files=made.sizes["file"], refused=made.attrs.get("refused", {}))


def _assembled(choice: Choice, parameters: Imaging) -> xr.Dataset:
    """The image of a stack as the scanner took it, but for its common grid and cycle."""
    stack = choice.stack
    time, interval, weights = cycle.uniform(stack)
    grid = common(stack, parameters.finest_pixel)
    first, last = stack[0].frames[0], stack[-1].frames[0]
    axes = np.array([first.normal, first.orientation[3:], first.orientation[:3]])
    spacing = (last.position - first.position) @ first.normal / (len(stack) - 1)
    own = [plane(part.frames[0], parameters.finest_pixel) for part in stack]
    coordinates = {"time": time, "z": spacing * np.arange(len(stack))}
    coordinates |= {axis: step * np.arange(n) for axis, step, n in zip("yx", grid.spacing, grid.shape, strict=True)}
    return xr.Dataset(
        {
            "image": (("time", "z", "y", "x"), _pixels(stack, weights, grid, parameters.finest_pixel)),
            "origin": (("component",), np.array([first.position @ axes[0], *grid.corner]) @ axes),
            "directions": (("axis", "component"), axes),
            "cycle": ((), interval),
            "regridded": (("z",), [not same(one, grid) for one in own]),
            "retimed": (("z",), [one is not None for one in weights]),
        },
        coordinates,
        {"modality": first.modality, "stacks": choice.table, "stack": choice.number},
    )


def _pixels(stack: Stack, weights: Weights, grid: Plane, finest: float) -> np.ndarray:
    """Signal, shape (time, z, y, x). Every file is decoded once, frame by frame, and none is kept."""
    count = max(len(part.frames) if own is None else len(own) for part, own in zip(stack, weights, strict=True))
    signal = np.zeros((count, len(stack), *grid.shape), np.float32)
    for frame, stored, z, j in _decoded(stack):
        slope, intercept = frame.scale
        pixels = resampled(slope * stored + intercept, plane(frame, finest), grid)
        if weights[z] is None:
            signal[j, z] = pixels
        else:
            for t in np.flatnonzero(weights[z][:, j]):
                signal[t, z] += weights[z][t, j] * pixels
    return signal


def _decoded(stack: Stack) -> Iterator[tuple[Frame, np.ndarray, int, int]]:
    """Each frame of a stack with its stored values, its slice and its place among the frames of the slice."""
    places = [(frame, z, j) for z, part in enumerate(stack) for j, frame in enumerate(part.frames)]
    places.sort(key=lambda place: (place[0].file.number, place[0].index))
    for _, group in groupby(places, key=lambda place: place[0].file.number):
        members = list(group)
        planes = files.decode(members[0][0].file, [frame.index for frame, _, _ in members])
        for (frame, z, j), stored in zip(members, planes, strict=True):
            yield frame, stored, z, j


def _freed(image: xr.Dataset, parameters: Imaging) -> xr.Dataset:
    """The image without the jumps of breath-holds, and the shift in mm that was found in each slice and taken out."""
    found, judged = breathhold.shifts(image)
    large = judged & (np.linalg.norm(found, axis=1) > parameters.largest_shift)
    shift = np.where(large[:, None], found, 0.0)
    for z in np.flatnonzero(large):
        log.info("import: slice %d moved back by %.1f mm", z + 1, np.linalg.norm(shift[z]))
        image.image.values[:, z] = breathhold.moved(image, z, -shift[z])
    return image.assign(
        shift_removed=(("z", "in_plane"), shift),
        shift_found=(("z", "in_plane"), found),
        shift_judged=(("z",), judged),
    )
