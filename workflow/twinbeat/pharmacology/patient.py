"""What a patient's drugs do over their course: concentrations, and the action potential that belongs to them."""

import logging
from collections.abc import Mapping
from dataclasses import fields

import numpy as np
import xarray as xr

from ..parameters import Medication, Pharmacology
from ..verdicts import Quarantined
from . import kinetics
from .action_potential import Array, Beat, control, pace
from .block import Exposure, variation
from .drugs import KNOWN, Binding, Drug, hills

SAMPLES = 600
"""Of a concentration over the course."""
log = logging.getLogger("twinbeat")


def simulate(image: xr.Dataset, parameters: Pharmacology) -> xr.Dataset:
    """The course of the drugs in a patient's plasma, and a cell at the patient's heart rate at moments of it.

    The cell, endocardial, is paced without drugs and then from there at the concentrations of each moment, held, since
    they change slowly beside 1000 beats. Returns the variables of ``drug``.
    Raises Quarantined("not-repolarised") where the cell does not repolarise even without drugs.
    """
    medications = parameters.drugs
    curves = concentrations(medications, np.linspace(0, course_end(medications), SAMPLES + 1))
    chosen = moments(curves.free, parameters.moments)
    drugs = [drug(name, one) for name, one in medications.items()]
    exposures: list[list[Exposure]] = [list(zip(drugs, curves.free[:, k], strict=True)) for k in chosen]
    cycle = float(round(float(image["cycle"])))
    baseline = control(cycle, parameters.beats)
    if not baseline.repolarised().all():
        raise Quarantined("not-repolarised", f"a cell without drugs does not repolarise within {cycle:g} ms")
    log.info("pharmacology: %d moments, %d beats of %g ms each", len(chosen), parameters.beats, cycle)
    beat = pace(np.repeat(baseline.states, len(chosen), axis=1), variation(exposures), cycle, parameters.beats)
    return result(curves, chosen, baseline, beat, cycle)


def concentrations(medications: Mapping[str, Medication], times: Array) -> kinetics.Curves:
    """Of the drugs of a study at sorted ``times`` (time,) in h."""
    bodies = {name: _kinetics(one) for name, one in medications.items()}
    return kinetics.simulate(bodies, {name: _course(one) for name, one in medications.items()}, times)


def drug(name: str, one: Medication) -> Drug:
    """What a drug does to channels: as the study says, else as is known of it."""
    if one.block is None:
        return KNOWN[name]
    return Drug(name, 0.0, hills(one.block), Binding(**one.binding.model_dump()) if one.binding else None)


def course_end(medications: Mapping[str, Medication]) -> float:
    """One interval after the last dose, in h."""
    return max(one.start + one.number * one.interval for one in medications.values())


def moments(free: Array, number: int) -> list[int]:
    """Samples, evenly spaced, and those at which a drug (drug, sample) has its peak."""
    even = np.linspace(0, free.shape[1] - 1, number).round().astype(int)
    return sorted({*even.tolist(), *free.argmax(axis=1).tolist()})


def peaks(medications: Mapping[str, Medication]) -> dict[str, float]:
    """The largest free concentration of each drug in nM, at its own time; at a dose it is already in."""
    doses = np.concatenate([_course(one).events() for one in medications.values()])
    end = course_end(medications)
    curves = concentrations(medications, np.union1d(np.linspace(0, end, SAMPLES + 1), doses[doses <= end]))
    return dict(zip(curves.drugs, curves.free.max(axis=1).tolist(), strict=True))


def _course(one: Medication) -> kinetics.Course:
    return kinetics.Course(one.route, one.dose, one.number, one.interval, one.start, one.infusion)


def _kinetics(one: Medication) -> kinetics.Kinetics:
    return kinetics.Kinetics(**{field.name: getattr(one, field.name) for field in fields(kinetics.Kinetics)})


def result(curves: kinetics.Curves, chosen: list[int], baseline: Beat, beat: Beat, cycle: float) -> xr.Dataset:
    """The variables of ``drug``."""
    return xr.Dataset(
        {
            "concentration": (("drug", "hour"), curves.free),
            "duration": (("moment",), beat.duration()),
            "charge": (("moment",), beat.charge),
            "repolarised": (("moment",), beat.repolarised()),
            "voltage": (("moment", "after_stimulus"), beat.voltage.T.astype(np.float32)),
            "baseline_duration": ((), float(baseline.duration()[0])),
            "baseline_charge": ((), float(baseline.charge[0])),
            "baseline_voltage": (("after_stimulus",), baseline.voltage[:, 0].astype(np.float32)),
            "cycle": ((), cycle),
        },
        coords={
            "drug": list(curves.drugs),
            "hour": curves.times,
            "moment": curves.times[chosen],
            "after_stimulus": beat.times,
        },
    )
