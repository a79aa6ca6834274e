"""The FHIR bundle of a finished twin: valid R4, the twin's own figures, nobody's name, the same every time."""

import copy
import json

import fabricated
import pytest
from dicom_samples import cine, clean, written
from pytest import approx

from twinbeat import assessment, fhir
from twinbeat.fhir.bundle import sigmas
from twinbeat.fhir.codes import DEFINITIONS, FIGURES, LOINC
from twinbeat.intake import references
from twinbeat.intake.clinical.mapping import OWN

__all__ = ["cine"]

STUDIES = {"2.25.1": {"2.25.2": ("MR", 240), "2.25.3": ("MR", 12)}}
CODE = {"code": {"version": "0.1.0", "commit": "c0ffee", "modified": True}}


@pytest.fixture(scope="module")
def twin():
    stores = fabricated.twin()
    stages = {name: dataset for name, dataset in stores.items() if name != "image"}
    return assessment.assess(**stages).assign_attrs(provenance=CODE), stores["targets"]


@pytest.fixture(scope="module")
def bundle(twin):
    return fhir.export(("study", "p-01"), *twin, STUDIES, {"targets.zarr": "ab12", "beat.zarr": "cd34"})


def of(bundle, kind):
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


def test_it_is_fhir_r4(bundle):
    """By the official schema and fhir.resources; one report, one observation per figure, all of them preliminary."""
    fhir.check(bundle)
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    others = {"Patient", "Device", "CodeSystem", "ImagingStudy", "DiagnosticReport", "Provenance"}
    assert {kind: kinds.count(kind) for kind in kinds} == {"Observation": len(FIGURES)} | dict.fromkeys(others, 1)
    assert {one["status"] for one in of(bundle, "Observation") + of(bundle, "DiagnosticReport")} == {"preliminary"}


def test_figures_have_code_unit_and_uncertainty(twin, bundle):
    """Stiffness 1.2 kPa with 8 %: 0.096 kPa, as a component. Mass and volumes have no known standard deviation."""
    found = {one["code"]["coding"][0]["code"]: one for one in of(bundle, "Observation")}
    fraction, stiffness, mass = found["8811-2"], found["stiffness"], found["18087-7"]
    assert fraction["code"]["coding"][0]["system"] == LOINC and fraction["valueQuantity"]["code"] == "%"
    assert fraction["valueQuantity"]["value"] == approx(float(twin[0].ejection_fraction), rel=1e-5)
    assert stiffness["code"]["coding"][0]["system"] == OWN
    part = stiffness["component"][0]
    assert part["code"]["coding"][0]["code"] == "standard-deviation"
    assert (part["valueQuantity"]["value"], part["valueQuantity"]["code"]) == (approx(0.096), "kPa")
    assert mass["valueQuantity"]["code"] == "g"
    assert not any("component" in found[code] for code in ("18087-7", "8821-1", "8823-7"))


def test_the_ejection_fraction_has_the_uncertainty_of_its_volumes(twin):
    """D = 120 +- 3 mL and S = 60 +- 4 mL: 100 (1 - S/D) = 50 % +- 100 sqrt((4/120)^2 + (60 x 3/120^2)^2) = 3.56 %."""
    targets = twin[1].isel(time=slice(2)).assign(
        volume=("time", [120.0, 60.0]), volume_sigma=("time", [3.0, 4.0]), end_diastole=0
    )  # fmt: skip
    assert sigmas(twin[0], targets)["ejection_fraction"] == approx(3.560, abs=1e-3)


def test_every_own_code_is_defined_in_the_bundle(bundle):
    defined = {concept["code"] for concept in of(bundle, "CodeSystem")[0]["concept"]}
    assert defined == set(DEFINITIONS)
    text = json.dumps(bundle)
    assert all(f'"{one.code}"' in text and one.code in defined for one in FIGURES.values() if one.system == OWN)


def test_provenance_names_code_and_stores(bundle):
    device, provenance = of(bundle, "Device")[0], of(bundle, "Provenance")[0]
    assert [version["value"] for version in device["version"]] == ["0.1.0", "c0ffee, modified"]
    assert [entity["what"]["identifier"]["value"] for entity in provenance["entity"]] == ["cd34", "ab12"]
    assert len(provenance["target"]) == len(FIGURES) + 1


def test_a_version_without_git(twin):
    code = {"code": {"version": "0.1.0", "commit": None, "modified": None}}
    made = fhir.export(("s", "p"), twin[0].assign_attrs(provenance=code), twin[1], STUDIES, {})
    assert of(made, "Device")[0]["version"] == [{"value": "0.1.0"}]


def test_the_same_twin_gives_the_same_bytes(twin, bundle):
    """Identifiers hang on study and pseudonym and nothing else: another patient shares none."""
    again = fhir.export(("study", "p-01"), *twin, STUDIES, {"targets.zarr": "ab12", "beat.zarr": "cd34"})
    other = fhir.export(("study", "p-02"), *twin, STUDIES, {})
    assert json.dumps(again) == json.dumps(bundle)
    assert not {one["fullUrl"] for one in other["entry"]} & {one["fullUrl"] for one in bundle["entry"]}


@pytest.mark.parametrize(
    ("kind", "change", "fault"),
    [
        ("Observation", {"status": "done"}, r"Observation \$.status: 'done' is not one of"),
        ("Observation", {"colour": "red"}, "Observation .*'colour' was unexpected"),
        ("DiagnosticReport", {"subject": {"reference": "Patient/1"}}, "the reference Patient/1 leads to no entry"),
        ("Observation", {"valueString": "high"}, "value"),
        ("Provenance", {"_recorded": None}, "Value for the field .recorded. is required"),
    ],
)
def test_what_is_no_fhir_is_named(bundle, kind, change, fault):
    """An unknown state and element (schema), a reference into the void, two values and none (fhir.resources)."""
    changed = copy.deepcopy(bundle)
    of(changed, kind)[0].update(change)
    with pytest.raises(ValueError, match=fault):
        fhir.check(changed)


def test_references_lead_to_the_deidentified_images(cine, tmp_path):
    """One study with one series of 8 frames of 5 slices, under UIDs that de-identification has made (2.25...)."""
    written(cine, tmp_path / "raw", "series")
    ((study, series),) = references.studies(clean(tmp_path / "raw")).items()
    assert study.startswith("2.25.")
    assert [(uid[:5], found) for uid, found in series.items()] == [("2.25.", ("MR", 40))]
