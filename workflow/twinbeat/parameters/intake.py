"""Parameters of intake: what comes out of DICOM files, images and clinical files."""

from typing import Annotated

from pydantic import Field

from ..units import BloodPressure, Length, Rate
from .section import Section


class Deidentification(Section):
    """What is taken out of DICOM files (PS3.15 annex E) before anything else sees them."""

    key_file: str | None = None
    """File of mode 600 with the secret that makes pseudonymous UIDs and dates; none: the environment's TWINBEAT_KEY."""

    date_shift_days: Annotated[int, Field(ge=1, le=36500)] = 3650
    """Dates of a patient move back by up to this many days, by the same amount for all files of the patient."""


class Imaging(Section):
    """Import of the short-axis cine, or of a cardiac CT."""

    slice_tolerance: Length = "0.5 mm"
    """Slices further than this off an even spacing are reported as missing or duplicate."""

    minimum_slices: Annotated[int, Field(ge=3)] = 5
    """Parallel slices that make a short-axis stack."""

    minimum_frames: Annotated[int, Field(ge=4)] = 8
    """Frames of a slice that make it a cine."""

    finest_pixel: Length = "1 mm"
    """Smaller pixels (of a CT) are joined to blocks of at most this size, by their mean."""

    largest_shift: Length = "3 mm"
    """Slices that a breath-hold moved further than this in their plane are moved back."""

    force: Annotated[dict[str, Annotated[int, Field(ge=1)]], Field(default_factory=dict)]
    """Stack to take instead of the chosen one, by patient: its number in the report's table, such as {p-07: 2}."""


class ClinicalData(Section):
    """How well clinical figures are known, where they come from a file and where from the population."""

    cuff_sigma: BloodPressure = "5 mmHg"
    """Standard deviation of a systolic or diastolic pressure in the clinical file."""

    catheter_sigma: BloodPressure = "1 mmHg"
    """Standard deviation of a pressure inside the left ventricle in the clinical file."""

    rate_sigma: Rate = "2 beat/min"
    """Standard deviation of the heart rate."""

    assumed_systolic_sigma: BloodPressure = "20 mmHg"
    """Standard deviation of the systolic pressure of the population (and the diastolic, two thirds of it)."""

    assumed_end_diastolic_sigma: BloodPressure = "4 mmHg"
    """Standard deviation of the end-diastolic pressure of the population."""
