"""Calcium in the cytosol of paced cells."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import ionic
from ..verdicts import Quarantined
from .troponin import Troponin

Array = NDArray[np.float64]
NAMES = ("cai", "Ca_i")  # of calcium in mM in the cell models, the first of which a model has
STEP, SAMPLING = 0.02, 1.0  # ms
PIECES = 4  # of a sampling interval, after each of which troponin takes its calcium: within 0.5 % of the transient
APART, STEADY = 10, 5e-3  # beats over which a steady transient changes at most so, as a share of its height
MOST = 1000  # beats in which a cell has to become steady


@dataclass(frozen=True)
class Calcium:
    """Periodic transients: ``course`` (kind, sample) in µM, SAMPLING or a little less apart over the ``cycle`` in ms
    from the upstroke of the cell; ``kind`` and ``activation`` (cell,) say which cell has which, from when on."""

    course: Array
    cycle: float
    kind: NDArray[np.int64]
    activation: Array

    def __call__(self, time: float) -> Array:
        """µM (cell,) at a time in ms."""
        samples = self.course.shape[1]
        place = (time - self.activation) % self.cycle * (samples / self.cycle)
        low = place.astype(np.int64) % samples
        before, after = self.course[self.kind, low], self.course[self.kind, (low + 1) % samples]
        return before + (place - np.floor(place)) * (after - before)


def transient(
    cell: ionic.CellModel,
    parameters: Array,
    cycle: float,
    most: int = MOST,
    troponin: Troponin | None = None,
    states: Array | None = None,
) -> Array:
    """Calcium (sample,) in µM over a ``cycle`` in ms from the upstroke on, of a cell paced until it is steady.

    ``parameters`` (parameter,) include the stimulus, at the start of each cycle, and no troponin where it is given;
    ``states`` (state, 1) are those from which it starts, and then those in which it ends.
    Raises Quarantined: no-calcium (the model has none), calcium-unsteady (after ``most`` beats).
    """
    row, states = row_of_calcium(cell), cell.initial(1) if states is None else states
    last, change = np.zeros(1), np.inf
    for beat in range(most):
        voltage, course = _beat(cell, states, parameters, cycle, beat, row, troponin)
        if beat % APART:
            continue
        change = float(np.abs(course - last).max() / np.ptp(course))
        if change <= STEADY:
            return np.roll(course, -int(np.argmax(np.diff(voltage))))
        last = course
    found = f"calcium of {cell.name} still changes by {change:.2g} of its height in {APART} beats after {most}"
    raise Quarantined("calcium-unsteady", f"{found} at a cycle of {cycle:g} ms; expected at most {STEADY:g}")


def row_of_calcium(cell: ionic.CellModel) -> int:
    """Row of calcium in the states; Quarantined("no-calcium") for a model without."""
    for name in NAMES:
        if name in cell.states:
            return list(cell.states).index(name)
    raise Quarantined("no-calcium", f"{cell.name} has no calcium; expected a cell model with one of {', '.join(NAMES)}")


def _beat(
    cell: ionic.CellModel,
    states: Array,
    parameters: Array,
    cycle: float,
    beat: int,
    row: int,
    troponin: Troponin | None,
) -> tuple[Array, Array]:
    """Voltage (mV) and calcium (µM) of one cycle (sample,); ``states`` (state, 1) are those at its end then."""
    samples = int(np.ceil(cycle / SAMPLING))
    pieces = PIECES if troponin else 1
    lasting = cycle / samples / pieces
    every = int(np.ceil(lasting / STEP))
    course = np.empty((2, samples))
    for piece in range(samples * pieces):
        if piece % pieces == 0:
            course[:, piece // pieces] = states[[cell.voltage, row], 0]
        if troponin:
            states[row, 0] = troponin.exchange(states[row, 0], lasting / 2)
        cell.advance(states, parameters, beat * cycle + piece * lasting, lasting / every, steps=every)
        if troponin:
            states[row, 0] = troponin.exchange(states[row, 0], lasting / 2)
    return course[0], 1000 * course[1]
