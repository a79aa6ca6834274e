"""Parameters of intake: what comes out of DICOM files, images and clinical files."""

from typing import Annotated, Literal

from pydantic import Field

from ..units import Age, BloodPressure, Length, Rate, TimeShift
from .section import Section

Word = Annotated[str, Field(pattern=r"^[^\W_]+$")]
PrivateTag = Annotated[str, Field(pattern=r"^\([0-9A-Fa-f]{3}[13579bdfBDF],xx[0-9A-Fa-f]{2}\) \S.*$")]
SourceName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9 -]{0,30}$")]
SOURCES = dict.fromkeys(("cuff", "monitor", "catheter", "laboratory"), "0 s")


class Deidentification(Section):
    """What is taken out of DICOM files before anything else sees them: the basic profile of PS3.15 annex E."""

    key_file: str | None = None
    """File of mode 600 with the secret that makes pseudonymous UIDs and dates; none: the environment's TWINBEAT_KEY."""

    date_shift_days: Annotated[int, Field(ge=1, le=36500)] = 3650
    """Dates of a patient move back by up to this many days, by the same amount for all files of the patient."""

    retain_patient_characteristics: bool = True
    """Keep sex, age (90 for all who are older), size, weight, ethnic group, pregnancy and smoking (option 113108)."""

    retain_device_identity: bool = False
    """Keep serial numbers and names of scanners and stations (option 113109)."""

    clean_descriptors: bool = True
    """Keep those words of descriptions that a vocabulary of cardiac imaging has (option 113105), and no other text."""

    vocabulary: tuple[Word, ...] = ()
    """Words that may stay beside those of the vocabulary."""

    clean_graphics: bool = False
    """Keep drawn annotations, with their text cleaned (option 113103). Overlays and curves go in any case."""

    safe_private: tuple[PrivateTag, ...] = ()
    """Private numbers and codes that are safe (option 113111), each as "(0019,xx0C) SIEMENS MR HEADER"."""

    recognise_text: bool = False
    """Refuse images in which Tesseract reads text: about a second per image."""

    linkage_folder: str | None = None
    """Folder of mode 700 outside of the results for a file per patient that says whose pseudonym it is; none: none."""

    linkage_recipient: str | None = None
    """Public key (age) for which these files are encrypted, so that only the trustee can read them."""


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
    """What clinical files are trusted with, and how well their figures and those of the population are known."""

    oldest: Annotated[Age, Field(gt=0)] = "183 day"
    """A value taken longer than this before or after the examination flags the report."""

    implausible: Literal["set aside", "reject"] = "set aside"
    """What happens where a value cannot be: it is set aside with its reason, or the patient is rejected."""

    clocks: dict[SourceName, Annotated[TimeShift, Field(gt=-1e7, lt=1e7)]] = SOURCES
    """Sources by their names in the files, and how far the clock of each is ahead; a source of another name is shown as
    other, because it may identify somebody."""

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
