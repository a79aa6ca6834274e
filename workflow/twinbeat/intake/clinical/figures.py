"""Cleaned clinical data of one patient, as the later stages read them from ``clinical.json``."""

import json
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from ...verdicts import KINDS

Source = Literal["measured", "assumed"]
AGE_UNKNOWN = "age unknown"
"""The flag of a value without a time."""

AgesFrom = Literal["imaging study", "examination row", "latest value"]


class _Clean(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Figure(_Clean):
    """A number with its standard deviation."""

    value: float
    sigma: Annotated[float, Field(gt=0)]
    source: Source


class Trace(_Clean):
    """Pressure over time: ms after the R wave, kPa, and the standard deviation of each pressure in kPa."""

    time: tuple[float, ...]
    pressure: tuple[float, ...]
    sigma: Annotated[float, Field(gt=0)]
    source: Source = "measured"
    taken_by: str = "other"
    age_days: float | None = None
    flags: tuple[str, ...] = ()


class Value(_Clean):
    """The value of a quantity of the mapping that was taken nearest to the examination, in its UCUM unit."""

    name: str
    value: float
    unit: str
    source: str
    age_days: float | None = None
    """Days before the examination (negative: after it); none where no time was given."""

    measurements: int = 1
    """Plausible values of this quantity, of which this is the nearest."""

    flags: tuple[str, ...] = ()


class Event(_Clean):
    """A medication or an outcome of the mapping, in the mapping's words."""

    kind: Literal["medication", "outcome"]
    code: str
    words: str
    age_days: float | None = None


class SetAside(_Clean):
    """A value that is not used, and why. The number is missing where the file had none."""

    name: str
    reason: str
    value: float | None = None
    unit: str = ""
    source: str
    age_days: float | None = None


class Clinical(_Clean):
    """Clinical figures of one patient; pressures in kPa, heart rate in 1/min."""

    heart_rate: Figure
    systolic: Figure
    diastolic: Figure
    lv_end_diastolic_pressure: Figure
    lv_pressure: Trace | None = None
    scar_segments: tuple[int, ...] = ()
    """AHA segments (1 to 17) that do not contract."""

    values: tuple[Value, ...] = ()
    events: tuple[Event, ...] = ()
    set_aside: tuple[SetAside, ...] = ()
    ages_from: AgesFrom | None = None
    """What says when the examination was; none where the file has no times."""

    mapping: str = ""
    """Version of the mapping that the codes and units went through."""

    def measured(self, name: str) -> float | None:
        """The value of a quantity of the mapping in its unit; none where the file has none that can be."""
        return next((one.value for one in self.values if one.name == name), None)

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """The figures of a cleaned file. Raises the verdict that it holds instead of them."""
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if found := content.get("verdict"):
            raise KINDS[found["kind"]](found["code"], found["message"], found["stage"])
        return cls.model_validate(content)
