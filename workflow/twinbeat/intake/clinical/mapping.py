"""The mapping from codes of the clinic to our quantities: ``mapping.toml``, with a version."""

import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

OWN = "urn:uuid:5b0c1c52-2f0e-4f0e-9d5e-7f1f0a9d3c11"
"""Our own FHIR code system."""

SYSTEMS = {
    "http://loinc.org": "loinc",
    "http://snomed.info/sct": "sct",
    "http://www.whocc.no/atc": "atc",
    "http://fhir.de/CodeSystem/bfarm/atc": "atc",
    "http://hl7.org/fhir/sid/icd-10": "icd-10",
    "http://hl7.org/fhir/sid/icd-10-cm": "icd-10",
    "http://fhir.de/CodeSystem/bfarm/icd-10-gm": "icd-10",
    OWN: "twinbeat",
}
_VOCABULARY = {"medication": "atc", "outcome": "icd-10"}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Sustained(_Part):
    """Values from ``start`` on that last for ``hours`` cannot be; a longer ``gap`` (hours) between two ends the run."""

    start: float = Field(alias="from")
    hours: float
    gap: float


class Quantity(_Part):
    """One quantity: its codes, the UCUM unit it is kept in, and what is plausible in that unit."""

    words: str
    kind: Literal["vital sign", "catheter", "segment", "electrocardiogram", "body", "laboratory"]
    codes: tuple[str, ...]
    unit: str
    bounds: tuple[float, float]
    sustained: Sustained | None = None
    molar_mass: Annotated[float, Field(gt=0)] | None = None
    """g/mol, where laboratories give masses as well as amounts of substance."""


class Table(_Part):
    """The whole mapping."""

    version: str
    panels: tuple[str, ...]
    traces: tuple[str, ...]
    quantities: dict[str, Quantity]
    medication: dict[str, str]
    outcome: dict[str, str]

    def name(self, codes: Iterable[str]) -> str | None:
        """The quantity that one of the codes means."""
        wanted = set(codes)
        return next((name for name, quantity in self.quantities.items() if wanted & set(quantity.codes)), None)

    def event(self, kind: str, codes: Iterable[str]) -> tuple[str, str] | None:
        """The class of the first known code of a medication or an outcome, and its words."""
        words: dict[str, str] = getattr(self, kind)
        for code in codes:
            system, _, value = code.partition(":")
            known = [start for start in words if value.startswith(start)] if system == _VOCABULARY[kind] else []
            if known:
                longest = max(known, key=len)
                return longest, words[longest]
        return None


@cache
def load() -> Table:
    """The mapping that comes with Twinbeat."""
    return Table.model_validate(tomllib.loads(Path(__file__).with_name("mapping.toml").read_text(encoding="utf-8")))
