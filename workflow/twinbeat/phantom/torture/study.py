"""The study: images that must come out clean, and objects that must be refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from dicomanonymizer.dicomfields_selector import dicom_anonymization_database_selector
from pydicom import Dataset, Sequence, uid
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import FileMetaDataset

from . import places
from .planter import ROOT, Plant, Planter

Kept = dict[str, object]
"""What must be found unchanged in every image that comes out, by keyword."""

DEPTHS = (1, 2, 4)
ALPHABETS = {
    "ISO_IR 100": "Grünwäldin^Ingebörg",
    "ISO_IR 144": "Люксембург^Иван",
    "ISO_IR 192": "Łukasiewiczówna^Świętosława",
    "ISO 2022 IR 87": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "ISO_IR 126": "Διονυσιος^Αθανασιος",
}
SHARED = (
    ("every image", "LO", "HN-4711-0815"),
    ("serial number in every UID", "UI", "66012345"),
    ("day in every UID and file", "DA", "20240229"),
)
REFUSED = {
    "secondary-capture": uid.SecondaryCaptureImageStorage,
    "encapsulated-document": uid.EncapsulatedPDFStorage,
    "structured-report": uid.BasicTextSRStorage,
    "waveform": uid.TwelveLeadECGWaveformStorage,
    "unknown-sop-class": uid.UID("1.3.12.2.1107.5.9.1"),
    "burned-in-annotation": uid.MRImageStorage,
    "screen-capture": uid.MRImageStorage,
}
KEPT: Kept = {
    "Modality": "MR", "Manufacturer": "SIEMENS", "ManufacturerModelName": "Aera", "SoftwareVersions": "syngo MR E11",
    "BodyPartExamined": "HEART", "ScanningSequence": "GR", "SequenceVariant": ["SK", "SP"], "MRAcquisitionType": "2D",
    "ImageType": ["ORIGINAL", "PRIMARY", "M", "RETRO", "DIS2D"], "SequenceName": "*tfi2d1_12", "PatientSex": "F",
    "PatientAge": "064Y", "PatientSize": 1.66, "PatientWeight": 71.5, "PatientPosition": "HFS", "AngioFlag": "N",
    "InPlanePhaseEncodingDirection": "COL", "ScanOptions": ["CG", "PFF", "CARD_GEMS"], "Laterality": "L",
    "CardiacSynchronizationTechnique": "RETROSPECTIVE", "CardiacSignalSource": "ECG", "BurnedInAnnotation": "NO",
    "RespiratoryMotionCompensationTechnique": "BREATH_HOLD", "AcquisitionContrast": "T2_STAR",
    "SpectrallySelectedSuppression": "FAT_AND_WATER", "GeometryOfKSpaceTraversal": "RECTILINEAR",
    "VolumetricProperties": "VOLUME", "ContentQualification": "PRODUCT", "LossyImageCompression": "00",
    "RotationDirection": "CW", "ExposureModulationType": "ANGULAR", "ReconstructionAlgorithm": "FILTER_BACK_PROJ",
    "DimensionOrganizationType": "3D_TEMPORAL", "VOILUTFunction": "LINEAR_EXACT", "KSpaceFiltering": "COSINE_SQUARED",
    "SeriesDescription": "cine trufi sax", "StudyDescription": "Cardiac MRI", "ProtocolName": "cine_sax_8mm",
    "RepetitionTime": 40.5, "EchoTime": 1.25, "FlipAngle": 55.0, "MagneticFieldStrength": 1.5, "SliceThickness": 8.0,
    "TriggerTime": 123.5, "NominalInterval": 812, "FrameTime": 40.6, "HeartRate": 74, "CardiacNumberOfImages": 20,
    "ImagePositionPatient": [-41.25, 17.125, 88.0], "ImageOrientationPatient": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
    "PixelSpacing": [1.4, 1.4], "SeriesNumber": 7, "RescaleSlope": 1.0, "RescaleIntercept": 0.0, "WindowCenter": 400.0,
    "ContrastBolusAgent": "Gadovist", "StudyTime": "101112", "ContentTime": "101530.25",
}  # fmt: skip


@dataclass(frozen=True)
class Study:
    """What was planted, what must stay, and how many images and refused objects there are."""

    folder: Path
    plants: tuple[Plant, ...]
    kept: Kept
    images: int
    refused: tuple[str, ...]
    pixels: dict[int, bytes]
    """Pixels by instance number."""


def make(folder: Path) -> Study:
    """Write the study into ``folder``: one image per alphabet, one enhanced, one CT, one of each refused kind."""
    planter, pixels = Planter(), {}
    for where, kind, secret in SHARED:
        planter.add(where, kind, secret)
    person = folder / str(planter.value("folder name", "SH"))
    person.mkdir(parents=True)
    for number, dataset in enumerate(_images(planter), 1):
        pixels[number] = dataset.PixelData
        _save(dataset, person / f"{planter.value('file name', 'SH')}-{number}.dcm", planter)
    for code, kind in REFUSED.items():
        _save(_refused(code, kind, planter), person / f"{code}.dcm", planter)
    return Study(folder, tuple(planter.plants), KEPT, len(pixels), tuple(REFUSED), pixels)


def _images(planter: Planter) -> Iterator[Dataset]:
    tags = _tags()
    for number, (alphabet, name) in enumerate(ALPHABETS.items(), 1):
        image = _image(uid.MRImageStorage, number)
        image.SpecificCharacterSet = alphabet if "2022" not in alphabet else ["", alphabet]
        image.PatientName = image.OperatorsName = name
        planter.add(f"name in {alphabet}", "PN", *(part for group in name.split("=") for part in group.split("^")))
        image.ImageComments = f"cine sax of {name.split('=')[0].split('^')[0]}"
        share = tags[number - 1 :: len(ALPHABETS)]
        places.listed(image, planter, alphabet, share)
        places.unlisted(image, planter, alphabet)
        image.AnatomicRegionSequence = places.nested(planter, alphabet, share[::4], DEPTHS[number % 3])
        places.private(image, planter, alphabet)
        if number == 1:
            places.graphics(image, planter, alphabet)
        yield image
    enhanced = _image(uid.EnhancedMRImageStorage, len(ALPHABETS) + 1)
    groups = places.nested(planter, "functional groups", tags[::23], 2)
    enhanced.NumberOfFrames, enhanced.SharedFunctionalGroupsSequence = 1, groups
    yield enhanced
    yield _image(uid.CTImageStorage, len(ALPHABETS) + 2)


def _tags() -> list[int]:
    """The attributes of table E.1-1 that the dictionary knows, without the options that keep them."""
    found = dicom_anonymization_database_selector("dicomfields_2026c")["ALL_TAGS"]
    given = {"SeriesDescription", "StudyDescription", "ProtocolName", "ContrastBolusAgent", "ImageComments"}
    tags = ((tag[0] << 16) + tag[1] for tag in found if len(tag) == 2)
    return sorted(tag for tag in tags if tag not in {tag_for_keyword(keyword) for keyword in given})


def _image(kind: str, number: int) -> Dataset:
    """An image with all that must stay, and the identity that all images of the study share."""
    dataset = Dataset()
    for keyword, value in KEPT.items():
        setattr(dataset, keyword, value)
    root = f"{ROOT}.66012345.20240229101112"
    dataset.SOPClassUID, dataset.SOPInstanceUID = kind, f"{root}.4.{number}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{root}.1", f"{root}.2"
    dataset.FrameOfReferenceUID = f"{root}.3"
    dataset.PatientName, dataset.PatientID = "Grünwäldin^Ingebörg", "HN-4711-0815"
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.StudyDate, dataset.ContentDate, dataset.InstanceNumber = "20240229", "20240303", number
    referenced = Dataset()
    referenced.ReferencedSOPClassUID, referenced.ReferencedSOPInstanceUID = kind, f"{root}.4.1"
    dataset.ReferencedImageSequence = Sequence([referenced])
    signal = np.random.default_rng(number).integers(0, 4096, (16, 16)).astype("<u2")
    dataset.Rows, dataset.Columns = signal.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelData = signal.tobytes()
    return dataset


def _refused(code: str, kind: str, planter: Planter) -> Dataset:
    dataset = _image(kind, 1)
    dataset.PatientComments = planter.value(f"refused {code}", "LT")
    if code == "burned-in-annotation":
        dataset.BurnedInAnnotation = "YES"
    if code == "screen-capture":
        dataset.ImageType = ["DERIVED", "SECONDARY", "SCREEN SAVE"]
    return dataset


def _save(dataset: Dataset, path: Path, planter: Planter) -> None:
    """Write it with identifiers in the file meta header and the preamble, too."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    for keyword, kind in (
        ("SourceApplicationEntityTitle", "AE"), ("SendingApplicationEntityTitle", "AE"),
        ("ImplementationVersionName", "SH"), ("PrivateInformation", "OB"),
    ):  # fmt: skip
        setattr(meta, keyword, planter.value(f"file meta {keyword}", kind))
    meta.PrivateInformationCreatorUID = planter.value("file meta PrivateInformationCreatorUID", "UI")
    dataset.file_meta = meta
    dataset.preamble = str(planter.value("preamble", "LO")).encode().ljust(128, b"\0")
    dataset.save_as(path, enforce_file_format=True)
