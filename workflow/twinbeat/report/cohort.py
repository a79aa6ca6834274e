"""The cohort: one row per patient, whatever became of it, as a store and as a page."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..page import number, render
from ..variables import VARIABLES
from ..verdicts import KINDS, PatientStopped
from .patient import OVERLAP, recovery_rows

log = logging.getLogger("twinbeat")
STATUS = ("done", *KINDS)
QUANTITIES = tuple(name for name, row in VARIABLES["assessment"].items() if not row.dims)
PLACES = {
    "ejection_fraction": ("Ejection fraction", "%", 1),
    "end_diastolic_volume": ("End-diastolic volume", "mL", 0),
    "myocardial_mass": ("Mass", "g", 0),
    "stiffness": ("Stiffness C", "kPa", 2),
    "peak_tension": ("Peak tension", "kPa", 0),
    "residual": ("Residual", "s.d.", 1),
}
"""Quantities in which the page shows each patient's place: words, unit, digits."""

Found = Mapping[str, xr.Dataset | PatientStopped]
Array = NDArray[np.float64]


def summarise(found: Found, groups: Mapping[str, str]) -> xr.Dataset:
    """Dataset ``cohort`` from the assessment, or the verdict, of every patient."""
    log.info("cohort: %d patients", len(found))
    patients = list(found)
    stops = [one if isinstance(one, PatientStopped) else None for one in found.values()]
    data = {
        "status": ("patient", np.array([STATUS.index(stop.kind) if stop else 0 for stop in stops])),
        "group": ("patient", _texts(groups[patient] for patient in patients)),
        "code": ("patient", _texts(stop.code if stop else "" for stop in stops)),
        "stage": ("patient", _texts(stop.stage if stop else "" for stop in stops)),
        "message": ("patient", _texts(stop.message if stop else "" for stop in stops)),
        **_values(found),
    }
    return xr.Dataset(data, coords={"patient": _texts(patients), "quantity": _texts(QUANTITIES)})


def failures(cohort: xr.Dataset) -> list[str]:
    """One line for each patient that is not done."""
    columns = (cohort[name].values.tolist() for name in ("patient", "status", "stage", "code", "message"))
    return [
        f"{patient}: {STATUS[status]} at {stage}: {code}: {message}"
        for patient, status, stage, code, message in zip(*columns, strict=True)
        if status
    ]


def cohort_page(study: str, cohort: xr.Dataset, found: Found) -> str:
    """The HTML page of the cohort."""
    return render(
        "cohort.html",
        study=study,
        counts={kind: int((cohort.status == index).sum()) for index, kind in enumerate(STATUS)},
        columns=[{"name": words, "unit": unit} for words, unit, _ in PLACES.values()],
        patients=_patients(cohort, found),
        scatter=_scatter(cohort),
        loops=_loops(found),
        recovered=_recovered(found),
    )


def _texts(texts: Iterable[str]) -> NDArray[np.str_]:
    return np.array(list(texts), dtype=str)


def _values(found: Found) -> dict[str, tuple[tuple[str, str], Array]]:
    value, known = (np.zeros((len(found), len(QUANTITIES))) for _ in range(2))
    for row, one in enumerate(found.values()):
        for column, name in enumerate(QUANTITIES):
            if isinstance(one, xr.Dataset) and name in one:
                value[row, column], known[row, column] = float(one[name]), 1
    return {"value": (("patient", "quantity"), value), "known": (("patient", "quantity"), known.astype(np.uint8))}


def _patients(cohort: xr.Dataset, found: Found) -> list[dict[str, Any]]:
    """One row of the table per patient: its places among the others, or why it was stopped."""
    places = zip(*(_places(cohort, quantity) for quantity in PLACES), strict=True)
    rows = zip(cohort.patient.values.tolist(), cohort.group.values.tolist(), found.values(), places, strict=True)
    return [
        {"name": name, "group": group, "status": one.kind, "reason": f"{one.code} at {one.stage}: {one.message}"}
        if isinstance(one, PatientStopped)
        else {"name": name, "group": group, "status": "done", "places": places}
        for name, group, one, places in rows
    ]


