"""Parameters of what-if runs."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from ..units import Rate, text
from .electrophysiology import Electrophysiology
from .section import Section

Factor = Annotated[float, Field(gt=0, le=10)]


class WhatIf(Section):
    """The calibrated twin with something changed, to be compared with itself."""

    electrophysiology: dict[str, Any] = Field(default_factory=dict)
    """Keys of ``electrophysiology`` with other values, such as {roots: [], leads: [[0.1, 90 degree, 1, 0 ms]]}."""

    tension: Factor = 1.0
    """Factor on the active tension: inotropy."""

    stiffness: Factor = 1.0
    """Factor on the passive stiffness; the unloaded shape stays."""

    resistance: Factor = 1.0
    """Factor on the systemic resistance: afterload."""

    blood: Factor = 1.0
    """Factor on the blood in the circulation above the unstressed volume of its vessels: preload."""

    heart_rate: Annotated[Rate, Field(ge=40, le=150)] | None = None
    """Another heart rate, such as 100 beat/min: diastole shortens more than systole (Boudoulas et al. 1981)."""

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self == WhatIf.model_construct():
            raise ValueError("nothing is changed; expected another value of " + ", ".join(type(self).model_fields))
        return self

    def cycle(self, usual: float) -> float:
        """Duration of a beat in ms, where it is ``usual`` without the run."""
        return usual if self.heart_rate is None else 60000 / self.heart_rate

    def activated_by(self, usual: Electrophysiology) -> Electrophysiology:
        """The electrophysiology of this run; a ValidationError where it cannot be. A train of beats has the heart rate,
        unless the run gives it a cycle of its own."""
        keys = usual.model_dump(mode="json")
        found = Electrophysiology.model_validate(merged(keys, self.electrophysiology))
        if self.heart_rate is None or found.pacing.beats == 1:
            return found
        paced = merged(keys, {"pacing": {"cycle": text(self.cycle(found.pacing.cycle), "ms")}})
        return Electrophysiology.model_validate(merged(paced, self.electrophysiology))


def merged(usual: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """``usual`` with the leaves that ``other`` has."""
    nested = {key: merged(usual[key], value) for key, value in other.items() if _both(usual.get(key), value)}
    return {**usual, **other, **nested}


def _both(usual: Any, value: Any) -> bool:
    return isinstance(usual, Mapping) and isinstance(value, Mapping)
