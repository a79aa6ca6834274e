"""What is done with each attribute: table E.1-1 of DICOM PS3.15 2026c, with the options that a study chooses.

The table comes as data from dicom-anonymizer; its columns of options (E.3.6 to E.3.9) are written down here. Where the
table offers a choice that depends on the object (X/Z/D), the dummy is taken, which is right for all. We are stricter in
what the table does not list: text of free form is cleaned like a description, and names and unknown bulk data go.
"""

from enum import StrEnum

from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector
from pydicom import DataElement
from pydicom.datadict import dictionary_has_tag, tag_for_keyword
from pydicom.tag import BaseTag

from ...parameters import Deidentification

EDITION = "2026c"
TEXT = {"LO", "LT", "SH", "ST", "UC", "UT"}
TIMES = {"DA", "DT", "TM"}
BULK = {"OB", "OD", "OF", "OL", "OV", "OW", "OB or OW", "UN"}


class Action(StrEnum):
    """What is done with an attribute, in the words of the certificate."""

    REMOVE = "removed"
    EMPTY = "emptied"
    REPLACE = "replaced by a dummy"
    UID = "replaced by a pseudonymous UID"
    SHIFT = "moved in time"
    CLEAN = "cleaned"
    CHECK = "kept unless it names somebody"
    WALK = "walked through"
    KEEP = "kept"


def _tags(keywords: str) -> frozenset[int]:
    return frozenset(tag_for_keyword(keyword) for keyword in keywords.split())


DEVICE_TEXT = _tags("""
    Manufacturer ManufacturerModelName SoftwareVersions ReceiveCoilName TransmitCoilName SequenceName PulseSequenceName
    ImagedNucleus ResonantNucleus StackID RescaleType ConvolutionKernel FilterType
""")
"""Free text that tells of the kind of device and of how it worked, not of whose it is."""

PICTURE = _tags("PixelData LUTData")
"""Bulk data of which an image is made."""

CODED_TEXT = _tags(
    "CodeValue LongCodeValue CodingSchemeDesignator CodingSchemeVersion MappingResource ContextIdentifier"
)
"""Of codes from published schemes; items with codes of a house's own go as a whole."""
BIRTH = _tags("PatientBirthDate PatientBirthTime")
CHARACTERISTICS = _tags("""
    EthnicGroup PatientAge PatientSex PatientSexNeutered PatientSize PatientWeight PregnancyStatus SmokingStatus
""")
DESCRIBED_CHARACTERISTICS = _tags("Allergies PatientState PreMedication SpecialNeeds")
DEVICE_IDENTITY = _tags("""
    CassetteID DetectorID DeviceDescription DeviceLabel DeviceSerialNumber DeviceUID GantryID GeneratorID LensMake
    LensModel LensSerialNumber LensSpecification ManufacturerDeviceClassUID ManufacturerDeviceIdentifier
    PerformedStationAETitle PerformedStationGeographicLocationCodeSequence PerformedStationName
    PerformedStationNameCodeSequence PlateID ScheduledProcedureStepLocation ScheduledStationAETitle
    ScheduledStationGeographicLocationCodeSequence ScheduledStationName ScheduledStationNameCodeSequence
    ScheduledStudyLocation ScheduledStudyLocationAETitle SourceManufacturer SourceSerialNumber StationName
    TransducerIdentificationSequence TreatmentMachineName UDISequence UniqueDeviceIdentifier XRayDetectorID
    XRayDetectorLabel XRaySourceID
""")
DESCRIPTORS = _tags("""
    AcquisitionComments AcquisitionDeviceProcessingDescription AcquisitionFieldOfViewLabel
    AcquisitionProtocolDescription AdditionalPatientHistory AdmittingDiagnosesDescription Allergies
    ClinicalTrialSeriesDescription ClinicalTrialTimePointDescription CommentsOnRadiationDose
    CommentsOnThePerformedProcedureStep ContrastBolusAgent ContributionDescription DecompositionDescription
    DerivationDescription DeviceSettingDescription DischargeDiagnosisDescription FrameComments IdentifyingComments
    ImageComments ImagingServiceRequestComments LongDeviceDescription MedicalAlerts MultienergyAcquisitionDescription
    Occupation PatientComments PatientState PerformedProcedureStepDescription ProtocolName ReasonForStudy
    ReasonForTheImagingServiceRequest ReasonForTheRequestedProcedure ReasonForVisit RequestedContrastAgent
    RequestedProcedureComments RequestedProcedureDescription RequestedSeriesDescription
    RespiratoryMotionCompensationTechniqueDescription ScheduledProcedureStepDescription SeriesDescription
    ServiceEpisodeDescription StudyComments StudyDescription VisitComments
""")
OPTIONAL_SEQUENCES = _tags("""
    GraphicAnnotationSequence InstitutionCodeSequence OperatorIdentificationSequence
    ReferencedPerformedProcedureStepSequence ReferencedStudySequence WaveformAnnotationSequence
""")
"""Of images: they may be missing, but not be there without items."""

GRAPHICS, GRAPHIC_TEXT = _tags("GraphicAnnotationSequence"), _tags("UnformattedTextValue")
LETTERS = {"X": Action.REMOVE, "Z": Action.EMPTY, "D": Action.REPLACE, "U": Action.UID}
LAST = {
    "D_TAGS": "D", "Z_TAGS": "Z", "X_TAGS": "X", "U_TAGS": "U", "Z_D_TAGS": "D",
    "X_Z_TAGS": "Z", "X_D_TAGS": "D", "X_Z_D_TAGS": "D", "X_Z_U_STAR_TAGS": "U",
}  # fmt: skip


