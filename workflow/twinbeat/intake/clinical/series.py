"""Series of values: sorted, without duplicates, the impossible ones set aside with a reason, the nearest one found."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby

from .content import Raw
from .mapping import Quantity, Sustained, Table
from .records import Record, understand

Aside = tuple[Record, str]
"""A record that is not used, and why."""


def tidy(raws: Iterable[Raw], table: Table, clocks: Mapping[str, float]) -> tuple[list[Record], list[Aside]]:
    """The usable records in the order of names and times, and those that are set aside."""
    read = [understand(raw, table.quantities[raw.name], clocks) for raw in raws]
    aside = [(record, reason) for record, reason in read if reason]
    good = _distinct(record for record, reason in read if not reason)
    kept: list[Record] = []
    for name, group in groupby(good, lambda record: record.name):
        possible, impossible = _judged(list(group), table.quantities[name])
        kept += possible
        aside += impossible
    return kept, aside


def _distinct(records: Iterable[Record]) -> list[Record]:
    """Sorted, and of those with one name, time and value only the first, a known source before others."""
    order = sorted(records, key=lambda one: (one.name, one.at(), _digits(one), one.source == "other", one.source))
    same = groupby(order, lambda one: (one.name, one.moment, _digits(one)))
    return [next(group) for _, group in same]


def _digits(record: Record) -> float:
    """The value to nine digits: 1.2 mg/dL and its conversion are one value."""
    return float(f"{record.value:.9g}")


def _judged(records: list[Record], quantity: Quantity) -> tuple[list[Record], list[Aside]]:
    """The records of one quantity that can be, and those that cannot."""
    aside = [(one, reason) for one in records if (reason := _fault(one, quantity))]
    kept = [one for one in records if not _fault(one, quantity)]
    if quantity.sustained is None:
        return kept, aside
    lasting = _lasting(kept, quantity.sustained)
    out = {record for record, _ in lasting}
    return [one for one in kept if one not in out], aside + lasting


def _fault(record: Record, quantity: Quantity) -> str:
    """Why a record cannot be, seen by itself; empty where it can."""
    low, high = quantity.bounds
    if not low <= record.value <= high:
        unit = "" if record.unit == "1" else f" {record.unit}"
        return f"{record.value:g}{unit} is outside of {low:g} to {high:g}{unit}"
    return f"{record.value:g} is no whole number" if quantity.kind == "segment" and record.value % 1 else ""


def _lasting(records: list[Record], rule: Sustained) -> list[Aside]:
    """The records of all runs from the rule's value on that last too long to be."""
    found: list[Aside] = []
    for run in _runs(records, rule):
        hours = max(_hours(run[0], one) + one.hours for one in run)
        if hours >= rule.hours:
            reason = (
                f"{rule.start:g} {run[0].unit} or more for {hours:.0f} hours; expected less than {rule.hours:g} hours"
            )
            found += [(one, reason) for one in run]
    return found


def _runs(records: list[Record], rule: Sustained) -> list[list[Record]]:
    """Records from the rule's value on, in a row and without a gap."""
    runs: list[list[Record]] = [[]]
    for one in records:
        if one.moment is None or one.value < rule.start:
            runs.append([])
        elif runs[-1] and _hours(runs[-1][-1], one) > rule.gap:
            runs.append([one])
        else:
            runs[-1].append(one)
    return [run for run in runs if run]


def _hours(first: Record, second: Record) -> float:
    return (second.at() - first.at()).total_seconds() / 3600


def nearest(records: Iterable[Record], name: str, examination: datetime | None) -> list[Record]:
    """The records of a quantity, that nearest to the examination first; those without a time come last."""
    own = [one for one in records if one.name == name]
    return own if examination is None else sorted(own, key=lambda one: _distance(one, examination))


def _distance(record: Record, examination: datetime) -> tuple[bool, float]:
    if record.moment is None:
        return True, 0.0
    return False, abs((examination - record.moment).total_seconds())


def uncrossed(records: list[Record], examination: datetime | None) -> tuple[list[Record], list[Aside]]:
    """Records without the nearest arterial pressures that contradict each other, and those pairs."""
    aside: list[Aside] = []
    for high, low in zip(*(nearest(records, name, examination) for name in ("systolic", "diastolic")), strict=False):
        if low.value < high.value:
            break
        reason = f"diastolic {low.value:g} mm[Hg]; expected less than the systolic {high.value:g} mm[Hg]"
        aside += [(high, reason), (low, reason)]
    out = {record for record, _ in aside}
    return [one for one in records if one not in out], aside
