"""FHIR bundles of clinical data: what is taken from them, what is left, and that nothing in them breaks the reader."""

import json

import pytest
from clinical_samples import EXAMINATION, USUAL, Row, bundle, clean, concept, observation
from dicom_samples import stopped
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from twinbeat.verdicts import Rejected

RATE = Row("heart_rate", 70, "/min", "2020-01-31", "monitor")


def panel(systolic, diastolic, code="loinc:85354-9"):
    """A blood pressure as one observation with two components."""
    parts = [observation(Row("systolic", systolic, "mm[Hg]")), observation(Row("diastolic", diastolic, "mm[Hg]"))]
    kept = [{"code": part["code"], "valueQuantity": part["valueQuantity"]} for part in parts]
    return {"resourceType": "Observation", "status": "final", "code": concept(code), "component": kept}


def sampled(**changes):
    """0, 10, 20 and 5 steps of 2 mmHg above 10 mmHg, every 40 ms; the mean of 4 beats."""
    data = {"origin": {"value": 10, "code": "mm[Hg]"}, "period": 40, "factor": 2, "dimensions": 1, "data": "0 10 20 5"}
    beats = {"code": concept("twinbeat:beats"), "valueInteger": 4}
    own = {"resourceType": "Observation", "code": concept("sct:276769008"), "component": [beats]}
    return own | {"effectiveDateTime": "2020-01-30T12:00:00Z", "valueSampledData": data | changes}


def test_the_usual_patient():
    """The examination is the latest MR or CT; an X-ray of February is not the one."""
    xray = {"resourceType": "ImagingStudy", "started": "2020-02-20", "modality": [{"code": "DX"}]}
    found = clean(bundle(USUAL, EXAMINATION, xray))
    assert found.ages_from == "imaging study" and found.systolic.source == "measured"
    assert {value.name: value.age_days for value in found.values}["lv_end_diastolic_pressure"] == 5.0


def test_components_count_inside_of_a_blood_pressure_only():
    """The same two codes stand for the pressures of other places too, here of the pulmonary artery (SNOMED CT)."""
    found = clean(bundle((), "", panel(118, 76)))
    assert found.systolic.value / found.diastolic.value == approx(118 / 76)
    assert clean(bundle((), "", panel(25, 10, "sct:250767002"))).systolic.source == "assumed"


def test_pressure_over_time():
    """10 + 2 x (0, 10, 20, 5) mmHg = 10, 30, 50 and 20 mmHg; four beats halve the sigma of 1 mmHg; it is a day old."""
    trace = clean(bundle((), EXAMINATION, sampled())).lv_pressure
    assert trace.time == (0, 40, 80, 120)
    assert trace.pressure == approx([10 * 0.1333224, 30 * 0.1333224, 50 * 0.1333224, 20 * 0.1333224], rel=1e-5)
    assert trace.sigma == approx(0.0666612, rel=1e-5) and trace.age_days == 1.0


def test_the_trace_nearest_to_the_examination_counts():
    old = sampled(period=50) | {"effectiveDateTime": "2019-01-30", "component": []}
    assert clean(bundle((), EXAMINATION, old, sampled())).lv_pressure.time == (0, 40, 80, 120)
    void = sampled() | {"status": "entered-in-error"}
    assert clean(bundle((), EXAMINATION, void)).lv_pressure is None


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        (sampled(origin={"value": 10, "code": "kPa"}), "lv_pressure: sampled in another unit or dimension"),
        (sampled(dimensions=2), "lv_pressure: sampled in another unit or dimension"),
        (sampled(data="0 E 1"), "lv_pressure: sampled data that are no numbers"),
        (sampled(period=None), "lv_pressure: sampled data that are no numbers"),
        (sampled(data="0 400"), "lv_pressure.pressure: found 10 to 810 mmHg"),
        (sampled(period=0), "lv_pressure.time: found 0 to 0 ms"),
        (sampled() | {"effectiveDateTime": "soon"}, "lv_pressure: its time is no ISO 8601 date"),
        ({"resourceType": "Patient", "id": "2"}, "the clinical file tells of 2 persons"),
        (observation(RATE) | {"subject": {"reference": "Patient/2"}}, "the clinical file tells of 2 persons"),
    ],
)
def test_what_cannot_be_the_patients_is_refused(resource, message):
    person = {"resourceType": "Patient", "id": "1"}
    assert stopped(clean, bundle((RATE,), EXAMINATION, person, resource)).message.startswith(message)


def test_one_person_by_several_references():
    """A server's address in front, and a bundle's own identifier, lead to the same resource."""
    content = bundle((RATE,), EXAMINATION, observation(RATE) | {"subject": {"reference": "urn:uuid:7"}})
    person = {"fullUrl": "urn:uuid:7", "resource": {"resourceType": "Patient", "id": "1"}}
    far = {"resource": observation(RATE) | {"subject": {"reference": "https://host/fhir/Patient/1"}}}
    assert clean(content | {"entry": [person, far, *content["entry"]]}).heart_rate.value == 70


def test_persons_inside_of_observations():
    """The same name of a reference leads to another person in each observation, unless it is the same one."""

    def about(number):
        person = {"resourceType": "Patient", "id": "p", "identifier": [{"value": number}]}
        return observation(RATE) | {"subject": {"reference": "#p"}, "contained": [person]}

    assert clean(bundle((), EXAMINATION, about("1"), about("1"))).heart_rate.value == 70
    assert "tells of 2 persons" in stopped(clean, bundle((), EXAMINATION, about("1"), about("2"))).message


def test_no_bundle():
    assert stopped(clean, observation(RATE)).message.startswith("the clinical file is a FHIR resource, but no Bundle")