def _table() -> dict[int, Action]:
    tags = dicom_anonymization_database_selector(f"dicomfields_{EDITION}")
    pairs = ((tag, LETTERS[letter]) for name, letter in LAST.items() for tag in tags[name])
    return {(tag[0] << 16) + tag[1]: action for tag, action in pairs if len(tag) == 2}


TABLE = _table()


class Profile:
    """The basic profile with the options of a study."""

    def __init__(self, parameters: Deidentification) -> None:
        self._options = self._chosen(parameters)
        self._unlisted_text = Action.CLEAN if parameters.clean_descriptors else Action.REMOVE
        self._safe = {_private(text) for text in parameters.safe_private}
        self.edition, self.codes = EDITION, _codes(parameters)

    @staticmethod
    def _chosen(parameters: Deidentification) -> dict[int, Action]:
        chosen = dict.fromkeys(DEVICE_TEXT, Action.CHECK)
        if parameters.clean_descriptors:
            chosen |= dict.fromkeys(DESCRIPTORS, Action.CLEAN)
        if parameters.retain_patient_characteristics:
            chosen |= dict.fromkeys(CHARACTERISTICS, Action.CHECK)
            chosen |= dict.fromkeys(DESCRIBED_CHARACTERISTICS, Action.CLEAN)
        if parameters.retain_device_identity:
            chosen |= dict.fromkeys(DEVICE_IDENTITY, Action.KEEP)
        if parameters.clean_graphics:
            chosen |= dict.fromkeys(GRAPHICS, Action.WALK) | dict.fromkeys(GRAPHIC_TEXT, Action.CLEAN)
        return chosen

    def action(self, element: DataElement, top: bool) -> Action:
        """What is done with an element; ``top``: it is in no sequence."""
        tag, kind = element.tag, element.VR
        if tag.is_private:
            return Action.CHECK if self._is_safe(element) else Action.REMOVE
        if not _is_standard(tag):
            return Action.REMOVE
        if chosen := self._options.get(tag):
            return Action.WALK if kind == "SQ" else chosen
        if kind in TIMES and tag not in BIRTH:
            return Action.SHIFT
        if kind == "UI":
            return Action.UID
        return self._listed(TABLE[tag], tag, kind) if tag in TABLE else self._unlisted(tag, kind, top)

    def keeps(self, tag: BaseTag) -> bool:
        """Whether an option keeps an attribute as it is, so that its value is no secret."""
        return self._options.get(tag) in (Action.KEEP, Action.CHECK)

    @staticmethod
    def _listed(action: Action, tag: BaseTag, kind: str) -> Action:
        if kind == "SQ":
            without = Action.REMOVE if tag in OPTIONAL_SEQUENCES else Action.EMPTY
            return {Action.UID: Action.WALK, Action.REPLACE: without, Action.EMPTY: without}.get(action, action)
        return Action.EMPTY if action is Action.UID else action

    def _unlisted(self, tag: BaseTag, kind: str, top: bool) -> Action:
        if kind == "SQ":
            return Action.WALK
        if tag in CODED_TEXT:
            return Action.CHECK
        if kind in ("CS", "AS"):
            return Action.CLEAN
        if kind in TEXT:
            return self._unlisted_text
        if kind in BULK:
            return Action.KEEP if tag in PICTURE and (top or tag.group == 0x0028) else Action.REMOVE
        return Action.REMOVE if kind in ("PN", "AE", "UR") else Action.KEEP

    def _is_safe(self, element: DataElement) -> bool:
        """A private attribute that the study has found to be safe (PS3.15 E.3.10): numbers and codes only."""
        creator = element.private_creator
        if creator is None:
            return element.tag.is_private_creator and any(str(element.value) == safe[1] for safe in self._safe)
        key = (element.tag.group, creator, element.tag.element & 0xFF)
        return key in self._safe and element.VR not in BULK | TEXT | {"PN", "SQ", "UI", "UR", "AE"}


def _is_standard(tag: BaseTag) -> bool:
    """Whether a tag is in the dictionary, and no group length, overlay (60xx) or curve (50xx)."""
    return tag.group >> 8 not in (0x50, 0x60) and tag.element != 0 and dictionary_has_tag(tag)


def _private(text: str) -> tuple[int, str, int]:
    """Group, creator and element of "(0019,xx0C) SIEMENS MR HEADER", which parameters have checked."""
    return int(text[1:5], 16), text[12:], int(text[8:10], 16)


def _codes(parameters: Deidentification) -> list[tuple[str, str]]:
    """Codes of CID 7050 for what is done."""
    return [("113100", "Basic Application Confidentiality Profile")] + [
        code
        for code, chosen in (
            (("113103", "Clean Graphics Option"), parameters.clean_graphics),
            (("113105", "Clean Descriptors Option"), parameters.clean_descriptors),
            (("113107", "Retain Longitudinal Temporal Information Modified Dates Option"), True),
            (("113108", "Retain Patient Characteristics Option"), parameters.retain_patient_characteristics),
            (("113109", "Retain Device Identity Option"), parameters.retain_device_identity),
            (("113111", "Retain Safe Private Option"), bool(parameters.safe_private)),
        )
        if chosen
    ]
