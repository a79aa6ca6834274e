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
from .drugs import KNOWN, Binding, Drug, Hill

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
    curves = kinetics.simulate(
        {name: _kinetics(one) for name, one in medications.items()},
        {name: _course(one) for name, one in medications.items()},
        np.linspace(0, course_end(medications), SAMPLES + 1),
    )
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


def unknown(medications: Mapping[str, Medication]) -> list[str]:
    """Names of drugs that are neither known nor described."""
    return [name for name, one in medications.items() if one.block is None and name not in KNOWN]


def drug(name: str, one: Medication) -> Drug:
    """What a drug does to channels: as the study says, else as is known of it."""
    if one.block is None:
        return KNOWN[name]
    block = {channel: Hill(hill.ic50, hill.h) for channel, hill in one.block.items()}
    return Drug(name, 0.0, block, Binding(**one.binding.model_dump()) if one.binding else None)


def course_end(medications: Mapping[str, Medication]) -> float:
    """One interval after the last dose, in h."""
    return max(one.start + one.number * one.interval for one in medications.values())


def moments(free: Array, number: int) -> list[int]:
    """Samples, evenly spaced, and those at which a drug (drug, sample) has its peak."""
    even = np.linspace(0, free.shape[1] - 1, number).round().astype(int)
    return sorted({*even.tolist(), *free.argmax(axis=1).tolist()})


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