def _places(cohort: xr.Dataset, quantity: str) -> list[dict[str, Any]]:
    """Of each patient, the value, and where it lies from smallest (0) to largest (1) among those that have it."""
    values, ordered = cohort.value.sel(quantity=quantity).values, np.sort(_known(cohort, quantity))
    if not len(ordered):
        return [{} for _ in values]
    low, span, digits = ordered[0], np.ptp(ordered) or 1.0, PLACES[quantity][2]
    quartiles = ((np.percentile(ordered, (25, 50, 75)) - low) / span).tolist()
    ranks = np.searchsorted(ordered, values) + 1
    return [
        {
            "value": number(value, digits),
            "at": (value - low) / span,
            "quartiles": quartiles,
            "rank": rank,
            "of": len(ordered),
        }
        for value, rank in zip(values.tolist(), ranks.tolist(), strict=True)
    ]


def _known(cohort: xr.Dataset, quantity: str) -> Array:
    at = cohort.sel(quantity=quantity)
    return at.value.values[at.known.values == 1]


def _scatter(cohort: xr.Dataset) -> dict[str, Any] | None:
    """Ejection fraction over stiffness of the patients that are done, as positions in a unit square and their ticks."""
    done = cohort.isel(patient=np.flatnonzero(cohort.status.values == 0))
    if not done.sizes["patient"]:
        return None
    x, y = (done.value.sel(quantity=name).values for name in ("stiffness", "ejection_fraction"))
    (left, right, xticks), (bottom, top, yticks) = _scale(x), _scale(y)
    points = [
        {
            "name": name,
            "x": (a - left) / (right - left),
            "y": (b - bottom) / (top - bottom),
            "stiffness": a,
            "fraction": b,
        }
        for name, a, b in zip(done.patient.values.tolist(), x, y, strict=True)
    ]
    return {
        "points": points,
        "xticks": [{"at": (tick - left) / (right - left), "value": tick} for tick in xticks],
        "yticks": [{"at": (tick - bottom) / (top - bottom), "value": tick} for tick in yticks],
    }


def _scale(values: Array) -> tuple[float, float, list[float]]:
    """Round limits around the values, and ticks at a step of 1, 2 or 5 times a power of ten."""
    span = np.ptp(values) or abs(values[0]) or 1.0
    raw = span / 4
    power = 10.0 ** np.floor(np.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw)
    low, high = np.floor(values.min() / step) * step, np.ceil(values.max() / step) * step
    high = high if high > low else low + step
    return low, high, [float(f"{tick:.6g}") for tick in np.arange(low, high + step / 2, step)]


def _loops(found: Found) -> dict[str, Any] | None:
    """Each patient's loop as points of an SVG path, all to the same scale of 0 to the largest volume and pressure."""
    done = {name: one for name, one in found.items() if isinstance(one, xr.Dataset)}
    if not done:
        return None
    volume, pressure = (
        max(float(one[name].max()) for one in done.values()) for name in ("loop_volume", "loop_pressure")
    )
    paths = {
        name: " ".join(
            f"{v / volume:.4f},{1 - p / pressure:.4f}"
            for v, p in zip(one.loop_volume.values, one.loop_pressure.values, strict=True)
        )
        for name, one in done.items()
    }
    return {"paths": paths, "volume": volume, "pressure": pressure}


def _recovered(found: Found) -> list[dict[str, Any]]:
    """Per patient with a planted truth: errors with tolerances, and the overlap of the labels."""
    with_truth = {name: one for name, one in found.items() if isinstance(one, xr.Dataset) and recovery_rows(one)}
    return [
        {"name": name, "errors": recovery_rows(one), "dice": [float(one[label]) for label in OVERLAP]}
        for name, one in with_truth.items()
    ]
