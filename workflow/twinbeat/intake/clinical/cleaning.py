"""Cleaned clinical data from what a file holds; what is not known is assumed from the population."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ...parameters import Calibration, ClinicalData
from ...units import KPA_PER_MMHG
from ...verdicts import Rejected
from . import mapping, series, trace
from .content import Content, RawEvent, RawTrace
from .figures import AGE_UNKNOWN, AgesFrom, Clinical, Event, Figure, SetAside, Source, Trace, Value
from .mapping import Table
from .records import Record, instant, known_source

DIASTOLIC_SHARE = 2 / 3  # 80 of 120 mmHg
SECONDS_PER_DAY = 86400


@dataclass(frozen=True)
class _Ages:
    """When the examination was, how we know, and from which age on data are old (days)."""

    examination: datetime | None
    known_from: AgesFrom | None
    oldest: float

    def days(self, moment: datetime | None) -> float | None:
        """Days from this moment to the examination, to a tenth; none where either is not known."""
        if moment is None or self.examination is None:
            return None
        return round((self.examination - moment).total_seconds() / SECONDS_PER_DAY, 1) + 0.0

    def flags(self, age: float | None) -> tuple[str, ...]:
        """What the report has to say of an age."""
        if age is None:
            return (AGE_UNKNOWN,)
        return (f"more than {self.oldest:g} days from the examination",) if abs(age) > self.oldest else ()


def clean(content: Content, cycle: float, accuracy: ClinicalData, population: Calibration) -> Clinical:
    """Checked data; what is not known is assumed from the population, the heart rate from the ``cycle`` (ms).

    Raises Rejected, naming the quantity, where the trace of pressures is not plausible, and where a value is not and
    the configuration wants it so. No message quotes a text of the file.
    """
    table = mapping.load()
    records, aside = series.tidy(content.values, table, accuracy.clocks)
    ages = _ages(content, records, accuracy.oldest)
    records, crossed = series.uncrossed(records, ages.examination)
    aside = [_aside(record, reason, ages) for record, reason in [*aside, *crossed]]
    if aside and accuracy.implausible == "reject":
        raise Rejected("clinical-value", f"{aside[0].name}: {aside[0].reason}")
    values = _values(records, table, ages)
    events, unknown = _events(content.events, table, ages)
    figures = _figures({value.name: value.value for value in values}, cycle, accuracy, population)
    return Clinical(
        **figures,
        lv_pressure=_trace(content.traces, 60e3 / figures["heart_rate"].value, accuracy, ages),
        scar_segments=tuple(sorted({int(one.value) for one in records if one.name == "scar_segment"})),
        values=values,
        events=events,
        set_aside=(*aside, *unknown),
        ages_from=ages.known_from,
        mapping=table.version,
    )


def _ages(content: Content, records: list[Record], oldest: float) -> _Ages:
    """Ages from the examination that the file tells of, else from its latest value."""
    try:
        told = instant(content.examination)
    except ValueError as fault:
        raise Rejected(
            "clinical-examination", f"the time of the examination: {fault}; expected such as 2020-01-31"
        ) from None
    if told is not None:
        return _Ages(told, content.ages_from, oldest)
    latest = max((one.moment for one in records if one.moment), default=None)
    return _Ages(latest, "latest value" if latest else None, oldest)


def _aside(record: Record, reason: str, ages: _Ages) -> SetAside:
    age = ages.days(record.moment)
    kept = {"name": record.name, "value": record.value, "unit": record.unit, "source": record.source}
    return SetAside(**kept, reason=reason, age_days=age)


def _values(records: list[Record], table: Table, ages: _Ages) -> tuple[Value, ...]:
    """The nearest value of each quantity; segments are many and stand for themselves."""
    wanted = [name for name, quantity in table.quantities.items() if quantity.kind != "segment"]
    found = [series.nearest(records, name, ages.examination) for name in wanted]
    return tuple(_value(own, ages) for own in found if own)


def _value(own: list[Record], ages: _Ages) -> Value:
    """The first of the records of a quantity."""
    record, age = own[0], ages.days(own[0].moment)
    return Value(
        name=record.name,
        value=record.value,
        unit=record.unit,
        source=record.source,
        age_days=age,
        measurements=len(own),
        flags=ages.flags(age),
    )


def _events(raws: Iterable[RawEvent], table: Table, ages: _Ages) -> tuple[tuple[Event, ...], tuple[SetAside, ...]]:
    """Events in words of the mapping, each once, and one entry for each that it does not know."""
    found: set[Event] = set()
    unknown: list[SetAside] = []
    for raw in raws:
        try:
            age = ages.days(instant(raw.time))
        except ValueError as fault:
            unknown.append(SetAside(name=raw.kind, reason=str(fault), source="other"))
            continue
        if (known := table.event(raw.kind, raw.codes)) is None:
            reason = "its code is not in the mapping"
            unknown.append(SetAside(name=raw.kind, reason=reason, source="other", age_days=age))
        else:
            found.add(Event(kind=raw.kind, code=known[0], words=known[1], age_days=age))
    order = sorted(found, key=lambda event: (event.kind, event.code, event.age_days or 0.0, event.age_days is None))
    return tuple(order), tuple(unknown)


def _figures(
    known: dict[str, float], cycle: float, accuracy: ClinicalData, population: Calibration
) -> dict[str, Figure]:
    """The four figures of the twin from what is known of them (1/min, mmHg)."""
    assumed = accuracy.assumed_systolic_sigma
    top = _pressure(known.get("systolic"), accuracy.cuff_sigma, population.systolic_pressure, assumed)
    two_thirds = DIASTOLIC_SHARE * top.value / KPA_PER_MMHG
    rate = known.get("heart_rate", 60e3 / cycle)
    return {
        "heart_rate": Figure(value=rate, sigma=accuracy.rate_sigma, source="measured"),
        "systolic": top,
        "diastolic": _pressure(known.get("diastolic"), accuracy.cuff_sigma, two_thirds, assumed),
        "lv_end_diastolic_pressure": _pressure(
            known.get("lv_end_diastolic_pressure"),
            accuracy.catheter_sigma,
            population.end_diastolic_pressure,
            accuracy.assumed_end_diastolic_sigma,
        ),
    }


def _pressure(measured: float | None, sigma: float, assumed: float, assumed_sigma: float) -> Figure:
    """A figure in kPa from figures in mmHg."""
    value, spread = (assumed, assumed_sigma) if measured is None else (measured, sigma)
    source: Source = "assumed" if measured is None else "measured"
    return Figure(value=value * KPA_PER_MMHG, sigma=spread * KPA_PER_MMHG, source=source)


def _trace(traces: Iterable[RawTrace], cycle: float, accuracy: ClinicalData, ages: _Ages) -> Trace | None:
    """The trace nearest to the examination; one without a time counts only where it is alone."""
    read = [_one_trace(raw, cycle, accuracy, ages) for raw in traces]
    return min(read, key=lambda one: (one.age_days is None, abs(one.age_days or 0.0)), default=None)


def _one_trace(raw: RawTrace, cycle: float, accuracy: ClinicalData, ages: _Ages) -> Trace:
    source = known_source(raw.sources, accuracy.clocks)
    try:
        age = ages.days(instant(raw.time, accuracy.clocks.get(source, 0.0)))
    except ValueError as fault:
        raise Rejected("clinical-value", f"lv_pressure: {fault}") from None
    described = {"taken_by": source, "age_days": age, "flags": ages.flags(age)}
    return trace.read(raw.content, cycle, accuracy.catheter_sigma).model_copy(update=described)
