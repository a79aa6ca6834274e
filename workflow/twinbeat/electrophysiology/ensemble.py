"""Several sets of the cells' parameters on one mesh, stepped together.

Members lie side by side at each node, so that a row of the matrix is read once for all of them, and their table is one:
what varies are factors of the model's equations that the table leaves out (``ionic.generator``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .. import ionic
from ..device.gpu import Machine
from . import accelerated
from .assembly import Array, Discretisation
from .monodomain import Monodomain
from .mosaic import Patch
from .propagation import Stimulus, Wave, propagate


@dataclass(frozen=True)
class Members:
    """The cells of all members at ``nodes`` nodes: the model ``name``, and ``varied`` parameters (member,) by name."""

    name: str
    varied: Mapping[str, Array]
    nodes: int

    @cached_property
    def model(self) -> ionic.CellModel:
        """The model, in which these parameters are each cell's own."""
        return ionic.load(self.name, tuple(self.varied))

    @cached_property
    def variation(self) -> Array:
        """Varied parameters (parameter, member)."""
        return np.array([np.asarray(values, float) for values in self.varied.values()])

    @property
    def count(self) -> int:
        """How many members there are."""
        return self.variation.shape[1]

    @property
    def voltage(self) -> int:
        """Row of the transmembrane potential in the states."""
        return self.model.voltage

    def initial(self, cells: int) -> Array:
        """Initial states (state, cell)."""
        return self.model.initial(cells)

    def values(self) -> Array:
        """What all members have, without the model's own stimulus."""
        return self.model.unpaced()

    def advance(self, states: Array, parameters: Array, time: float, step: float) -> None:
        """One step of the cells (state, node * members + member)."""
        self.model.advance(states, parameters, time, step, 1, self._each)

    @cached_property
    def _each(self) -> Array:
        return np.tile(self.variation, self.nodes)


def waves(
    tissue: Discretisation,
    members: Members,
    time_step: float,
    source: Stimulus,
    duration: float,
    interval: float = np.inf,
    repolarised: bool = False,
    machine: Machine | None = None,
) -> list[Wave]:
    """The wave of each member, as of ``propagate``, on a machine or on the CPU; they end when the last one has come."""
    count, whole = members.count, members.nodes * members.count
    if machine:
        patch = Patch(members.model, members.values(), np.arange(members.nodes))
        plan = accelerated.plan(tissue, [patch], time_step, source, members.variation)
        watched = np.ones(whole, bool)
        wave = accelerated.conduct(machine, plan, 0.0, duration, interval, watched, repolarised)
    else:
        each = replace(source, start=np.repeat(source.start, count))
        medium = Monodomain(tissue, members, members.values(), time_step, each, members=count)
        wave = propagate(medium, duration, interval, repolarised=repolarised)
    return [_of_member(wave, member, count) for member in range(count)]


def _of_member(wave: Wave, member: int, count: int) -> Wave:
    here = slice(member, None, count)
    return Wave(wave.activation[here], wave.repolarisation[here], wave.times, wave.voltage[:, here], wave.seen)