def test_void_and_bounded_values_are_set_aside_and_missing_ones_stay_missing():
    void = observation(RATE) | {"status": "entered-in-error"}
    bound = observation(RATE)
    bound["valueQuantity"]["comparator"] = "<"
    absent = {**observation(RATE), "valueQuantity": None, "dataAbsentReason": {"text": "Grünwald"}}
    bare = {**observation(RATE), "valueQuantity": {"value": 70}}
    found = clean(bundle((), "", void, bound, absent, bare))
    reasons = ["its status is entered-in-error", "it is only a bound", "it has no unit"]
    assert [one.reason for one in found.set_aside] == reasons
    assert not found.values and found.heart_rate.value == approx(75)


def test_a_source_is_found_wherever_it_stands():
    """Name of a device in the bundle or in the observation, display of the reference, performer or meta.source; others
    are not shown."""
    device = {"resourceType": "Device", "id": "d", "deviceName": [{"name": "Monitor"}]}
    ways = [
        {"device": {"reference": "Device/d"}, "performer": []},
        {"device": {"reference": "#d"}, "contained": [device], "performer": []},
        {"device": {"display": "monitor"}, "performer": []},
        {"performer": [{"display": "MONITOR "}]},
        {"meta": {"source": "monitor"}, "performer": []},
        {"performer": [{"display": "Dr Grünwald"}]},
    ]
    found = [clean(bundle((), "", device, observation(RATE) | way)).values[0].source for way in ways]
    assert found == ["monitor"] * 5 + ["other"]


def test_medication_and_outcome():
    """A beta blocker by reference, a drug for diabetes inside of its request, an ACE inhibitor by code, atrial
    fibrillation, and death 30 days later; what is refuted or not taken counts for nothing, and a drug outside of ATC is
    set aside."""
    metoprolol = {"resourceType": "Medication", "id": "m", "code": concept("atc:C07AB02")}
    drugs = [
        {"resourceType": "MedicationStatement", "medicationReference": {"reference": "Medication/m"}},
        {"resourceType": "MedicationRequest", "medicationReference": {"reference": "#m"},
         "contained": [{"resourceType": "Medication", "id": "m", "code": concept("atc:A10BA02")}]},
        {"resourceType": "MedicationRequest", "medicationCodeableConcept": concept("atc:C09AA05"),
         "authoredOn": "2020-01-21T12:00:00Z"},
        {"resourceType": "MedicationStatement", "status": "not-taken", "medicationCodeableConcept": concept("atc:C03")},
        {"resourceType": "MedicationAdministration", "medicationCodeableConcept": {"text": "Grünwald's pills"}},
    ]  # fmt: skip
    refuted = {"coding": [{"code": "refuted"}]}
    states = [
        {"resourceType": "Condition", "code": concept("icd-10:I48.0"), "onsetDateTime": "2019"},
        {"resourceType": "Condition", "code": concept("icd-10:I21.9"), "verificationStatus": refuted},
        {"resourceType": "Patient", "id": "1", "deceasedDateTime": "2020-03-01T12:00:00Z"},
    ]
    found = clean(bundle((), EXAMINATION, metoprolol, *drugs, *states))
    assert [(event.words, event.age_days) for event in found.events] == [
        ("drug for diabetes", None),
        ("beta blocker", None),
        ("inhibitor of the renin-angiotensin system", 10.0),
        ("atrial fibrillation or flutter", None),
        ("death", -30.0),
    ]
    assert [(one.name, one.reason) for one in found.set_aside] == [("medication", "its code is not in the mapping")]
    assert "Grünwald" not in found.model_dump_json()


def test_no_text_of_the_file_is_kept():
    """Names, free text, addresses and dates stand in the bundle, none of them in the result."""
    content = bundle(USUAL, EXAMINATION, {"resourceType": "Patient", "id": "1", "name": [{"family": "Grünwald"}]})
    kept = clean(content).model_dump_json()
    assert not any(word in kept for word in ("Grünwald", "2020", "2019", "Patient/1", "people"))


keys = st.sampled_from(
    ["code", "coding", "component", "valueQuantity", "valueSampledData", "value", "unit", "data", "period", "origin",
     "status", "subject", "reference", "effectiveDateTime", "effectivePeriod", "start", "device", "performer", "meta",
     "medicationCodeableConcept", "verificationStatus", "deceasedDateTime", "modality", "started", "id"]
)  # fmt: skip
words = st.sampled_from(["8867-4", "276769008", "mm[Hg]", "/min", "2020-01-31", "final", "MR", "Patient/1"])
systems = st.sampled_from(["http://loinc.org", "http://snomed.info/sct"])
codings = st.fixed_dictionaries({"system": systems, "code": words})
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | words | codings
trees = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5))
types = st.sampled_from(
    ["Observation", "Patient", "Condition", "ImagingStudy", "Device", "MedicationRequest", "Medication", "Bundle"]
)


@st.composite
def resources(draw):
    """A usual observation with some elements changed, or a resource of any content."""
    usual = draw(st.sampled_from([observation(RATE), sampled(), panel(118, 76), {}]))
    return usual | draw(st.dictionaries(keys, trees, max_size=4)) | {"resourceType": draw(types)}


@given(st.lists(resources() | trees, max_size=5))
def test_no_bundle_does_anything_but_be_cleaned_or_refused(resources):
    content = bundle((), "") | {"entry": [{"resource": resource} for resource in resources]}
    try:
        found = clean(json.loads(json.dumps(content)))
        assert found.systolic.sigma > 0
    except Rejected as error:
        assert error.code.startswith("clinical-") or error.code == "several-persons"
