"""What cannot be cleaned, and is refused with a coded reason: objects that are no images, images with text in them."""

from pydicom import Dataset
from pydicom.uid import UID_dictionary

from ..files import IMAGES

FAMILIES = {
    "1.2.840.10008.1.3.10": "directory",
    "1.2.840.10008.5.1.4.1.1.7": "secondary-capture",
    "1.2.840.10008.5.1.4.1.1.104": "encapsulated-document",
    "1.2.840.10008.5.1.4.1.1.88": "structured-report",
    "1.2.840.10008.5.1.4.1.1.11": "presentation-state",
    "1.2.840.10008.5.1.4.1.1.9": "waveform",
}
OVERLAYS = range(0x6000, 0x6020, 2)
SCREENS = {"SCREEN SAVE", "SCREENSHOT", "SCREEN", "SCREEN_CAPTURE", "SECONDARY_CAPTURE"}


def refused_kind(sop_class: str) -> str | None:
    """The reason why an object of this SOP class is refused; None for MR and CT images."""
    if sop_class in IMAGES:
        return None
    for root, code in FAMILIES.items():
        if sop_class == root or sop_class.startswith(root + "."):
            return code
    return "other-object" if sop_class in UID_dictionary else "unknown-sop-class"


def refused_image(dataset: Dataset) -> str | None:
    """The reason why an MR or CT image is refused, from its header; None where it can be cleaned."""
    if str(dataset.get("BurnedInAnnotation", "")).strip().upper() == "YES":
        return "burned-in-annotation"
    if SCREENS & {str(value).strip().upper() for value in dataset.get("ImageType") or []}:
        return "screen-capture"
    if dataset.get("SamplesPerPixel", 1) != 1:
        return "colour-image"
    return "embedded-overlay" if any(_is_embedded(dataset, group) for group in OVERLAYS) else None


def _is_embedded(dataset: Dataset, group: int) -> bool:
    """Whether an overlay is drawn in bits of the pixels that they do not use themselves (retired, PS3.5 8.1.2)."""
    position = dataset.get((group, 0x0102))
    return position is not None and position.value not in (None, 0) and (group, 0x3000) not in dataset
