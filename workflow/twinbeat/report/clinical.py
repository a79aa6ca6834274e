"""What the report says of the clinical data: what the twin used, what else is known, and what was set aside."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from ..intake.clinical import Clinical, SetAside, Value
from ..intake.clinical.figures import AGE_UNKNOWN
from ..intake.clinical.mapping import load
from ..page import number
from ..units import KPA_PER_MMHG

FIGURES = {
    "heart_rate": ("beat/min", 1.0),
    "systolic": ("mmHg", KPA_PER_MMHG),
    "diastolic": ("mmHg", KPA_PER_MMHG),
    "lv_end_diastolic_pressure": ("mmHg", KPA_PER_MMHG),
}
"""Figures of the twin: the unit of the clinic, and how many of ours it is."""

EXAMINATION = {
    "imaging study": "the imaging study of the clinical file",
    "examination row": "the examination that the clinical file names",
    "latest value": "the latest clinical value, because nothing tells when the examination was",
}
TRACE = "LV pressure over time"
Row = dict[str, Any]


def section(clinical: Clinical | None, used: Sequence[str] = ()) -> Row | None:
    """All that the page shows of the clinical data; None where there are none. ``used``: what this twin used beside
    ``FIGURES``."""
    if clinical is None:
        return None
    return {
        "figures": _figures(clinical),
        "used": [_other(value) for value in clinical.values if value.name in used],
        "others": [_other(value) for value in clinical.values if value.name not in (*FIGURES, *used)],
        "events": [{"words": one.words, "kind": one.kind, "age": _age(one.age_days)} for one in clinical.events],
        "set_aside": _set_aside(clinical),
        "old": _old(clinical, used),
        "ages_from": EXAMINATION[clinical.ages_from] if clinical.ages_from else None,
        "mapping": clinical.mapping,
        "scar": clinical.scar_segments,
        "pressures_measured": _pressures_measured(clinical),
    }


def _figures(clinical: Clinical) -> list[Row]:
    """What the twin used, in the units of the clinic."""
    known = {value.name: value for value in clinical.values}
    rows = [_figure(clinical, name, known.get(name)) for name in FIGURES]
    if trace := clinical.lv_pressure:
        row = {"name": TRACE, "value": f"{len(trace.time)} points", "sigma": number(trace.sigma / KPA_PER_MMHG, 1)}
        given = {"source": trace.taken_by, "age": _age(trace.age_days), "flags": ", ".join(trace.flags)}
        rows.append({**row, "unit": "mmHg", "known": trace.source, **given})
    return rows


def _figure(clinical: Clinical, name: str, value: Value | None) -> Row:
    figure, (unit, scale) = getattr(clinical, name), FIGURES[name]
    row = {"name": _words(name), "value": number(figure.value / scale, 0), "sigma": number(figure.sigma / scale, 0)}
    if value is not None:
        given = {"source": value.source, "age": _age(value.age_days), "flags": ", ".join(value.flags)}
    else:
        given = {"source": "image" if name == "heart_rate" else "population", "age": "", "flags": ""}
    return {**row, "unit": unit, "known": figure.source, **given}


def _other(value: Value) -> Row:
    kept = {"name": _words(value.name), "value": f"{value.value:.4g}", "unit": value.unit, "source": value.source}
    return {**kept, "age": _age(value.age_days), "flags": ", ".join(value.flags)}


def _set_aside(clinical: Clinical) -> list[Row]:
    """Values of one quantity and source that were set aside for one reason, in one row."""

    def alike(one: SetAside) -> tuple[str, str, str]:
        return one.name, one.reason, one.source

    groups = groupby(sorted(clinical.set_aside, key=alike), alike)
    return [_group(name, reason, source, list(group)) for (name, reason, source), group in groups]


def _group(name: str, reason: str, source: str, group: list[SetAside]) -> Row:
    values = [one.value for one in group if one.value is not None]
    ages = [one.age_days for one in group if one.age_days is not None]
    return {
        "name": _words(name),
        "count": len(group),
        "span": _span([f"{value:g}" for value in (min(values), max(values))]) if values else "",
        "reason": reason,
        "source": source,
        "age": _span([_age(age) for age in (min(ages), max(ages))]) if ages else "not known",
    }


def _span(ends: list[str]) -> str:
    return " to ".join(dict.fromkeys(ends))


def _words(name: str) -> str:
    """What people call a quantity; medication and outcome are no quantities and are called so."""
    quantity = load().quantities.get(name)
    return quantity.words if quantity else name.capitalize()


def _age(days: float | None) -> str:
    return "not known" if days is None else number(days, 1)


def _old(clinical: Clinical, used: Sequence[str]) -> list[str]:
    """What the twin used of data that are too old, in words."""
    known = [(_words(value.name), value.flags) for value in clinical.values if value.name in (*FIGURES, *used)]
    if trace := clinical.lv_pressure:
        known.append((TRACE, trace.flags))
    return [f"{words} ({flag})" for words, flags in known for flag in flags if flag != AGE_UNKNOWN]


def _pressures_measured(clinical: Clinical) -> bool:
    """Whether both pressures that the parameters hang on were measured."""
    systole = clinical.lv_pressure or clinical.systolic
    return {systole.source, clinical.lv_end_diastolic_pressure.source} == {"measured"}
