"""A phantom's cine as the DICOM that a scanner sends: classic or Enhanced MR, correct geometry and times, full headers.

The headers identify the invented person in all places that are known from real files: names in several value
representations and alphabets, free text, nested and private sequences, overlays, the preamble, file names and UIDs.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

import numpy as np
import xarray as xr
from pydicom import Dataset, Sequence, uid
from pydicom.dataset import FileMetaDataset
from pydicom.valuerep import format_number_as_ds

from .identity import DEVICES, Identity

PRIVATE_GROUPS = {"series": 0x0009, "slices": 0x0029, "enhanced": 0x2005}


@dataclass(frozen=True)
class _Place:
    """A frame: slice, phase, its time and the RR interval of its breath-hold in ms."""

    z: int
    t: int
    trigger: float
    interval: int


def write(image: xr.Dataset, folder: Path, identity: Identity, rng: np.random.Generator) -> None:
    """Write ``image`` (as VARIABLES["image"]) into ``folder``, in the style of the identity's scanner.

    "series" is one classic series, "slices" one classic series per slice, "enhanced" one multi-frame file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    places = _places(image, rng)
    if identity.style == "enhanced":
        datasets = [_enhanced(image, places, identity)]
    else:
        datasets = [_classic(image, place, number, identity) for number, place in enumerate(places, 1)]
    for number, dataset in zip(rng.permutation(len(datasets)) + 1, datasets, strict=True):
        _save(dataset, folder / f"{identity.family}_{identity.given}_{identity.number}_{number:04d}.dcm", identity)


def _places(image: xr.Dataset, rng: np.random.Generator) -> list[_Place]:
    """Frames from base to apex; no two breath-holds have the same heart rate, so each slice has its own RR interval."""
    cycle = float(image.cycle)
    change = rng.normal(0, 0.02, image.sizes["z"])
    intervals = np.rint(cycle * (1 + change - np.median(change))).astype(int)
    phases = image.time.values / cycle
    return [
        _Place(z, t, float(phase * intervals[z]), int(intervals[z]))
        for z in reversed(range(image.sizes["z"]))
        for t, phase in enumerate(phases)
    ]


def _classic(image: xr.Dataset, place: _Place, number: int, identity: Identity) -> Dataset:
    series = place.z + 1 if identity.style == "slices" else 1
    dataset = _headers(identity, series, f"{series}.{place.z}.{place.t}", number)
    dataset.SOPClassUID = uid.MRImageStorage
    dataset.ImagePositionPatient = _ds(_position(image, place.z))
    dataset.ImageOrientationPatient = _ds(_orientation(image))
    dataset.PixelSpacing = _ds(_spacing(image))
    dataset.SliceThickness = dataset.SpacingBetweenSlices = _ds([_thickness(image)])[0]
    dataset.TriggerTime = _ds([place.trigger])[0]
    dataset.NominalInterval, dataset.HeartRate = place.interval, round(60e3 / place.interval)
    dataset.CardiacNumberOfImages = image.sizes["time"]
    _pixels(dataset, image.image.values[place.t, place.z])
    return dataset


def _enhanced(image: xr.Dataset, places: list[_Place], identity: Identity) -> Dataset:
    dataset = _headers(identity, 1, "1", 1)
    dataset.SOPClassUID = uid.EnhancedMRImageStorage
    dataset.NumberOfFrames = len(places)
    shared, plane, measures = Dataset(), Dataset(), Dataset()
    plane.ImageOrientationPatient = _ds(_orientation(image))
    measures.PixelSpacing, measures.SliceThickness = _ds(_spacing(image)), _ds([_thickness(image)])[0]
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = Sequence([plane]), Sequence([measures])
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    started = datetime.combine(identity.day, time(9, 41, 7))
    dataset.PerFrameFunctionalGroupsSequence = Sequence([_frame(image, place, started) for place in places])
    _pixels(dataset, np.array([image.image.values[place.t, place.z] for place in places]))
    return dataset


def _frame(image: xr.Dataset, place: _Place, started: datetime) -> Dataset:
    """Functional groups of one frame (PS3.3 C.7.6.16)."""
    groups, content, position, heart = Dataset(), Dataset(), Dataset(), Dataset()
    taken = started + timedelta(seconds=12 * place.z, milliseconds=place.trigger)
    content.FrameAcquisitionDateTime = f"{taken:%Y%m%d%H%M%S.%f}"
    content.StackID, content.InStackPositionNumber = "1", place.z + 1
    content.TemporalPositionIndex = place.t + 1
    position.ImagePositionPatient = _ds(_position(image, place.z))
    heart.NominalCardiacTriggerDelayTime, heart.RRIntervalTimeNominal = place.trigger, float(place.interval)
    groups.FrameContentSequence = Sequence([content])
    groups.PlanePositionSequence = Sequence([position])
    groups.CardiacSynchronizationSequence = Sequence([heart])
    return groups


def _position(image: xr.Dataset, z: int) -> np.ndarray:
    """LPS position of the first pixel of slice ``z``."""
    corner = np.array([image.z.values[z], image.y.values[0], image.x.values[0]])
    return image.origin.values + corner @ image.directions.values


def _orientation(image: xr.Dataset) -> np.ndarray:
    """Unit vectors along a row (x) and along a column (y)."""
    return np.concatenate([image.directions.values[2], image.directions.values[1]])


def _spacing(image: xr.Dataset) -> tuple[float, float]:
    """Distance between rows and between columns."""
    return float(np.diff(image.y.values[:2])[0]), float(np.diff(image.x.values[:2])[0])


def _thickness(image: xr.Dataset) -> float:
    return float(np.diff(image.z.values[:2])[0])


