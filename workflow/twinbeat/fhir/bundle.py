"""The bundle of one finished twin: patient, imaging study, device, observations, report and provenance.

Identifiers are UUIDs of version 5, hashes of study, pseudonym and name: the same twin gives the same bytes. Nothing
has a date, because the true ones are not known past intake; ``Provenance.recorded``, which R4 requires, is marked as
masked.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

import xarray as xr

from ..assessment import ejection_sigma
from .codes import FIGURES, OWN, code_system, concept, own, quantity

NAMESPACE = UUID("8f3b6c9e-6a1d-4c0f-9a53-1f0f5f3c2b77")
MASKED = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
CONCLUSION = "Figures of a calibrated heart model: a research result, not the output of a medical device."
Resource = dict[str, Any]
Studies = Mapping[str, Mapping[str, tuple[str, int]]]
"""Modality and number of images by series by study, under de-identified UIDs."""


class _Names:
    """Stable identifiers of what belongs to one twin."""

    def __init__(self, twin: str) -> None:
        self.twin = twin

    def id(self, name: str) -> str:
        return str(uuid5(NAMESPACE, f"{self.twin}/{name}"))

    def url(self, name: str) -> str:
        return f"urn:uuid:{self.id(name)}"

    def reference(self, name: str) -> Resource:
        return {"reference": self.url(name)}


def export(
    name: tuple[str, str],
    assessment: xr.Dataset,
    targets: xr.Dataset,
    studies: Studies,
    checksums: Mapping[str, str],
) -> Resource:
    """The bundle of the twin of this ``name`` (study, pseudonym). ``checksums`` are those of its stores, by file."""
    names = _Names("/".join(name))
    images = {f"imaging/{uid}": _imaging_study(uid, series, names) for uid, series in studies.items()}
    seen_on = {"derivedFrom": [names.reference(image) for image in images]}
    spread = sigmas(assessment, targets)
    values = {one: (float(assessment[one]), spread.get(one)) for one in FIGURES}
    figures = {f"observation/{one}": _observation(one, *value, names) | seen_on for one, value in values.items()}
    resources = {
        "patient": {"resourceType": "Patient", "identifier": [{"system": OWN, "value": name[1]}]},
        "device": _device(assessment.attrs["provenance"]["code"]),
        "codes": code_system(),
        **images,
        **figures,
        "report": _report(names, list(figures), list(images)),
        "provenance": _provenance(names, [*figures, "report"], checksums),
    }
    entries = [
        {"fullUrl": names.url(one), "resource": {**resource, "id": names.id(one)}}
        for one, resource in resources.items()
    ]
    return {"resourceType": "Bundle", "id": names.id("bundle"), "type": "collection", "entry": entries}


def sigmas(assessment: xr.Dataset, targets: xr.Dataset) -> dict[str, float]:
    """Standard deviations of the figures that have one, in their units.

    The volumes have none: that of the targets is relative to end-diastole, so what all frames have in common is not in
    it.
    """
    return {
        "ejection_fraction": ejection_sigma(targets),
        "stiffness": float(assessment.stiffness_sigma),
        "peak_tension": float(assessment.peak_tension_sigma),
    }


def _observation(name: str, value: float, sigma: float | None, names: _Names) -> Resource:
    """One figure, with its standard deviation as a component where it has one."""
    figure = FIGURES[name]
    resource = {
        "resourceType": "Observation",
        "status": "preliminary",
        "category": [concept(CATEGORY, "imaging", "Imaging")],
        "code": concept(figure.system, figure.code, figure.words),
        "subject": names.reference("patient"),
        "device": names.reference("device"),
        "valueQuantity": quantity(value, figure.unit),
    }
    if sigma is not None:
        part = {"code": own("standard-deviation"), "valueQuantity": quantity(sigma, figure.unit)}
        resource["component"] = [part]
    return resource


def _imaging_study(uid: str, series: Mapping[str, tuple[str, int]], names: _Names) -> Resource:
    parts = [
        {"uid": one, "modality": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": modality},
         "numberOfInstances": images}
        for one, (modality, images) in series.items()
    ]  # fmt: skip
    return {
        "resourceType": "ImagingStudy",
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}],
        "status": "available",
        "subject": names.reference("patient"),
        "numberOfSeries": len(parts),
        "numberOfInstances": sum(images for _, images in series.values()),
        "series": parts,
    }


def _device(code: Mapping[str, Any]) -> Resource:
    """Twinbeat, with its version and, where it is known, its commit."""
    versions = [{"value": code["version"]}]
    if code["commit"]:
        modified = ", modified" if code["modified"] else ""
        versions.append({"type": {"text": "git commit"}, "value": f"{code['commit']}{modified}"})
    name = [{"name": "Twinbeat", "type": "model-name"}]
    return {"resourceType": "Device", "status": "active", "deviceName": name, "version": versions}


def _report(names: _Names, observations: list[str], images: list[str]) -> Resource:
    return {
        "resourceType": "DiagnosticReport",
        "status": "preliminary",
        "code": own("twin-report"),
        "subject": names.reference("patient"),
        "result": [names.reference(name) for name in observations],
        "imagingStudy": [names.reference(name) for name in images],
        "conclusion": CONCLUSION,
    }


def _provenance(names: _Names, targets: list[str], checksums: Mapping[str, str]) -> Resource:
    """Made by the device from the stores with these checksums."""
    agent = {"type": concept(PARTICIPANT, "assembler", "Assembler"), "who": names.reference("device")}
    sources = [
        {"role": "source", "what": {"display": name, "identifier": {"type": {"text": "SHA-256"}, "value": checksum}}}
        for name, checksum in sorted(checksums.items())
    ]
    return {
        "resourceType": "Provenance",
        "target": [names.reference(name) for name in targets],
        "_recorded": {"extension": [MASKED]},
        "agent": [agent],
        "entity": sources,
    }
