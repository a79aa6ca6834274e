"""The clinical file: what is measured outside the image, checked, in internal units, and without identifiers.

    {"heart_rate": "70 beat/min", "systolic": "118 mmHg", "diastolic": "76 mmHg",
     "lv_end_diastolic_pressure": "11 mmHg",
     "lv_pressure": {"time": [0, 40, ...], "pressure": [11, 35, ...], "beats": 10},
     "scar_segments": [7, 13]}

Every key is optional; times are ms after the R wave, pressures of the trace mmHg, and ``beats`` as many as the trace is
the mean of (1 where it does not say). Any other key is left out, because it may hold an identifier; one that is nearly
a known key is a typing error.
"""

import difflib
import json
import math
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from ..parameters import Calibration, ClinicalData
from ..units import KPA_PER_MMHG, convert
from ..verdicts import KINDS, Rejected

Source = Literal["measured", "assumed"]
LIMITS = {
    "heart_rate": ("beat/min", 25.0, 250.0),
    "systolic": ("mmHg", 50.0, 300.0),
    "diastolic": ("mmHg", 20.0, 200.0),
    "lv_end_diastolic_pressure": ("mmHg", 0.0, 60.0),
}
TRACE_LIMITS = (-20.0, 350.0)
MOST_BEATS = 1000
KEYS = (*LIMITS, "lv_pressure", "scar_segments")
DIASTOLIC_SHARE = 2 / 3  # 80 of 120 mmHg


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


class Clinical(_Clean):
    """Clinical figures of one patient; pressures in kPa, heart rate in 1/min."""

    heart_rate: Figure
    systolic: Figure
    diastolic: Figure
    lv_end_diastolic_pressure: Figure
    lv_pressure: Trace | None = None
    scar_segments: tuple[int, ...] = ()
    """AHA segments (1 to 17) that do not contract."""

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """The figures of a cleaned file. Raises the verdict that it holds instead of them."""
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if found := content.get("verdict"):
            raise KINDS[found["kind"]](found["code"], found["message"], found["stage"])
        return cls.model_validate(content)


def parse(text: str) -> Mapping[str, Any]:
    """The content of a clinical file. Raises Rejected where it is no JSON object or a key is mistyped."""
    try:
        content = json.loads(text)
    except ValueError:
        raise Rejected("clinical-file", "the clinical file is no JSON text; expected an object of figures") from None
    if not isinstance(content, dict):
        raise Rejected("clinical-file", f"the clinical file holds a {type(content).__name__}; expected an object")
    for key in content.keys() - set(KEYS):
        if near := difflib.get_close_matches(key, KEYS, 1, cutoff=0.8):
            raise Rejected("clinical-key", f"the clinical file has a key that is nearly {near[0]}; expected {near[0]}")
    return content


def clean(content: Mapping[str, Any], cycle: float, accuracy: ClinicalData, population: Calibration) -> Clinical:
    """Checked figures; what is not known is assumed from the population, the heart rate from the ``cycle`` (ms).

    Raises Rejected, naming the key, where a figure is not plausible. The message never quotes a text of the file.
    """
    known = {key: _figure(key, content[key]) for key in LIMITS if content.get(key) is not None}
    rate = known.get("heart_rate", 60e3 / cycle)
    systolic, diastolic = known.get("systolic"), known.get("diastolic")
    if systolic and diastolic and diastolic >= systolic:
        _reject("diastolic", f"{diastolic:g} mmHg", f"less than the systolic {systolic:g} mmHg")
    assumed = accuracy.assumed_systolic_sigma
    top = _pressure(systolic, accuracy.cuff_sigma, population.systolic_pressure, assumed)
    return Clinical(
        heart_rate=Figure(value=rate, sigma=accuracy.rate_sigma, source="measured"),
        systolic=top,
        diastolic=_pressure(diastolic, accuracy.cuff_sigma, DIASTOLIC_SHARE * top.value / KPA_PER_MMHG, assumed),
        lv_end_diastolic_pressure=_pressure(
            known.get("lv_end_diastolic_pressure"),
            accuracy.catheter_sigma,
            population.end_diastolic_pressure,
            accuracy.assumed_end_diastolic_sigma,
        ),
        lv_pressure=_trace(content.get("lv_pressure"), 60e3 / rate, accuracy.catheter_sigma),
        scar_segments=_segments(content.get("scar_segments") or []),
    )


def _reject(key: str, found: str, expected: str) -> None:
    raise Rejected("clinical-value", f"{key}: found {found}; expected {expected}") from None


def _figure(key: str, text: Any) -> float:
    unit, low, high = LIMITS[key]
    try:
        value = convert(text, unit)
    except ValueError:
        _reject(key, f"a {type(text).__name__} that is no quantity", f'a text such as "80 {unit}"')
    if not low <= value <= high:
        _reject(key, f"{value:g} {unit}", f"{low:g} to {high:g} {unit}")
    return value


def _pressure(measured: float | None, sigma: float, assumed: float, assumed_sigma: float) -> Figure:
    """A figure in kPa from figures in mmHg."""
    value, spread = (assumed, assumed_sigma) if measured is None else (measured, sigma)
    source: Source = "assumed" if measured is None else "measured"
    return Figure(value=value * KPA_PER_MMHG, sigma=spread * KPA_PER_MMHG, source=source)


def _trace(content: Any, cycle: float, sigma: float) -> Trace | None:
    if content is None:
        return None
    expected = 'an object of two lists of numbers, "time" in ms and "pressure" in mmHg'
    if not isinstance(content, Mapping):
        _reject("lv_pressure", f"a {type(content).__name__}", expected)
    times, pressures = (_numbers(f"lv_pressure.{key}", content.get(key)) for key in ("time", "pressure"))
    if len(times) != len(pressures) or len(times) < 2:
        _reject("lv_pressure", f"{len(times)} times and {len(pressures)} pressures", "as many, and at least 2")
    if any(b <= a for a, b in pairwise(times)) or times[0] < 0 or times[-1] > 1.2 * cycle:
        _reject(
            "lv_pressure.time", f"{times[0]:g} to {times[-1]:g} ms", f"rising times within a cycle of {cycle:.0f} ms"
        )
    if min(pressures) < TRACE_LIMITS[0] or max(pressures) > TRACE_LIMITS[1]:
        found = f"{min(pressures):g} to {max(pressures):g} mmHg"
        _reject("lv_pressure.pressure", found, f"{TRACE_LIMITS[0]:g} to {TRACE_LIMITS[1]:g} mmHg")
    sigma *= KPA_PER_MMHG / math.sqrt(_beats(content.get("beats", 1)))
    return Trace(time=times, pressure=tuple(p * KPA_PER_MMHG for p in pressures), sigma=sigma)


def _beats(content: Any) -> int:
    if type(content) is not int or not 1 <= content <= MOST_BEATS:
        found = f"{content}" if type(content) in (int, float) else f"a {type(content).__name__}"
        _reject("lv_pressure.beats", found, f"the number of beats in the mean, 1 to {MOST_BEATS}")
    return content


def _numbers(key: str, content: Any) -> tuple[float, ...]:
    is_list = isinstance(content, list)
    if not is_list or not all(type(item) in (int, float) and math.isfinite(item) for item in content):
        _reject(key, "something else", "a list of finite numbers")
    return tuple(map(float, content))


def _segments(content: Any) -> tuple[int, ...]:
    if not isinstance(content, list) or not all(type(item) is int and 1 <= item <= 17 for item in content):
        _reject("scar_segments", "something else", "a list of AHA segments from 1 to 17")
    return tuple(sorted(set(content)))
