"""Where identifying values are planted in a dataset: listed attributes, depths, private blocks, unlisted places."""

from pydicom import DataElement, Dataset, Sequence
from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VR, tag_for_keyword
from pydicom.tag import Tag

from .planter import Planter


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NOT_SECRET = {"SpecificCharacterSet", "TimezoneOffsetFromUTC", "PatientSex", "PatientSexNeutered", "PregnancyStatus"}
"""Codes of few values, by which nobody is known."""
RETAINED = {"PatientAge", "PatientSize", "PatientWeight", "SmokingStatus", "EthnicGroup"}
STRUCTURE = {"SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "PatientID"}
UNLISTED = _words("""
    StudyStatusID ImageID TriggerSourceOrType CountsSource AcquisitionDeviceProcessingCode TransducerData
    ProcessingFunction LossyImageCompressionMethod PatientBirthDateInAlternativeCalendar ImageFilterDescription
    PerformedProcedureTypeDescription FilterMaterial WindowCenterWidthExplanation PixelSpacingCalibrationDescription
    LUTExplanation StrainDescription
""")
PRIVATE_KINDS = _words("""
    AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SS ST SV TM UC UI UL UN UR US UT UV
""")


def listed(dataset: Dataset, planter: Planter, where: str, tags: list[int]) -> None:
    """A value in each of these attributes that is no sequence, and no time of day, which moving dates leaves alone."""
    for tag in tags:
        if not dictionary_has_tag(tag) or tag >> 16 <= 0x0002:
            continue
        keyword, kind = dictionary_keyword(tag), dictionary_VR(tag).split(" or ")[0]
        if (
            kind == "SQ"
            or (kind == "TM" and keyword != "PatientBirthTime")
            or keyword in NOT_SECRET | RETAINED | STRUCTURE
            or tag in dataset
        ):
            continue
        dataset[tag] = DataElement(tag, kind, planter.value(f"{where} {keyword}", kind))


def unlisted(dataset: Dataset, planter: Planter, where: str) -> None:
    """Names in attributes that no list mentions: free text, codes and person names."""
    for keyword in UNLISTED:
        tag = tag_for_keyword(keyword)
        if tag not in dataset:
            kind = dictionary_VR(tag)
            dataset[tag] = DataElement(tag, kind, planter.value(f"{where} {keyword} (unlisted)", kind))


def private(dataset: Dataset, planter: Planter, where: str) -> None:
    """A private block with every value representation, one with a name for a creator, and a nested one."""
    block = dataset.private_block(0x0029, "TWINBEAT TORTURE", create=True)
    for offset, kind in enumerate(PRIVATE_KINDS, 1):
        block.add_new(offset, kind, planter.value(f"{where} private {kind}", kind))
    named = dataset.private_block(0x0031, str(planter.value(f"{where} private creator", "LO")), create=True)
    named.add_new(1, "LO", "of no interest")
    inner = Dataset()
    deep = inner.private_block(0x0033, "TWINBEAT DEEP", create=True)
    deep.add_new(1, "LO", planter.value(f"{where} private sequence", "LO"))
    inner.PatientName = planter.value(f"{where} name in a private sequence", "PN")
    block.add_new(0xF0, "SQ", Sequence([inner]))


def graphics(dataset: Dataset, planter: Planter, where: str) -> None:
    """Overlays, curves, a group length, a thumbnail and trailing padding."""
    for tag, kind in (
        (0x60003000, "OW"), (0x60000022, "LO"), (0x60001500, "LO"), (0x60024000, "LT"),
        (0x50003000, "OW"), (0x50000040, "SH"), (0x50022600, "LO"), (0xFFFCFFFC, "OB"),
    ):  # fmt: skip
        dataset[Tag(tag)] = DataElement(Tag(tag), kind, planter.value(f"{where} ({tag:08X})", kind))
    icon = Dataset()
    icon.Rows, icon.Columns, icon.BitsAllocated, icon.SamplesPerPixel = 2, 2, 16, 1
    icon.PixelData = planter.value(f"{where} thumbnail", "OW")
    dataset.IconImageSequence = Sequence([icon])


def nested(planter: Planter, where: str, tags: list[int], depth: int) -> Sequence:
    """Attributes at a depth below sequences that no list mentions."""
    item = Dataset()
    listed(item, planter, f"{where} at depth {depth}", tags)
    unlisted(item, planter, f"{where} at depth {depth}")
    for _ in range(depth - 1):
        outer = Dataset()
        outer.AnatomicRegionSequence = Sequence([item])
        item = outer
    return Sequence([item])
