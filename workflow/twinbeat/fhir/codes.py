"""What the figures of a twin are called: LOINC where it has the word, else a code system of our own.

The LOINC codes were held against DICOM PS3.16, which uses them: 8811-2 in CID 3833, 8821-1 in CID 3468 and 3835, 8823-7
in CID 3469 and 3835, 18087-7 in CID 12203. The last is a group of echocardiography; its word, left ventricle mass, does
not name a method.
"""

from typing import Any, NamedTuple

from .. import __version__
from ..intake.clinical.mapping import OWN

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"


class Figure(NamedTuple):
    """Code system, code, words and UCUM unit of a figure of the assessment."""

    system: str
    code: str
    words: str
    unit: str


DEFINITIONS = {
    "stiffness": (
        "Passive stiffness of the myocardium",
        "Modulus of the study's passive law (by default C of Guccione et al. 1991), calibrated.",
    ),
    "peak-tension": ("Peak active tension of the myocardium", "Largest calibrated fibre tension of healthy muscle."),
    "beat-peak-pressure": ("Peak pressure of the simulated beat", "In the left ventricle, at the limit cycle."),
    "stroke-work": ("Stroke work of the simulated beat", "Area of the left ventricle's pressure-volume loop."),
    "activation-time": ("Duration of the ventricle's activation", "From the first to the last activated muscle."),
    "standard-deviation": ("Standard deviation", "Of the value of the observation that it is a component of."),
    "twin-report": ("Report of a digital twin", "Figures of a heart model that was calibrated to one patient."),
    "scar-segment": ("Scarred segment", "Number, 1 to 17, of a segment of the AHA that does not contract."),
    "beats": ("Number of beats", "Of which sampled data are the mean."),
}
"""Codes of our own: their words and what they mean."""


def _ours(code: str, unit: str) -> Figure:
    return Figure(OWN, code, DEFINITIONS[code][0], unit)


FIGURES = {
    "ejection_fraction": Figure(LOINC, "8811-2", "Left ventricular ejection fraction by MR", "%"),
    "end_diastolic_volume": Figure(LOINC, "8821-1", "Left Ventricular ED Volume", "mL"),
    "end_systolic_volume": Figure(LOINC, "8823-7", "Left Ventricular ES Volume", "mL"),
    "myocardial_mass": Figure(LOINC, "18087-7", "Left Ventricle Mass", "g"),
    "stiffness": _ours("stiffness", "kPa"),
    "peak_tension": _ours("peak-tension", "kPa"),
    "beat_peak_pressure": _ours("beat-peak-pressure", "mm[Hg]"),
    "stroke_work": _ours("stroke-work", "J"),
    "activation_time": _ours("activation-time", "ms"),
}


def concept(system: str, code: str, words: str) -> dict[str, Any]:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code, "display": words}], "text": words}


def own(code: str) -> dict[str, Any]:
    """The CodeableConcept of a code of our own."""
    return concept(OWN, code, DEFINITIONS[code][0])


def quantity(value: float, unit: str) -> dict[str, Any]:
    """A Quantity in UCUM, with six digits."""
    return {"value": float(f"{value:.6g}"), "unit": unit, "system": UCUM, "code": unit}


def code_system() -> dict[str, Any]:
    """The resource that defines our codes."""
    return {
        "resourceType": "CodeSystem",
        "url": OWN,
        "version": __version__,
        "name": "TwinbeatFigures",
        "title": "Figures of calibrated heart models",
        "status": "draft",
        "experimental": True,
        "caseSensitive": True,
        "content": "complete",
        "count": len(DEFINITIONS),
        "concept": [
            {"code": code, "display": words, "definition": meaning} for code, (words, meaning) in DEFINITIONS.items()
        ],
    }
