"""From raw values to records: a number in the unit of the mapping, a moment on a common clock, a known source."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from . import ucum
from .content import Raw
from .mapping import Quantity

OTHER = "other"
_PARTIAL = re.compile(r"\d{4}(-\d{2})?")
_YEARS = range(1900, 2200)


@dataclass(frozen=True)
class Record:
    """One value. ``value`` is none where the file has no number that we can read."""

    name: str
    value: float | None
    unit: str
    moment: datetime | None = None
    hours: float = 0.0
    """For which it holds."""

    source: str = OTHER

    def at(self) -> datetime:
        """Its moment; the earliest there is where none is known."""
        return self.moment or datetime.min.replace(tzinfo=UTC)


def understand(raw: Raw, quantity: Quantity, clocks: Mapping[str, float]) -> tuple[Record, str]:
    """The record of a raw value, and the reason for which it cannot be used (empty where it can).

    ``clocks`` holds the known sources, and by how many seconds the clock of each is ahead.
    """
    source = known_source(raw.sources, clocks)
    value, moment, hours, reason = None, None, 0.0, raw.fault
    try:
        value = converted(raw.value, raw.unit, quantity)
        moment = instant(raw.time, clocks.get(source, 0.0))
        until = instant(raw.until, clocks.get(source, 0.0))
        hours = max((until - moment).total_seconds() / 3600, 0.0) if until and moment else 0.0
    except ValueError as fault:
        reason = reason or str(fault)
    return Record(raw.name, value, quantity.unit, moment, hours, source), reason


def known_source(named: Iterable[Any], clocks: Mapping[str, float]) -> str:
    """The first name that the configuration knows; any other may identify somebody and is not kept."""
    spelt = {name.casefold(): name for name in clocks}
    texts = (name.strip().casefold() for name in named if isinstance(name, str))
    return next((spelt[text] for text in texts if text in spelt), OTHER)


def converted(value: Any, unit: Any, quantity: Quantity) -> float:
    """A number in the quantity's unit. Raises ValueError, in words of ours, where there is none."""
    if not isinstance(unit, str):
        raise ValueError("it has no unit")
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    number = ucum.number(number, unit, quantity.unit, quantity.molar_mass)
    if not math.isfinite(number):
        raise ValueError("it is no number")
    return number


def instant(text: Any, ahead: float = 0.0) -> datetime | None:
    """The moment (UTC) of an ISO 8601 text on a clock that is ``ahead`` by these seconds; none where there is no text.

    A text without a zone counts as UTC, a day as its midnight; of a year or month alone no age can be told. Raises
    ValueError, in words of ours, where the text is no time.
    """
    if text is None or text == "" or (isinstance(text, str) and _PARTIAL.fullmatch(text)):
        return None
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError("its time is no ISO 8601 date") from None
    if found.year not in _YEARS:
        raise ValueError("its time is not between the years 1900 and 2199")
    moment = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    return moment - timedelta(seconds=ahead)
