"""Label volumes from DICOM segmentations (SEG); of who made them, and of words in them, nothing is kept."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.uid import SegmentationStorage

from ...verdicts import NeedsReview
from ..files import File, quiet
from ..references import Belonging, belonging
from .volume import Array, Mask, Volume

SUFFIXES = (".dcm",)
PHASES = ("end-diastole", "end-systole")
NAMES = {1: "LV blood", 2: "LV myocardium", 3: "RV blood"}
"""What a segment is called, before a comma and its phase."""
ENHANCED, ENHANCEMENT = 4, "late enhancement"
"""Label and name of scar, which has no phase: it is drawn on images of its own."""

CLOSE = 0.5
"""Distance in mm within which two slices are the same one."""

_SEGMENTS = {f"{name}, {phase}": (label, phase) for label, name in NAMES.items() for phase in PHASES}
_SEGMENTS[ENHANCEMENT] = ENHANCED, ENHANCEMENT


class Frame(NamedTuple):
    """One segment in one slice."""

    mask: Mask
    corner: Array
    """LPS mm of the first pixel."""
    steps: Array
    """To the next slice, row and column, mm."""
    segment: int


def read(file: File) -> dict[str, Volume]:
    """The volume of each phase in which something is drawn. Raises NeedsReview where the file is no whole SEG of our
    labels."""
    try:
        with quiet():
            found = dcmread(file.path)
            frames = _frames(found)
            names = {int(one.SegmentNumber): str(one.SegmentLabel) for one in found.SegmentSequence}
    except Exception as error:  # a parser met by bytes that are no DICOM may raise anything
        reason = f"{file} cannot be read as a DICOM segmentation ({type(error).__name__}); expected a whole SEG"
        raise NeedsReview("review-unreadable", reason) from None
    if any(not np.allclose(frame.steps, frames[0].steps, atol=1e-4) for frame in frames):
        raise NeedsReview("review-no-position", f"{file} has slices of several orientations or sizes; expected one")
    drawn = [(frame, *_meaning(file, names, frame.segment)) for frame in frames if frame.mask.any()]
    parts = {phase: [(frame, label) for frame, label, own in drawn if own == phase] for phase in (*PHASES, ENHANCEMENT)}
    return {phase: _volume(part) for phase, part in parts.items() if part}


def check_origin(file: File, images: Path) -> None:
    """Raise NeedsReview where a SEG is not about the patient and study of the de-identified ``images``, or lies in
    another space. What it says instead is not told: it may be a name."""
    with quiet():
        found, ours = dcmread(file.path, stop_before_pixels=True), belonging(images)
    theirs = Belonging.of(found)
    if theirs.patients != ours.patients:
        raise NeedsReview("review-other-patient", f"{file} names another patient than the de-identified images do")
    same = theirs.spaces <= ours.spaces or len(ours.spaces) > 1  # images in several spaces share none with a SEG
    if not theirs.studies <= ours.studies or not same:
        reason = f"{file} has another study or frame of reference; expected those of the de-identified images"
        raise NeedsReview("review-other-space", reason)


def _frames(found: Dataset) -> list[Frame]:
    """All frames. Raises anything where the dataset is no SEG."""
    if found.SOPClassUID != SegmentationStorage:
        raise TypeError
    pixels = found.pixel_array.reshape(-1, found.Rows, found.Columns)
    most = found.MaximumFractionalValue if found.SegmentationType == "FRACTIONAL" else 1
    (shared,) = found.SharedFunctionalGroupsSequence
    groups = found.PerFrameFunctionalGroupsSequence
    return [_frame(2 * stored.astype(int) >= most, own, shared) for stored, own in zip(pixels, groups, strict=True)]


def _frame(mask: Mask, own: Dataset, shared: Dataset) -> Frame:
    def group(name: str) -> Dataset:
        return (own if name in own else shared)[name].value[0]

    row, column = np.array(group("PlaneOrientationSequence").ImageOrientationPatient, float).reshape(2, 3)
    measures = group("PixelMeasuresSequence")
    down, right = (float(size) for size in measures.PixelSpacing)
    across = float(measures.get("SpacingBetweenSlices") or measures.SliceThickness)
    if min(down, right, across) <= 0:
        raise ValueError
    corner = np.array(group("PlanePositionSequence").ImagePositionPatient, float)
    steps = np.array([np.cross(row, column) * across, column * down, row * right])
    return Frame(mask, corner, steps, int(group("SegmentIdentificationSequence").ReferencedSegmentNumber))


def _meaning(file: File, names: dict[int, str], segment: int) -> tuple[int, str]:
    """Label and phase of a segment, whose own words are not told: they may hold a name."""
    if (said := _SEGMENTS.get(names.get(segment, ""))) is None:
        expected = f'"{NAMES[1]}, {PHASES[0]}" or "{ENHANCEMENT}"'
        reason = f"{file}: segment {segment} has a label that is not known; expected such as {expected}"
        raise NeedsReview("review-unknown-label", reason)
    return said


def _volume(drawn: list[tuple[Frame, int]]) -> Volume:
    """The slices in the order of their heights.

    A SEG leaves out slices in which a segment is empty, so it speaks of all. Where segments overlap, LV blood holds,
    then its wall: a wall drawn as a disc has the pool inside.
    """
    steps = drawn[0][0].steps
    normal = steps[0] / np.linalg.norm(steps[0])
    heights = np.array([frame.corner @ normal for frame, _ in drawn])
    gaps = np.diff(np.sort(heights))
    across = min([np.linalg.norm(steps[0]), *gaps[gaps > CLOSE]])
    numbers = np.rint((heights - heights.min()) / across).astype(int)
    steps = np.array([normal * across, *steps[1:]])
    lowest = drawn[int(heights.argmin())][0].corner
    corners = lowest + np.arange(numbers.max() + 1)[:, None] * steps[0]
    labels = np.zeros((len(corners), *drawn[0][0].mask.shape), np.uint8)
    for number, (frame, label) in sorted(zip(numbers, drawn, strict=True), key=lambda one: -one[1][1]):
        corners[number] = frame.corner
        labels[number][frame.mask] = label
    return Volume(labels, corners, steps, whole=True)
