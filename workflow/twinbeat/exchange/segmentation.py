"""Labels at end-diastole and at end-systole as a DICOM segmentation.

A segmentation has no dimension for time that viewers know, so each phase has segments of its own; and these two phases
are those that the measurements are about, and that a reader would correct.
"""

from collections.abc import Iterable
from copy import deepcopy
from itertools import product

import highdicom as hd
import numpy as np
import xarray as xr
from highdicom.seg import Segmentation, SegmentDescription
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import MRImageStorage

from .. import __version__
from ..intake.drawings import NAMES, PHASES
from .originals import Original, Originals, digest

REGIONS: dict[int, tuple[str, Code, Code, Code]] = {
    1: (NAMES[1], codes.SCT.BodySubstance, codes.SCT.Blood, codes.SCT.LeftVentricle),
    2: (NAMES[2], codes.SCT.AnatomicalStructure, codes.SCT.LeftVentricleMyocardium, codes.SCT.LeftVentricle),
    3: (NAMES[3], codes.SCT.BodySubstance, codes.SCT.Blood, codes.SCT.RightVentricle),
}
"""Name, category, type and place of each label."""

SERIES_NUMBER = 9001
PRODUCT = {"manufacturer": "Twinbeat", "manufacturer_model_name": "twinbeat", "software_versions": __version__}
DEVICE_NUMBER = "1"
"""Software has none, but the standard wants one."""

COPIED = [
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "PatientIdentityRemoved"),
    *("DeidentificationMethodCodeSequence", "LongitudinalTemporalInformationModified"),
    *("StudyInstanceUID", "StudyID", "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName"),
    *("Modality", "PositionReferenceIndicator", "SpecificCharacterSet"),
]
NEEDED = ("PatientBirthDate", "PatientSex", "StudyID", "StudyDate", "StudyTime", "AccessionNumber")
"""By highdicom, if only as an empty text."""


def number(label: int, phase: int) -> int:
    """Of the segment that shows this label at this phase, from 1."""
    return label + phase * len(REGIONS)


def _segments() -> list[tuple[int, int]]:
    """Phase and label of the segments, in the order of their numbers."""
    return list(product(range(len(PHASES)), REGIONS))


def make(originals: Originals, labels: xr.Dataset) -> Segmentation:
    """The segmentation of ``labels`` (phase, z, y, x), the phases being ``PHASES``."""
    stand_ins = [_stand_in(one, z, labels, originals.space) for z, one in enumerate(originals.shown[0])]
    drawn = labels.reviewed.values if "reviewed" in labels else np.zeros(len(PHASES), bool)
    content = digest("segmentation", labels.labels.values.astype(np.uint8).tobytes(), *_uids(originals))
    made = Segmentation(
        source_images=stand_ins,
        pixel_array=_masks(labels),
        segmentation_type="BINARY",
        segment_descriptions=[_described(label, phase, bool(drawn[phase])) for phase, label in _segments()],
        series_instance_uid=digest("series", content),
        series_number=SERIES_NUMBER,
        sop_instance_uid=content,
        instance_number=1,
        device_serial_number=DEVICE_NUMBER,
        content_label="HEART",
        content_description="Ventricles at end-diastole and end-systole",
        series_description="Twinbeat: segmentation",
        **PRODUCT,
    )
    _refer(made, originals, [one.SOPInstanceUID for one in stand_ins])
    _fix_dimensions(made, content)
    originals.stamp(made)
    return made


def _uids(originals: Originals) -> list[str]:
    return [str(header.SOPInstanceUID) for header in originals.headers]


def _stand_in(original: Original, z: int, labels: xr.Dataset, space: str) -> Dataset:
    """A classic image on the grid of the labels, for highdicom, which takes one series, no mixture of kinds, and no
    place twice; ``space`` is the UID of the frame of reference.

    It is as thick as the step to the next: a label stands for all that is nearest to its slice.
    """
    made, directions = Dataset(), labels.directions.values
    for keyword in NEEDED:
        setattr(made, keyword, "")
    for keyword in COPIED:
        if keyword in original.header:
            made[keyword] = original.header[keyword]
    made.SOPClassUID, made.SOPInstanceUID, made.SeriesInstanceUID = MRImageStorage, f"1.2.{z}", "1.2"
    made.FrameOfReferenceUID = space
    made.Rows, made.Columns = labels.sizes["y"], labels.sizes["x"]
    corner = np.array([float(labels[axis][index]) for axis, index in (("z", z), ("y", 0), ("x", 0))])
    corner[1:] += labels.shift_removed.values[z]  # where the scanner saw the slice, before import moved it back
    made.ImagePositionPatient = _decimals(labels.origin.values + corner @ directions)
    made.ImageOrientationPatient = _decimals(np.concatenate([directions[2], directions[1]]))
    thickness, *spacing = _decimals(abs(float(labels[axis][1] - labels[axis][0])) for axis in "zyx")
    made.SliceThickness, made.SpacingBetweenSlices, made.PixelSpacing = thickness, thickness, spacing
    return made


def _decimals(values: Iterable[float]) -> list[float]:
    return [float(f"{value:.10g}") for value in values]


def _masks(labels: xr.Dataset) -> np.ndarray:
    """Shape (z, y, x, segment)."""
    found = labels.labels.values
    return np.stack([found[phase] == label for phase, label in _segments()], axis=-1)


def _described(label: int, phase: int, reviewed: bool) -> SegmentDescription:
    """Of a phase in which a reviewer drew, the standard says semiautomatic; who it was is not told."""
    name, category, kind, region = REGIONS[label]
    return SegmentDescription(
        segment_number=number(label, phase),
        segment_label=f"{name}, {PHASES[phase]}",
        segmented_property_category=category,
        segmented_property_type=kind,
        algorithm_type="SEMIAUTOMATIC" if reviewed else "AUTOMATIC",
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name="twinbeat.segmentation", family=codes.DCM.ArtificialIntelligence, version=__version__
        ),
        anatomic_regions=[region],
    )


def _refer(made: Segmentation, originals: Originals, stand_ins: list[str]) -> None:
    """Refer to the images themselves, each segment to those of its phase, in place of those that stood in for them."""
    for groups in made.PerFrameFunctionalGroupsSequence:
        segment = groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        phase, _ = _segments()[segment - 1]
        groups.DerivationImageSequence = deepcopy(groups.DerivationImageSequence)  # segments share one
        (source,) = groups.DerivationImageSequence[0].SourceImageSequence
        original = originals.shown[phase][stand_ins.index(source.ReferencedSOPInstanceUID)]
        source.ReferencedSOPClassUID = original.header.SOPClassUID
        source.ReferencedSOPInstanceUID = original.header.SOPInstanceUID
        source.SpatialLocationsPreserved = "NO"  # pixel by pixel: the labels have a grid of their own
        if original.number:
            source.ReferencedFrameNumber = original.number
    headers = originals.headers
    made.ReferencedSeriesSequence = [
        _series(uid, [header for header in headers if header.SeriesInstanceUID == uid])
        for uid in sorted({header.SeriesInstanceUID for header in headers})
    ]


def _series(uid: str, headers: list[Dataset]) -> Dataset:
    series = Dataset()
    series.SeriesInstanceUID, series.ReferencedInstanceSequence = uid, []
    for header in headers:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
        series.ReferencedInstanceSequence.append(item)
    return series


def _fix_dimensions(made: Segmentation, content: str) -> None:
    """A dimension organisation of its own, whose UID is no random one."""
    uid = digest("dimensions", content)
    for item in (*made.DimensionOrganizationSequence, *made.DimensionIndexSequence):
        item.DimensionOrganizationUID = uid