def _ds(values: np.ndarray | list[float] | tuple[float, ...]) -> list[str]:
    return [format_number_as_ds(float(value)) for value in values]


def _pixels(dataset: Dataset, signal: np.ndarray) -> None:
    dataset.Rows, dataset.Columns = signal.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.PixelData = np.ascontiguousarray(signal).astype("<u2").tobytes()


def _headers(identity: Identity, series: int, instance: str, number: int) -> Dataset:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192" if identity.style == "enhanced" else "ISO_IR 100"
    _describe_person(dataset, identity)
    _describe_examination(dataset, identity)
    _describe_device(dataset, identity)
    dataset.StudyInstanceUID, dataset.FrameOfReferenceUID = f"{identity.root}.1", f"{identity.root}.2"
    dataset.SeriesInstanceUID = f"{identity.root}.3.{series}"
    dataset.SOPInstanceUID = f"{identity.root}.4.{instance}"
    dataset.SeriesNumber, dataset.InstanceNumber, dataset.Modality = series, number, "MR"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "NONE"]
    dataset.ScanningSequence, dataset.SequenceVariant, dataset.MRAcquisitionType = "GR", "SS", "2D"
    dataset.RepetitionTime, dataset.EchoTime, dataset.FlipAngle = "3.1", "1.4", "55"
    _nest(dataset, identity)
    _hide(dataset, identity)
    return dataset


def _describe_person(dataset: Dataset, identity: Identity) -> None:
    dataset.PatientName, dataset.PatientID = identity.name, identity.number
    dataset.PatientBirthDate, dataset.PatientSex = f"{identity.birth:%Y%m%d}", identity.sex
    dataset.PatientAge = f"{(identity.day - identity.birth).days // 365:03d}Y"
    dataset.PatientWeight, dataset.PatientSize = "74", "1.71"
    dataset.PatientAddress, dataset.PatientTelephoneNumbers = identity.address, identity.phone
    dataset.OtherPatientIDs = [identity.number + "-A", identity.number + "-B"]
    dataset.PatientComments = identity.note
    dataset.AdditionalPatientHistory = f"Infarction on {identity.previous:%d.%m.%Y}"


def _describe_examination(dataset: Dataset, identity: Identity) -> None:
    day = f"{identity.day:%Y%m%d}"
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = day
    dataset.StudyTime, dataset.SeriesTime, dataset.ContentTime = "093015.123000", "094107", "094112.5"
    dataset.AcquisitionDateTime = f"{day}094107.250000+0100"
    dataset.AccessionNumber, dataset.StudyID = identity.accession, identity.accession[-6:]
    dataset.InstitutionName, dataset.InstitutionAddress = identity.hospital, identity.address
    dataset.ReferringPhysicianName, dataset.OperatorsName = identity.doctors[0], list(identity.doctors[1:])
    dataset.StudyDescription = f"Cardiac MR {identity.family}"
    dataset.SeriesDescription, dataset.ProtocolName = "cine_sax_bh", f"cardiac {identity.doctors[1].split('^')[0]}"
    dataset.ImageComments = identity.note
    dataset.RequestingService = f"Ward of {identity.doctors[2].split('^')[0]}"


def _describe_device(dataset: Dataset, identity: Identity) -> None:
    maker, model, _ = DEVICES[identity.style]
    dataset.Manufacturer, dataset.ManufacturerModelName = maker, model
    dataset.StationName, dataset.DeviceSerialNumber = identity.station, identity.serial
    dataset.SoftwareVersions, dataset.MagneticFieldStrength = "R5.7", "1.5"


def _nest(dataset: Dataset, identity: Identity) -> None:
    """Identifiers in sequences, listed in PS3.15 or not, and in sequences within them."""
    other, request, study, code, deep = Dataset(), Dataset(), Dataset(), Dataset(), Dataset()
    other.PatientID, other.IssuerOfPatientID = identity.number + "-C", identity.hospital
    request.RequestedProcedureDescription, request.ScheduledProcedureStepID = identity.note[:64], identity.accession
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = "1.2.840.10008.3.1.2.3.1", f"{identity.root}.5"
    deep.PersonName, deep.ReferencedSOPInstanceUID = identity.name, f"{identity.root}.6"
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "113", "99LOCAL", identity.note[:64]
    code.EquivalentCodeSequence = Sequence([deep])
    dataset.OtherPatientIDsSequence = Sequence([other])
    dataset.RequestAttributesSequence = Sequence([request])
    dataset.ReferencedStudySequence = Sequence([study])
    dataset.DerivationCodeSequence = Sequence([code])


def _hide(dataset: Dataset, identity: Identity) -> None:
    """Identifiers in private elements and overlays."""
    block = dataset.private_block(PRIVATE_GROUPS[identity.style], "PHANTOM SCANNER 1.0", create=True)
    inner = Dataset()
    inner.PatientName, inner.StudyDate = identity.name, f"{identity.day:%Y%m%d}"
    block.add_new(0x01, "LT", identity.note)
    block.add_new(0x02, "OB", f"<patient>{identity.name}</patient><id>{identity.number}</id>".encode("latin-1"))
    block.add_new(0x03, "SQ", Sequence([inner]))
    block.add_new(0x04, "UI", f"{identity.root}.7")
    dataset.add_new(0x60000010, "US", 8)
    dataset.add_new(0x60000011, "US", 8)
    dataset.add_new(0x60000022, "LO", identity.name)
    dataset.add_new(0x60003000, "OW", bytes(8))


def _save(dataset: Dataset, path: Path, identity: Identity) -> None:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    meta.SourceApplicationEntityTitle = identity.station
    dataset.file_meta = meta
    dataset.preamble = identity.note.encode("latin-1")[:128].ljust(128, b"\0")
    dataset.save_as(path, enforce_file_format=True)
