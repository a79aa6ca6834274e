"""Calcium of cells whose membranes are stretched as the muscle about them is."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..contraction import INTACT, Land, transient
from ..contraction.calcium import row_of_calcium
from ..electrophysiology import Motion
from ..electrophysiology.motion import between, stretch
from ..parameters import Electrophysiology
from .kinds import paced

Array = NDArray[np.float64]
SOON = 30.0  # ms after a stimulus, within which a cell fires
BEATS = 3  # of the cells after each beat of the heart; they go on where they were


class Stretched:
    """Cells of an anatomy, one for each of its elements, that beat at a ``cycle`` in ms with channels that open with
    stretch; steady without them at first. They are alone: neighbours do not even out what becomes of them."""

    def __init__(
        self,
        anatomy: xr.Dataset,
        kind: NDArray[np.int64],
        parameters: Electrophysiology,
        cycle: float,
        law: Land = INTACT,
        held: float = 1.0,
    ) -> None:
        """``kind`` (cell,) tells which of the study's cells each is, from the endocardium on; the troponin of a ``law``
        that has any is ``held`` at a stretch."""
        self.settings = parameters.feedback
        self._fiber, self._corners = anatomy["fiber"].values, anatomy["cells"].values
        which = [(name, np.flatnonzero(kind == k)) for k, name in enumerate(parameters.kinds)]
        self._groups = [
            (cells, Group(name, len(cells), parameters, cycle, law, held)) for name, cells in which if len(cells)
        ]

    def beat(self, motion: Motion, early: Array) -> Array:
        """Calcium (cell, sample) in µM of the last of BEATS beats over a cycle from a cell's upstroke on, which is
        ``early`` (cell,) in ms in the tissue."""
        longer = np.array([self._stretch(F, motion.unloaded) for F in motion.gradient]) - self.settings.slack
        opening = self.settings.conductance * np.maximum(longer, 0.0)
        found = np.empty((len(early), self._groups[0][1].samples))
        for cells, group in self._groups:
            for _ in range(BEATS):
                found[cells] = group.beat(motion.time, opening[:, cells], early[cells] - motion.origin)
        return found

    def _stretch(self, F: Array, unloaded: Array) -> Array:
        return stretch(self._fiber, *(one[self._corners].mean(axis=1) for one in (F, unloaded)))


class Group:
    """A ``number`` of cells of one kind."""

    def __init__(
        self,
        name: str,
        number: int,
        parameters: Electrophysiology,
        cycle: float,
        law: Land = INTACT,
        held: float = 1.0,
    ) -> None:
        self.cell, self.values, self._troponin = paced(name, parameters, cycle, law, held)
        steady = self.cell.initial(1)
        course = transient(self.cell, self.values, cycle, troponin=self._troponin, states=steady)
        self.cycle, self.samples = cycle, len(course)
        self.states = np.repeat(steady, number, axis=1)
        self._reversal, self._row = parameters.feedback.reversal, row_of_calcium(self.cell)
        self._every = int(np.ceil(cycle / self.samples / parameters.time_step))
        self.lag = self._upstroke(steady)

    def beat(self, time: Array, opening: Array, upstroke: Array) -> Array:
        """Calcium (cell, sample) in µM over a cycle from the upstroke on, which is at ``upstroke`` (cell,) in ms; the
        conductance of the channels is ``opening`` (time, cell) in 1/ms at ``time`` (time,) in ms, periodic."""
        course, apart = np.empty((self.states.shape[1], self.samples)), self.cycle / self.samples
        step, voltage = apart / self._every, self.states[self.cell.voltage]
        for sample in range(self.samples):
            course[:, sample] = 1000 * self.states[self._row]
            now = upstroke + (sample - self.lag) * apart
            leaving = -np.expm1(-step * periodic(time, opening, self.cycle, now))
            for k in range(self._every):
                self.cell.advance(self.states, self.values, sample * apart + k * step, step)
                voltage += (self._reversal - voltage) * leaving
                if self._troponin:
                    self.states[self._row] = self._troponin.exchange(self.states[self._row], step)
        return np.roll(course, -self.lag, axis=1)

    def _upstroke(self, states: Array) -> int:
        """In samples after the stimulus, of a cell that is steady: where its voltage rises most."""
        voltage, apart = [], self.cycle / self.samples
        for sample in range(int(np.ceil(SOON / apart))):
            voltage.append(states[self.cell.voltage, 0])
            self.cell.advance(states, self.values, sample * apart, apart / self._every, steps=self._every)
        return int(np.argmax(np.diff(voltage)))


def periodic(time: Array, values: Array, cycle: float, at: Array) -> Array:
    """Values (place,) at a time ``at`` each (place,), linear between those (time, place) at ``time`` (time,)."""
    before, after, share = between(time, cycle, at)
    place = np.arange(values.shape[1])
    first, second = values[before, place], values[after, place]
    return first + share * (second - first)
