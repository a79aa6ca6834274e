"""The short clinical file: the figures of a catheter laboratory.

    {"heart_rate": "70 beat/min", "systolic": "118 mmHg", "diastolic": "76 mmHg",
     "lv_end_diastolic_pressure": "11 mmHg", "qrs_duration": "96 ms",
     "lv_pressure": {"time": [0, 40, ...], "pressure": [11, 35, ...], "beats": 10},
     "scar_segments": [7, 13]}

Every key is optional; times are ms after the R wave, pressures of the trace mmHg, and ``beats`` as many as the trace is
the mean of (1 where it does not say). Any other key is left out, because it may hold an identifier; one that is nearly
a known key is a typing error. There are no times of day, so that the ages of these figures are not known.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from ...units import convert
from ...verdicts import Rejected
from . import mapping
from .content import Content, Raw, RawTrace

UNITS = {
    "heart_rate": "beat/min",
    "systolic": "mmHg",
    "diastolic": "mmHg",
    "lv_end_diastolic_pressure": "mmHg",
    "qrs_duration": "ms",
}
KEYS = (*UNITS, "lv_pressure", "scar_segments")


def parse(content: Mapping[str, Any]) -> Content:
    """The content of a short clinical file. Raises Rejected where a key is mistyped or a figure has no unit."""
    refuse_typing_errors(content, KEYS)
    values = [_figure(key, content[key]) for key in UNITS if content.get(key) is not None]
    segments = _segments(content.get("scar_segments") or [])
    trace = content.get("lv_pressure")
    return Content((*values, *segments), traces=() if trace is None else (RawTrace(trace),))


def refuse_typing_errors(found: Iterable[str], known: Iterable[str]) -> None:
    """Raises Rejected where a name is not known but nearly so; the name itself is not quoted."""
    known = list(known)
    for key in set(found) - set(known):
        if near := difflib.get_close_matches(key, known, 1, cutoff=0.8):
            raise Rejected("clinical-key", f"the clinical file has a key that is nearly {near[0]}; expected {near[0]}")


def _figure(key: str, text: Any) -> Raw:
    unit = UNITS[key]
    try:
        value = convert(text, unit)
    except ValueError:
        found = f"a {type(text).__name__} that is no quantity"
        raise Rejected("clinical-value", f'{key}: found {found}; expected a text such as "80 {unit}"') from None
    return Raw(key, value, mapping.load().quantities[key].unit)


def _segments(content: Any) -> list[Raw]:
    if not isinstance(content, list):
        raise Rejected("clinical-value", "scar_segments: found something else; expected a list of AHA segments")
    return [Raw("scar_segment", number, "1") for number in content]
