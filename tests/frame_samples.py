"""Frames of invented stacks, without pixels, for the tests of how images are chosen and put in order."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from dicom_samples import AXES, UP, stopped

from twinbeat.intake import files
from twinbeat.intake.imaging.choice import choose
from twinbeat.intake.imaging.frames import Frame
from twinbeat.parameters import Imaging
from twinbeat.verdicts import Rejected


def stack(
    slices: int = 12,
    phases: int = 20,
    series: str = "1",
    axes: np.ndarray = AXES,
    step: float = 8.0,
    number: int = 1,
    study: tuple[str, str] = ("20200131 0800", "1.2"),
) -> list[Frame]:
    """Frames of a whole short-axis cine, 40 ms apart, without pixels."""
    return [
        Frame(
            file=files.File(Path(f"{z}-{t}"), z * phases + t + 1, slices * phases),
            index=0,
            modality="MR",
            series=series,
            study=study,
            number=number,
            position=step * z * axes[0],
            orientation=np.concatenate([axes[2], axes[1]]),
            spacing=(1.5, 1.5),
            shape=(256, 256),
            trigger=40.0 * t,
            interval=40.0 * phases,
            phase=None,
            order=float(t),
        )
        for z in range(slices)
        for t in range(phases)
    ]


def refused(found: list[Frame], forced: int | None = None, **parameters) -> Rejected:
    """The verdict on a folder with these frames."""
    error = stopped(choose, found, Imaging(**parameters), forced)
    assert isinstance(error, Rejected)
    return error


def moved(frame: Frame, by: np.ndarray) -> Frame:
    return replace(frame, position=frame.position + by)


def in_slice(found: list[Frame], number: int, change) -> list[Frame]:
    """The frames of a stack 8 mm apart, those of one slice (from 1) changed."""
    return [change(frame) if round(frame.position @ UP / 8) == number - 1 else frame for frame in found]
