"""Whether a bundle is FHIR R4: by the official JSON schema of 4.0.1, by fhir.resources, and by its own references.

``fhir.resources`` has R4B (4.3.0), which is R4 in all resources that we use; it checks what a schema does not, such as
that an element of many types has one of them. The schema brings the codes of the required value sets.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from fhir.resources.R4B.bundle import Bundle
from jsonschema import Draft6Validator

Resource = dict[str, Any]


def check(bundle: Resource) -> None:
    """Raises ValueError, one line per fault, where the bundle is not FHIR R4 or a reference leads nowhere."""
    if faults := [*_schema_faults(bundle), *_dangling(bundle)]:
        raise ValueError("\n".join(faults))
    Bundle.model_validate(bundle)


def _schema_faults(bundle: Resource) -> Iterator[str]:
    """Faults by the schema, each resource by the definition of its own type."""
    frame = {**bundle, "entry": [{"fullUrl": entry["fullUrl"]} for entry in bundle["entry"]]}
    for resource in (frame, *(entry["resource"] for entry in bundle["entry"])):
        kind = resource["resourceType"]
        for error in _validator(kind).iter_errors(resource):
            yield f"{kind} {error.json_path}: {error.message}"


@cache
def _validator(kind: str) -> Draft6Validator:
    schema = json.loads(Path(__file__).with_name("schema.json").read_text(encoding="utf-8"))
    return Draft6Validator({"$ref": f"#/definitions/{kind}", "definitions": schema["definitions"]})


def _dangling(bundle: Resource) -> Iterator[str]:
    """References that lead to no entry."""
    known = {entry["fullUrl"] for entry in bundle["entry"]}
    for entry in bundle["entry"]:
        for reference in _references(entry["resource"]):
            if reference not in known:
                yield f"{entry['resource']['resourceType']}: the reference {reference} leads to no entry"


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "reference")
        node = list(node.values())
    for child in node if isinstance(node, list) else ():
        yield from _references(child)
