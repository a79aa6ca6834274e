"""Results as DICOM, for a hospital's archive and viewers: a segmentation (SEG) and a measurement report (TID 1500).

Both refer to the de-identified images, know the patient by pseudonym only, and are the same whenever they are made:
UIDs are digests of the content (PS3.5 B.2), days are those of the images.
"""

from pathlib import Path

import xarray as xr
from highdicom.seg import Segmentation

from ..intake import files
from ..parameters import Imaging
from . import measurements, segmentation
from .originals import Originals, of_phases


def write(
    images: Path,
    output: Path,
    labels: xr.Dataset,
    targets: xr.Dataset,
    assessment: xr.Dataset,
    parameters: Imaging,
    stack: int | None = None,
) -> None:
    """Write segmentation.dcm and measurements.dcm into ``output``, about the de-identified ``images``.

    ``stack`` is the number of the one that import took; None where that is the one it would take again.
    Raises StoreError where the labels are not those of the images.
    """
    originals, segments = _segments(images, labels, parameters, stack)
    with files.quiet():  # else highdicom doubts that a pseudonym is a name
        report = measurements.make(originals, segments, measurements.figures(targets, assessment))
    output.mkdir(parents=True, exist_ok=True)
    segments.save_as(output / "segmentation.dcm")
    report.save_as(output / "measurements.dcm")


def write_segmentation(
    images: Path, output: Path, labels: xr.Dataset, parameters: Imaging, stack: int | None = None
) -> None:
    """Write segmentation.dcm alone into ``output``, as ``write`` does: for a reviewer to correct."""
    _, segments = _segments(images, labels, parameters, stack)
    output.mkdir(parents=True, exist_ok=True)
    segments.save_as(output / "segmentation.dcm")


def _segments(
    images: Path, labels: xr.Dataset, parameters: Imaging, stack: int | None
) -> tuple[Originals, Segmentation]:
    """The segmentation at end-diastole and end-systole, and the images that it is about."""
    phases = (int(labels.end_diastole), int(labels.end_systole))
    originals = of_phases(images, labels, phases, parameters, stack)
    with files.quiet():
        return originals, segmentation.make(originals, labels.isel(time=list(phases)))
