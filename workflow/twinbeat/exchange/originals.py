"""The images that a result is about: their headers, and which frame shows which slice at which phase."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import xarray as xr
from pydicom import Dataset

from ..intake import files
from ..intake.imaging import cycle
from ..intake.imaging.choice import choose
from ..intake.imaging.frames import Frame, frames
from ..parameters import Imaging
from ..store import StoreError

UNKNOWN_DAY = "19000101"
"""Where the images have none; a result must have one."""


@dataclass(frozen=True)
class Original:
    """One frame of a de-identified image."""

    header: Dataset
    """Of the file, without pixels."""
    frame: Frame

    @property
    def number(self) -> int | None:
        """Of the frame in a multi-frame image, from 1; None in a classic one."""
        return self.frame.index + 1 if "NumberOfFrames" in self.header else None


@dataclass(frozen=True)
class Originals:
    """Frames by phase and slice, ``shown[phase][z]``."""

    shown: tuple[tuple[Original, ...], ...]

    @property
    def headers(self) -> list[Dataset]:
        """Of all files, each once."""
        return list({one.header.SOPInstanceUID: one.header for phase in self.shown for one in phase}.values())

    @property
    def day(self) -> str:
        """Of the study, moved by de-identification."""
        return str(self.headers[0].get("StudyDate") or UNKNOWN_DAY)

    @property
    def space(self) -> str:
        """UID of the frame of reference; one of our own where the images name none, or several."""
        named = sorted({str(header.get("FrameOfReferenceUID", "")) for header in self.headers})
        return named[0] if len(named) == 1 and named[0] else digest("frame of reference", *named)

    def stamp(self, result: Dataset) -> None:
        """Give a result the day of its images, in place of the day and the time at which it was made."""
        for kind in ("Content", "Series", "InstanceCreation"):
            setattr(result, f"{kind}Date", self.day)
            setattr(result, f"{kind}Time", "000000")
        for item in result.ContributingEquipmentSequence:
            if "ContributionDateTime" in item:
                item.ContributionDateTime = f"{self.day}000000"


def of_phases(
    folder: Path, labels: xr.Dataset, phases: Sequence[int], parameters: Imaging, number: int | None
) -> Originals:
    """The frames of a de-identified folder that show these phases of its short-axis cine, which is stack ``number``."""
    stack = choose(frames(files.listed(folder)), parameters, number).stack
    shown = cycle.shown(stack)
    found, expected = labels.labels.shape[:2], (len(shown[0]), len(stack))
    if found != expected:
        words = "the labels have {} frames of {} slices; expected {} frames of {} slices as the images have"
        raise StoreError(words.format(*found, *expected))
    chosen = [[part.frames[own[t]] for part, own in zip(stack, shown, strict=True)] for t in phases]
    headers = {frame.file.path: files.read(frame.file, pixels=False) for row in chosen for frame in row}
    return Originals(tuple(tuple(Original(headers[frame.file.path], frame) for frame in row) for row in chosen))


def digest(*parts: str | bytes | np.ndarray) -> str:
    """A UID that is the same for the same content (PS3.5 B.2)."""
    total = sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else bytes(part)
        total.update(sha256(content).digest())
    return f"2.25.{int.from_bytes(total.digest()[:16])}"
