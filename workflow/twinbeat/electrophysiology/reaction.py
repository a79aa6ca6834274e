"""The beat of a heart whose activation is that of the eikonal equation: each cell runs alone from its time on.

The voltage of a point is the course of a single cell of its kind, moved to its activation (the reaction-eikonal model
of Neic et al. 2017, doi 10.1016/j.jcp.2017.06.020, without its diffusion): neighbours do not even out durations.
"""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from ..parameters import Electrophysiology
from .assembly import Array, Discretisation, Index, conductivity
from .eikonal import arrivals
from .electrocardiogram import lead_field
from .monodomain import Monodomain
from .mosaic import Patch, composed
from .propagation import SAMPLING, TAIL, Stimulus, Wave, propagate
from .sites import stimulus
from .substrate import Substrate, along, axes, patches
from .velocity import Directions

LONGEST = 1500.0  # ms of an action potential that is waited for


@dataclass(frozen=True)
class Courses:
    """Action potentials of single cells of some kinds, after a stimulus like those of the tissue: ``voltage`` (kind,
    step) in mV, ``step`` ms apart, ``activation`` and ``duration`` (kind,) in ms."""

    voltage: Array
    step: float
    activation: Array
    duration: Array

    def at(self, kind: Index, since: Array) -> Array:
        """Voltage (point,) in mV of cells of a kind (point,) at times ``since`` their activation (point,) in ms."""
        place = np.clip((since + self.activation[kind]) / self.step, 0, self.voltage.shape[1] - 1.001)
        low = place.astype(np.int64)
        before, after = self.voltage[kind, low], self.voltage[kind, low + 1]
        return before + (place - low) * (after - before)


def courses(kinds: list[Patch], parameters: Electrophysiology) -> Courses:
    """Those of the cells of some patches, up to the last repolarisation and TAIL after it."""
    alone = Discretisation(csr_array((len(kinds), len(kinds))), np.ones(len(kinds)))
    cells = composed([Patch(one.cell, one.parameters, np.array([index])) for index, one in enumerate(kinds)])
    source = Stimulus(np.zeros(len(kinds)), parameters.stimulus, parameters.stimulus_duration)
    medium = Monodomain(alone, *cells, parameters.time_step, source)
    wave = propagate(medium, LONGEST, parameters.time_step, repolarised=True, leads=np.copy)
    duration = wave.repolarisation - wave.activation
    return Courses(wave.voltage.T, parameters.time_step, wave.activation, duration)


def conduct(heart: Substrate, parameters: Electrophysiology, of_kind: list[Directions]) -> Wave:
    """The wave in the muscle with these velocities (mm/ms) of healthy muscle and its border zone."""
    kinds = patches(heart.muscle, heart.kind, parameters)
    kind = np.empty(heart.muscle.sizes["point"], dtype=np.int64)
    for index, one in enumerate(kinds):
        kind[one.nodes] = index
    whole = parameters.until == "repolarisation"
    course = courses(kinds, parameters)
    start = stimulus(heart.muscle, parameters).start + course.activation[kind]
    metric = conductivity(axes(heart.muscle), along(heart.muscle, heart.kind, of_kind) ** -2)
    times = arrivals(heart.muscle["points"].values, heart.muscle["cells"].values, metric, start)
    end = times + course.duration[kind] if whole else times
    reached = min(float(end.max()), parameters.duration)
    shown = np.arange(0.0, reached, parameters.snapshot)
    sampled = np.arange(0.0, min(reached + TAIL, parameters.duration), SAMPLING) if whole else np.empty(0)
    field = lead_field(heart, parameters) if whole else None
    return Wave(
        np.where(times < parameters.duration, times, np.inf),
        np.where(end < parameters.duration, end, np.inf),
        shown,
        np.array([course.at(kind, time - times) for time in shown]),
        np.array([field @ course.at(kind, time - times) for time in sampled]),
    )
