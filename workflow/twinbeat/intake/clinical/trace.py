"""The LV pressure over time, checked."""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NoReturn

from ...units import KPA_PER_MMHG
from ...verdicts import Rejected
from .figures import Trace

LIMITS = (-20.0, 350.0)
"""mmHg."""

MOST_BEATS = 1000


def read(content: Any, cycle: float, sigma: float) -> Trace:
    """A trace in kPa from one in mmHg; ``sigma`` (mmHg) is that of one beat, ``cycle`` in ms.

    Raises Rejected, naming the key, where it is not plausible.
    """
    if not isinstance(content, Mapping):
        expected = 'an object of two lists of numbers, "time" in ms and "pressure" in mmHg'
        _reject("lv_pressure", f"a {type(content).__name__}", expected)
    times, pressures = (_numbers(f"lv_pressure.{key}", content.get(key)) for key in ("time", "pressure"))
    if len(times) != len(pressures) or len(times) < 2:
        _reject("lv_pressure", f"{len(times)} times and {len(pressures)} pressures", "as many, and at least 2")
    if any(b <= a for a, b in pairwise(times)) or times[0] < 0 or times[-1] > 1.2 * cycle:
        found = f"{times[0]:g} to {times[-1]:g} ms"
        _reject("lv_pressure.time", found, f"rising times within a cycle of {cycle:.0f} ms")
    if min(pressures) < LIMITS[0] or max(pressures) > LIMITS[1]:
        found = f"{min(pressures):g} to {max(pressures):g} mmHg"
        _reject("lv_pressure.pressure", found, f"{LIMITS[0]:g} to {LIMITS[1]:g} mmHg")
    sigma *= KPA_PER_MMHG / math.sqrt(_beats(content.get("beats", 1)))
    return Trace(time=times, pressure=tuple(p * KPA_PER_MMHG for p in pressures), sigma=sigma)


def _reject(key: str, found: str, expected: str) -> NoReturn:
    raise Rejected("clinical-value", f"{key}: found {found}; expected {expected}")


def _beats(content: Any) -> int:
    if type(content) is not int or not 1 <= content <= MOST_BEATS:
        found = f"{content}" if type(content) in (int, float) else f"a {type(content).__name__}"
        _reject("lv_pressure.beats", found, f"the number of beats in the mean, 1 to {MOST_BEATS}")
    return content


def _numbers(key: str, content: Any) -> tuple[float, ...]:
    try:
        if isinstance(content, list) and all(type(item) in (int, float) and math.isfinite(item) for item in content):
            return tuple(map(float, content))
    except OverflowError:  # an integer beyond all floats
        pass
    _reject(key, "something else", "a list of finite numbers")
