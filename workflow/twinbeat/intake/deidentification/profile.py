"""The basic profile of DICOM PS3.15 annex E on one dataset, at every depth.

Table E.1-1 and its dummy values come from dicom-anonymizer; the walk is ours, because that library leaves listed
attributes inside unlisted sequences, and breaks the intervals between dates. We are stricter than the table in one
point: text stays only in the attributes of ``DEVICE_TEXT``, so that a name in a field which nobody listed goes too.
"""

from collections.abc import Callable

from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector
from dicomanonymizer.simpledicomanonymizer import empty_element, replace_element
from pydicom import DataElement, Dataset, Sequence, uid
from pydicom.datadict import dictionary_has_tag, tag_for_keyword
from pydicom.dataset import FileMetaDataset
from pydicom.tag import BaseTag

from .pseudonyms import Pseudonyms

EDITION = "dicomfields_2026c"
TEXT = {"AE", "AS", "LO", "LT", "PN", "SH", "ST", "UC", "UN", "UR", "UT"}
BULK = {"OB", "OD", "OF", "OL", "OV", "OW", "OB or OW"}
DEVICE_TEXT = {
    tag_for_keyword(keyword)
    for keyword in (
        "Manufacturer",
        "ManufacturerModelName",
        "SoftwareVersions",
        "ReceiveCoilName",
        "TransmitCoilName",
        "SequenceName",
        "PulseSequenceName",
        "ImagedNucleus",
        "ResonantNucleus",
        "StackID",
        "RescaleType",
    )
}
PIXELS = {0x7FE00008, 0x7FE00009, 0x7FE00010}
DUMMIES = {"D": replace_element, "Z": empty_element}
METHOD_CODES = (
    ("113100", "Basic Application Confidentiality Profile"),
    ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
)


def _table() -> dict[int, str]:
    """Action by tag: X remove, Z empty, D dummy, U replace UIDs; of a choice such as X/Z/D the last is taken."""
    tags = dicom_anonymization_database_selector(EDITION)
    last = {"D_TAGS": "D", "Z_TAGS": "Z", "X_TAGS": "X", "U_TAGS": "U", "Z_D_TAGS": "D", "X_Z_TAGS": "Z"}
    last |= {"X_D_TAGS": "D", "X_Z_D_TAGS": "D", "X_Z_U_STAR_TAGS": "U"}
    return {(tag[0] << 16) + tag[1]: action for name, action in last.items() for tag in tags[name] if len(tag) == 2}


TABLE = _table()


def clean(dataset: Dataset, pseudonyms: Pseudonyms, mentions: Callable[[str], bool]) -> None:
    """De-identify a dataset and its sequences in place; ``mentions`` knows a text that names the person."""
    for tag in list(dataset.keys()):
        try:
            element = dataset[tag]
        except Exception:  # a value that cannot be parsed tells nothing that may stay
            del dataset[tag]
            continue
        if _goes(element):
            del dataset[tag]
        else:
            _change(dataset, element, pseudonyms, mentions)


def _goes(element: DataElement) -> bool:
    tag, action, kind = element.tag, TABLE.get(element.tag), element.VR
    if not _is_standard(tag) or (action == "X" and kind not in ("DA", "DT")):
        return True
    if kind == "SQ":
        return action not in (None, "U")
    if kind in BULK:
        return tag not in PIXELS and tag.group != 0x0028
    return kind in TEXT and action is None and tag not in DEVICE_TEXT


def _is_standard(tag: BaseTag) -> bool:
    """Whether a tag is in the dictionary, and no group length, overlay or curve."""
    repeating = 0x5000 <= tag.group <= 0x50FF or 0x6000 <= tag.group <= 0x60FF
    return not tag.is_private and not repeating and tag.element != 0 and dictionary_has_tag(tag)


def _change(dataset: Dataset, element: DataElement, pseudonyms: Pseudonyms, mentions: Callable[[str], bool]) -> None:
    action, kind = TABLE.get(element.tag), element.VR
    if kind == "SQ":
        for item in element.value:
            clean(item, pseudonyms, mentions)
    elif kind == "UI":
        element.value = [pseudonyms.uid(str(uid)) for uid in values(element)]
    elif kind in ("DA", "DT"):
        _shift(dataset, element, pseudonyms)
    elif kind == "TM":
        element.value = ""
    elif action in DUMMIES:
        DUMMIES[action](element)
    elif (kind == "CS" or element.tag in DEVICE_TEXT) and any(mentions(str(value)) for value in values(element)):
        element.value = [value for value in values(element) if not mentions(str(value))]


def _shift(dataset: Dataset, element: DataElement, pseudonyms: Pseudonyms) -> None:
    """Dates of the examination move; those of the person's life (groups 0010, 0038) go."""
    if element.tag.group in (0x0010, 0x0038):
        element.value = ""
    else:
        element.value = [shifted for text in values(element) if (shifted := pseudonyms.date(str(text)))]
    if not element.value and TABLE.get(element.tag) == "X":
        del dataset[element.tag]


def values(element: DataElement) -> list:
    """The values of an element of any multiplicity, without empty ones."""
    several = element.value if element.VM > 1 else [element.value]
    return [value for value in several if value not in (None, "")]


def declare(dataset: Dataset, pseudonyms: Pseudonyms) -> None:
    """Name the person by pseudonym and say what was done (PS3.15 E.3, PS3.3 C.12.1)."""
    dataset.PatientName = dataset.PatientID = pseudonyms.name
    dataset.PatientIdentityRemoved = "YES"
    dataset.LongitudinalTemporalInformationModified = "MODIFIED"
    dataset.DeidentificationMethodCodeSequence = Sequence([_code(*code) for code in METHOD_CODES])


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", meaning
    return code


def meta(dataset: Dataset) -> FileMetaDataset:
    """A new file meta header, without application titles and private information; never deflated."""
    implicit = dataset.original_encoding[0]
    found = uid.ImplicitVRLittleEndian if implicit else uid.ExplicitVRLittleEndian
    old = getattr(dataset, "file_meta", Dataset()).get("TransferSyntaxUID", found)
    new = FileMetaDataset()
    new.MediaStorageSOPClassUID, new.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    new.TransferSyntaxUID = uid.ExplicitVRLittleEndian if old == uid.DeflatedExplicitVRLittleEndian else old
    return new
