"""What the report says of the image: which stack it is and why, what import did to its slices, and the found phases."""

from typing import Any

import numpy as np
import xarray as xr

Row = dict[str, Any]


def taken(image: xr.Dataset | None) -> Row | None:
    """Sizes of the image, the table of stacks from which it was chosen, and the slices that were interpolated."""
    if image is None:
        return None
    return {
        "files": image.attrs["files"],
        "refused": image.attrs["refused"],
        "frames": image.sizes["time"],
        "slices": image.sizes["z"],
        "cycle": float(image.cycle),
        "modality": image.attrs["modality"],
        "stacks": image.attrs["stacks"],
        "stack": image.attrs["stack"],
        "regridded": _numbers(image.regridded),
        "retimed": _numbers(image.retimed),
    }


def shifts(image: xr.Dataset | None) -> list[Row]:
    """Per slice, from 1: what a breath-hold moved it by along y and x in mm, and what of it was taken out."""
    if image is None:
        return []
    rows = zip(image.shift_found.values, image.shift_removed.values, image.shift_judged.values, strict=True)
    return [
        {"slice": number, "y": found[0], "x": found[1], "judged": bool(judged), "moved": float(np.hypot(*shift))}
        for number, (found, shift, judged) in enumerate(rows, 1)
    ]


def moments(labels: xr.Dataset | None) -> list[Row]:
    """End-diastole and end-systole as they were found in the volumes: frame from 1, time in ms, LV volume in mL."""
    if labels is None:
        return []
    frames = {"End-diastole": int(labels.end_diastole), "End-systole": int(labels.end_systole)}
    return [
        {"name": name, "frame": frame + 1, "time": float(labels.time[frame]), "volume": float(labels.volume_lv[frame])}
        for name, frame in frames.items()
    ]


def _numbers(flags: xr.DataArray) -> list[int]:
    return [int(number) for number in np.flatnonzero(flags.values) + 1]
