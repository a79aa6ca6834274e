"""Results as DICOM, for a hospital's archive and viewers: a segmentation (SEG) and a measurement report (TID 1500).

Both refer to the de-identified images, know the patient by pseudonym only, and are the same whenever they are made:
UIDs are digests of the content (PS3.5 B.2), days are those of the images.
"""

from pathlib import Path

import xarray as xr

from ..intake import files
from ..parameters import Imaging
from . import measurements, segmentation
from .originals import of_phases


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
    phases = (int(labels.end_diastole), int(labels.end_systole))
    originals = of_phases(images, labels, phases, parameters, stack)
    with files.quiet():  # else highdicom doubts that a pseudonym is a name
        segments = segmentation.make(originals, labels.isel(time=list(phases)))
        report = measurements.make(originals, segments, measurements.figures(targets, assessment))
    output.mkdir(parents=True, exist_ok=True)
    segments.save_as(output / "segmentation.dcm")
    report.save_as(output / "measurements.dcm")
