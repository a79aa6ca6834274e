"""Volumes, ejection fraction and mass as a structured report after template TID 1500 (PS3.16)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from highdicom import sr
from highdicom.seg import Segmentation
from highdicom.sr import CodedConcept, FindingSite, Measurement, MeasurementProperties, TrackingIdentifier
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from .. import __version__
from ..assessment import ejection_sigma
from . import segmentation
from .originals import Originals, digest

MILLILITRE, GRAM = Code("mL", "UCUM", "milliliter"), Code("g", "UCUM", "gram")
NAMES: dict[str, tuple[Code, Code]] = {
    "end_diastolic_volume": (codes.LN.LeftVentricularEDVolume, MILLILITRE),
    "end_systolic_volume": (codes.LN.LeftVentricularESVolume, MILLILITRE),
    "stroke_volume": (codes.SCT.StrokeVolume, MILLILITRE),
    "ejection_fraction": (codes.LN.LeftVentricularEjectionFractionByMR, codes.UCUM.Percent),
    "myocardial_mass": (codes.LN.LeftVentricleMass, GRAM),
}
"""Code and unit of each figure."""

PROCEDURE = CodedConcept("241620005", "SCT", "Magnetic resonance imaging of heart")
ALGORITHM = sr.AlgorithmIdentification(name="twinbeat", version=__version__)


@dataclass(frozen=True)
class Figure:
    """A number in the unit of ``NAMES`` with its standard deviation, where that is known."""

    value: float
    sigma: float | None = None


def figures(targets: xr.Dataset, assessment: xr.Dataset) -> dict[str, Figure]:
    """The figures of ``NAMES``; those of volumes have the uncertainty of the targets, to first order.

    With independent errors d and s of both volumes, Var(EDV - ESV) = d² + s².
    """
    d, s = (float(targets.volume_sigma[int(targets[name])]) for name in ("end_diastole", "end_systole"))
    sigmas = {
        "end_diastolic_volume": d,
        "end_systolic_volume": s,
        "stroke_volume": float(np.hypot(d, s)),
        "ejection_fraction": ejection_sigma(targets),
    }
    return {name: Figure(float(assessment[name]), sigmas.get(name)) for name in NAMES}


def make(originals: Originals, segments: Segmentation, found: Mapping[str, Figure]) -> sr.ComprehensiveSR:
    """The report: volumes of the segments of LV blood, mass of that of LV muscle, and what the two phases give."""
    content = digest("measurements", str(segments.SOPInstanceUID), repr(sorted(found.items())))
    groups = [
        _of_segment(originals, segments, found, "end_diastolic_volume", 1, 0),
        _of_segment(originals, segments, found, "end_systolic_volume", 1, 1),
        _of_segment(originals, segments, found, "myocardial_mass", 2, 0),
        _of_heart(segments, found, ["stroke_volume", "ejection_fraction"]),
    ]
    report = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=_observer()),
        procedure_reported=PROCEDURE,
        imaging_measurements=groups,
    )
    made = sr.ComprehensiveSR(
        evidence=[*originals.headers, segments],
        content=report[0],
        series_instance_uid=digest("series", content),
        series_number=segmentation.SERIES_NUMBER + 1,
        sop_instance_uid=content,
        instance_number=1,
        is_complete=True,
        is_final=False,
        series_description="Twinbeat: measurements",
        manufacturer=segmentation.PRODUCT["manufacturer"],
    )
    originals.stamp(made)
    return made


def _observer() -> sr.ObserverContext:
    attributes = sr.DeviceObserverIdentifyingAttributes(
        uid=digest("twinbeat", __version__), name="Twinbeat", manufacturer_name="Twinbeat", model_name=__version__
    )
    return sr.ObserverContext(observer_type=codes.DCM.Device, observer_identifying_attributes=attributes)


def _of_segment(
    originals: Originals, segments: Segmentation, found: Mapping[str, Figure], name: str, label: int, phase: int
) -> sr.VolumetricROIMeasurementsAndQualitativeEvaluations:
    number = segmentation.number(label, phase)
    _, _, kind, region = segmentation.REGIONS[label]
    reference = sr.ReferencedSegment(
        sop_class_uid=segments.SOPClassUID,
        sop_instance_uid=segments.SOPInstanceUID,
        segment_number=number,
        source_images=_sources(originals, phase),
    )
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(segments, segments.SegmentSequence[number - 1].SegmentLabel),
        referenced_segment=reference,
        finding_type=kind,
        finding_sites=[FindingSite(region)],
        algorithm_id=ALGORITHM,
        measurements=[_measurement(name, found[name])],
    )


def _of_heart(
    segments: Segmentation, found: Mapping[str, Figure], names: Sequence[str]
) -> sr.MeasurementsAndQualitativeEvaluations:
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(segments, "LV, from end-diastole to end-systole"),
        finding_sites=[FindingSite(codes.SCT.LeftVentricle)],
        algorithm_id=ALGORITHM,
        measurements=[_measurement(name, found[name]) for name in names],
    )


def _sources(originals: Originals, phase: int) -> list[sr.SourceImageForSegmentation]:
    """The images of a phase, each once with the numbers of its frames."""
    numbers: dict[str, list[int]] = {}
    headers = {one.header.SOPInstanceUID: one.header for one in originals.shown[phase]}
    for one in originals.shown[phase]:
        numbers.setdefault(one.header.SOPInstanceUID, []).extend([one.number] if one.number else [])
    return [
        sr.SourceImageForSegmentation(header.SOPClassUID, uid, numbers[uid] or None) for uid, header in headers.items()
    ]


def _tracking(segments: Segmentation, name: str) -> TrackingIdentifier:
    return TrackingIdentifier(uid=digest("tracking", str(segments.SOPInstanceUID), name), identifier=name)


def _measurement(name: str, figure: Figure) -> Measurement:
    code, unit = NAMES[name]
    return Measurement(code, _decimal(figure.value), unit, properties=_uncertainty(figure, unit))


def _uncertainty(figure: Figure, unit: Code) -> MeasurementProperties | None:
    """One standard deviation up and down (TID 310), in the unit of the figure, where highdicom would write none."""
    if figure.sigma is None:
        return None
    sigma = _decimal(figure.sigma)
    properties = MeasurementProperties(upper_measurement_uncertainty=sigma, lower_measurement_uncertainty=sigma)
    for item in properties:
        item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence = [CodedConcept.from_code(unit)]
    return properties


def _decimal(value: float) -> float:
    return float(f"{value:.6g}")
