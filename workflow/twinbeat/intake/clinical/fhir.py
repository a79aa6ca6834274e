"""A FHIR R4 bundle of one patient: observations, medication, conditions and death, and when the imaging was.

Read with tolerance, because hospitals' exports are seldom valid: an element of another type than FHIR wants is as if it
were not there. An LV pressure over time is an Observation with SNOMED CT 276769008 and SampledData in mmHg; as many
beats as it is the mean of, and scarred AHA segments, have codes of our own (``beats``, ``scar-segment``).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ...verdicts import Rejected
from . import mapping
from .content import Content, Raw, RawEvent, RawTrace
from .mapping import SYSTEMS

VOID = {"entered-in-error", "cancelled", "registered", "not-taken", "not-done", "draft", "refuted"}
"""States in which a resource says nothing of the patient."""

DRUGS = ("MedicationRequest", "MedicationStatement", "MedicationAdministration")
MILLIMETRES = {"mm[Hg]", "mmHg"}
Node = Mapping[str, Any]


def parse(content: Node) -> Content:
    """The content of a bundle. Raises Rejected where it is no bundle or tells of several persons."""
    if content.get("resourceType") != "Bundle":
        raise Rejected("clinical-file", "the clinical file is a FHIR resource, but no Bundle; expected a Bundle")
    bundle = _Bundle(content)
    if bundle.persons() > 1:
        raise Rejected("several-persons", f"the clinical file tells of {bundle.persons()} persons; expected one")
    started = [text for study in bundle.of("ImagingStudy") if _is_cardiac(study) and (text := _text(study, "started"))]
    return Content(
        values=tuple(value for resource in bundle.of("Observation") for value in _values(resource, bundle)),
        events=(*_medication(bundle), *_outcome(bundle)),
        traces=tuple(trace for resource in bundle.of("Observation") for trace in _traces(resource, bundle)),
        examination=max(started, default=None),
        ages_from="imaging study" if started else None,
    )


class _Bundle:
    """The resources of a bundle, by type and by reference."""

    def __init__(self, content: Node) -> None:
        self.resources: list[Node] = []
        self.by_reference: dict[str, Node] = {}
        for entry in _items(content, "entry"):
            resource = _node(entry, "resource")
            self.resources.append(resource)
            self.by_reference[f"{_text(resource, 'resourceType')}/{_text(resource, 'id')}"] = resource
            if url := _text(entry, "fullUrl"):
                self.by_reference[_tail(url)] = resource

    def of(self, *types: str) -> list[Node]:
        return [resource for resource in self.resources if resource.get("resourceType") in types]

    def referred(self, resource: Node, key: str) -> Node:
        """What a reference of a resource leads to, in the bundle or inside of itself; empty where it is in neither."""
        reference = _text(_node(resource, key), "reference")
        inside = {f"#{_text(part, 'id')}": part for part in _items(resource, "contained")}
        return inside.get(reference) or self.by_reference.get(_tail(reference), {})

    def persons(self) -> int:
        """How many there are: Patient resources, or persons that the observations are about."""
        known = {self._subject(one) for one in self.of("Observation")} - {""}
        return max(len(self.of("Patient")), len(known))

    def _subject(self, resource: Node) -> str:
        """By its content, as a reference to something inside says nothing; else by the reference."""
        person = self.referred(resource, "subject")
        return json.dumps(person, sort_keys=True) if person else _tail(_text(_node(resource, "subject"), "reference"))


def _tail(reference: str) -> str:
    """Type and identifier of a reference, without the server that holds it."""
    return "/".join(reference.split("/")[-2:])


def _is_cardiac(study: Node) -> bool:
    """Whether the twin may be made of an imaging study: it is of MR, of CT, or does not say of what."""
    modalities = {_text(coding, "code") for coding in _items(study, "modality")}
    return not modalities or bool(modalities & {"MR", "CT"})


def _values(resource: Node, bundle: _Bundle) -> Iterator[Raw]:
    """The values of an observation and of its components, where it is a panel that we know."""
    table, codes = mapping.load(), _codes(_node(resource, "code"))
    parts = [resource]
    if set(codes) & set(table.panels):
        parts += _items(resource, "component")
    status = _text(resource, "status")
    fault = f"its status is {status}" if status in VOID else ""
    time, until = _when(resource)
    for part in parts:
        name, quantity = table.name(_codes(_node(part, "code"))), _node(part, "valueQuantity")
        if name and quantity.get("value") is not None:
            bound = "it is only a bound" if quantity.get("comparator") else ""
            unit = quantity.get("code") or quantity.get("unit")
            yield Raw(name, quantity["value"], unit, time, until, _sources(resource, bundle), fault or bound)


def _traces(resource: Node, bundle: _Bundle) -> Iterator[RawTrace]:
    """The pressure over time of an observation. Raises Rejected where it is not in mmHg or not in order."""
    sampled = _node(resource, "valueSampledData")
    if (
        not sampled
        or _text(resource, "status") in VOID
        or not set(_codes(_node(resource, "code"))) & set(mapping.load().traces)
    ):
        return
    origin = _node(sampled, "origin")
    if (_text(origin, "code") or _text(origin, "unit")) not in MILLIMETRES or sampled.get("dimensions") != 1:
        raise Rejected("clinical-value", "lv_pressure: sampled in another unit or dimension; expected one, in mm[Hg]")
    try:
        start, step, factor = (float(x) for x in (origin.get("value"), sampled.get("period"), sampled.get("factor", 1)))
        pressure = [start + factor * float(x) for x in _text(sampled, "data").split()]
    except (TypeError, ValueError, OverflowError):
        raise Rejected("clinical-value", "lv_pressure: sampled data that are no numbers; expected numbers") from None
    content = {"time": [step * i for i in range(len(pressure))], "pressure": pressure, "beats": _beats(resource)}
    yield RawTrace(content, _when(resource)[0], _sources(resource, bundle))


def _beats(resource: Node) -> Any:
    for part in _items(resource, "component"):
        if "twinbeat:beats" in _codes(_node(part, "code")):
            return part.get("valueInteger")
    return 1


def _medication(bundle: _Bundle) -> Iterator[RawEvent]:
    for resource in bundle.of(*DRUGS):
        if _text(resource, "status") in VOID:
            continue
        concept = _node(resource, "medicationCodeableConcept")
        concept = concept or _node(bundle.referred(resource, "medicationReference"), "code")
        yield RawEvent("medication", _codes(concept), resource.get("authoredOn") or _when(resource)[0])


def _outcome(bundle: _Bundle) -> Iterator[RawEvent]:
    """Conditions that are not refuted, and death."""
    for resource in bundle.of("Condition"):
        states = {_text(coding, "code") for coding in _items(_node(resource, "verificationStatus"), "coding")}
        if not states & VOID:
            time = resource.get("onsetDateTime") or resource.get("recordedDate")
            yield RawEvent("outcome", _codes(_node(resource, "code")), time)
    for person in bundle.of("Patient"):
        if person.get("deceasedDateTime") or person.get("deceasedBoolean") is True:
            yield RawEvent("outcome", ("icd-10:death",), person.get("deceasedDateTime"))


def _when(resource: Node) -> tuple[Any, Any]:
    """When a resource holds: a moment, or the beginning and the end of a period."""
    period = _node(resource, "effectivePeriod")
    moment = resource.get("effectiveDateTime") or resource.get("effectiveInstant") or period.get("start")
    return moment, period.get("end")


def _sources(resource: Node, bundle: _Bundle) -> tuple[Any, ...]:
    """All words in which an observation may say where it comes from."""
    reference, device = _node(resource, "device"), bundle.referred(resource, "device")
    names = [name.get("name") for name in _items(device, "deviceName")]
    performers = [performer.get("display") for performer in _items(resource, "performer")]
    own = [reference.get("display"), _node(device, "type").get("text"), _node(resource, "meta").get("source")]
    return (*own, *names, *performers)


def _codes(concept: Node) -> tuple[str, ...]:
    """Codes such as loinc:8867-4, of the systems that we know."""
    codings = [(_text(coding, "system"), _text(coding, "code")) for coding in _items(concept, "coding")]
    return tuple(f"{SYSTEMS[system]}:{code}" for system, code in codings if system in SYSTEMS)


def _node(parent: Node, key: str) -> Node:
    child = parent.get(key)
    return child if isinstance(child, Mapping) else {}


def _items(parent: Node, key: str) -> list[Node]:
    children = parent.get(key)
    return [child for child in children if isinstance(child, Mapping)] if isinstance(children, list) else []


def _text(parent: Node, key: str) -> str:
    child = parent.get(key)
    return child if isinstance(child, str) else ""
