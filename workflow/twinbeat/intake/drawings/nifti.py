"""Label volumes from NIfTI files; of the header, only geometry is looked at."""

import nibabel
import numpy as np
from numpy.typing import NDArray

from ...verdicts import NeedsReview
from ..files import File
from .volume import Volume

SUFFIXES = (".nii", ".nii.gz")
TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""NIfTI counts from left to right and from back to front, DICOM the other way."""


def read(file: File) -> list[Volume]:
    """The volume of each frame. Raises NeedsReview where the file is no NIfTI file, or does not say where it lies."""
    try:
        image = nibabel.load(file.path)
        data, header = np.asanyarray(image.dataobj), image.header
        placed = header["sform_code"] > 0 or header["qform_code"] > 0
        unit, affine = header.get_xyzt_units()[0], TO_LPS @ image.affine
    except Exception as error:  # a parser met by bytes that are no NIfTI may raise anything
        reason = f"{file} cannot be read as NIfTI ({type(error).__name__}); expected a whole label volume"
        raise NeedsReview("review-unreadable", reason) from None
    if not placed or abs(np.linalg.det(affine)) < 1e-9:
        reason = f"{file} does not say where it lies (no sform, no qform); expected the images' patient coordinates"
        raise NeedsReview("review-no-position", reason)
    if unit not in ("mm", "unknown"):
        raise NeedsReview("review-no-position", f"{file} counts in {unit}; expected mm")
    return [_volume(frame, affine) for frame in _frames(file, data)]


def _frames(file: File, data: NDArray) -> list[NDArray]:
    """Frames (i, j, k); axes of length one behind the fourth do not count."""
    data = data.reshape(data.shape[:4]) if data.ndim > 4 and data.size == np.prod(data.shape[:4]) else data
    if data.ndim not in (3, 4) or data.dtype.kind not in "biuf":
        reason = f"{file} has {data.ndim} axes of {data.dtype.name}; expected numbers over x, y, z and, if so, time"
        raise NeedsReview("review-unreadable", reason)
    return list(np.moveaxis(data, 3, 0)) if data.ndim == 4 else [data]


def _volume(frame: NDArray, affine: NDArray[np.float64]) -> Volume:
    steps, count = affine[:3, 2::-1].T, frame.shape[2]
    return Volume(frame.T, affine[:3, 3] + np.arange(count)[:, None] * steps[0], steps)
