"""A phantom's clinical data as a hospital exports them: a FHIR R4 bundle with a person in it, and with faults.

Beside the figures of the short clinical file there are a duplicate, a heart rate that cannot be, an old laboratory
value and a drug.
"""

from datetime import datetime, time, timedelta
from typing import Any

from ..intake.clinical.mapping import OWN
from .identity import Identity

LOINC, SNOMED, ATC = "http://loinc.org", "http://snomed.info/sct", "http://www.whocc.no/atc"
NOON = time(12)
MONITOR = {"reference": "Device/monitor"}
Resource = dict[str, Any]


def bundle(identity: Identity, figures: dict[str, Any]) -> Resource:
    """The ``figures`` of the short clinical file, taken in the days before the examination, as a bundle."""
    when = datetime.combine(identity.day, NOON)
    resources = [
        _person(identity),
        _monitor(identity),
        _study(when),
        *_vitals(figures, when),
        *_catheter(figures, when),
    ]
    resources += [_observation(OWN, "scar-segment", when, _quantity(n, "1")) for n in figures["scar_segments"]]
    resources += [*_impossible(when), *_history(identity, when)]
    entries = [{"fullUrl": f"https://ehr.example/{_path(one)}", "resource": one} for one in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _path(resource: Resource) -> str:
    return f"{resource['resourceType']}/{resource.get('id', 'unnamed')}"


def _person(identity: Identity) -> Resource:
    return {
        "resourceType": "Patient",
        "id": identity.number,
        "identifier": [{"value": identity.number}],
        "name": [{"family": identity.family, "given": [identity.given]}],
        "birthDate": identity.birth.isoformat(),
        "address": [{"text": identity.address}],
        "telecom": [{"system": "phone", "value": identity.phone}],
        "generalPractitioner": [{"display": identity.doctors[0]}],
    }


def _monitor(identity: Identity) -> Resource:
    name = [{"name": "Monitor", "type": "user-friendly-name"}]
    return {"resourceType": "Device", "id": "monitor", "serialNumber": identity.serial, "deviceName": name}


def _study(when: datetime) -> Resource:
    return {"resourceType": "ImagingStudy", "status": "available", "started": _iso(when), "modality": [{"code": "MR"}]}


def _vitals(figures: dict[str, Any], when: datetime) -> list[Resource]:
    """Heart rate of the hour before, told twice, and the cuff of the day before."""
    rate = _quantity(_number(figures["heart_rate"]), "/min")
    before = when - timedelta(hours=1)
    told = [_observation(LOINC, "8867-4", before, rate, device=MONITOR), _observation(LOINC, "8867-4", before, rate)]
    pressures = [("8480-6", figures["systolic"]), ("8462-4", figures["diastolic"])]
    parts = [{"code": _concept(LOINC, code), **_quantity(_number(text), "mm[Hg]")} for code, text in pressures]
    cuff = {"component": parts, "performer": [{"display": "cuff"}]}
    return [*told, _observation(LOINC, "85354-9", when - timedelta(days=1), cuff)]


def _catheter(figures: dict[str, Any], when: datetime) -> list[Resource]:
    """End-diastolic pressure and the pressure over time, of two days before."""
    day, source = when - timedelta(days=2), [{"display": "catheter"}]
    end_diastolic = _quantity(_number(figures["lv_end_diastolic_pressure"]), "mm[Hg]")
    trace = figures["lv_pressure"]
    sampled = {
        "origin": _quantity(0, "mm[Hg]")["valueQuantity"],
        "period": trace["time"][1] - trace["time"][0],
        "dimensions": 1,
        "data": " ".join(map(str, trace["pressure"])),
    }
    beats = [{"code": _concept(OWN, "beats"), "valueInteger": trace["beats"]}]
    return [
        _observation(SNOMED, "276781007", day, end_diastolic, performer=source),
        _observation(SNOMED, "276769008", day, {"valueSampledData": sampled, "component": beats}, performer=source),
    ]


def _impossible(when: datetime) -> list[Resource]:
    """A monitor that had lost its leads: 250 /min every four hours for two days, a month before."""
    hours = [when - timedelta(days=30, hours=hour) for hour in range(0, 49, 4)]
    return [_observation(LOINC, "8867-4", hour, _quantity(250, "/min"), device=MONITOR) for hour in hours]


def _history(identity: Identity, when: datetime) -> list[Resource]:
    """A creatinine of seven months before, and a beta blocker since."""
    past = when - timedelta(days=214)
    laboratory = {"performer": [{"display": "laboratory"}], "note": [{"text": identity.note}]}
    drug = {"status": "active", "medicationCodeableConcept": _concept(ATC, "C07AB02"), "effectiveDateTime": _iso(past)}
    return [
        _observation(LOINC, "2160-0", past, _quantity(1.1, "mg/dL"), **laboratory),
        {"resourceType": "MedicationStatement", **drug},
    ]


def _observation(system: str, code: str, when: datetime, value: Resource, **more: Any) -> Resource:
    own = {"resourceType": "Observation", "status": "final", "code": _concept(system, code)}
    return {**own, "effectiveDateTime": _iso(when), **value, **more}


def _concept(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def _quantity(value: float, unit: str) -> Resource:
    return {"valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}}


def _number(text: str) -> float:
    return float(text.split()[0])


def _iso(when: datetime) -> str:
    return f"{when.isoformat()}+00:00"
