"""Re-entry: a spiral wave of ten Tusscher-Panfilov cells that keeps turning on a sheet, and how long a turn takes.

A plane wave leaves one side (S1); a stimulus of a quarter of the sheet (S2) comes as its back passes the middle, and
its wave can leave to one side only, so that its end curls. The period is a property of the cells: a conductivity scales
lengths alone, so the sheet conducts slower than muscle along its fibres and is as much smaller.
"""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from .. import ionic
from ..electrophysiology.assembly import Array, Discretisation, box, tetrahedra
from ..electrophysiology.monodomain import Monodomain
from ..electrophysiology.propagation import Stimulus, Train
from ..electrophysiology.velocity import Grid, match, through
from .row import Row, timed

SIDE, SIZE, STEP, VELOCITY = 100.0, 0.5, 0.05, 0.4  # mm, mm, ms, mm/ms
EARLY = 390.0  # ms; the back of S1 is in the middle
END, SETTLED = 2500.0, 1250.0  # ms
SAMPLING, LAG = 5.0, 25.0  # ms
BETWEEN = -40.0  # mV, which each turn of a cell in the plane of its present and earlier voltage encloses
COARSE = 4  # nodes between those that are looked at
PUBLISHED = 265.0  # ms
SOURCE = "Elshrif and Cherry 2014, doi 10.1371/journal.pone.0084401, as a repository quotes it"
OWN = "one spiral has one tip"


class Reentry(NamedTuple):
    """``voltage`` (sample, y, x) in mV, SAMPLING ms apart from SAMPLING on."""

    voltage: Array

    def at(self, time: float) -> Array:
        """The voltage (y, x) at a time in ms."""
        return self.voltage[round(time / SAMPLING) - 1]

    def tips(self, since: float = SETTLED) -> Array:
        """How many phase singularities there are at each sample after ``since``, from LAG on."""
        lag = round(LAG / SAMPLING)
        first = max(round(since / SAMPLING), lag)
        phase = np.arctan2(self.voltage[first - lag : -lag] - BETWEEN, self.voltage[first:] - BETWEEN)
        return np.abs(charges(phase)).sum(axis=(1, 2))

    def periods(self, since: float = SETTLED) -> Array:
        """Times in ms between upstrokes after ``since``, of all places."""
        traces = self.voltage.reshape(len(self.voltage), -1).T
        return np.concatenate([np.diff(upstrokes(trace, since)) for trace in traces])


def rows() -> Iterator[Row]:
    """The rows of ``make verify``."""
    words = f"spiral wave of TTP06 epi, {SIDE:g} mm, {SETTLED:g} to {END:g} ms"
    yield timed(f"{words}: least number of tips", 1, 0, OWN, lambda: spiral().tips().min())
    yield timed(f"{words}: largest number of tips", 1, 0, OWN, lambda: spiral().tips().max())
    yield timed(f"{words}: period (ms)", PUBLISHED, 0.1 * PUBLISHED, SOURCE, lambda: np.median(spiral().periods()))


@cache
def spiral(size: float = SIZE, end: float = END) -> Reentry:
    """The sheet with nodes ``size`` mm apart, up to ``end`` ms."""
    tissue, points = sheet(size)
    cell = ionic.load()
    medium = Monodomain(tissue, cell, cell.unpaced(), STEP, crossed(points, size))
    samples, every = [], slice(None, None, COARSE)
    while medium.time < end - 1e-9:
        medium.run(medium.time + SAMPLING)
        samples.append(medium.voltage.reshape(2 * [round(SIDE / size) + 1])[every, every].copy())
    return Reentry(np.array(samples))


def sheet(size: float) -> tuple[Discretisation, Array]:
    """A square of muscle without fibres in which waves have VELOCITY with this step, and its points (point, 3)."""
    points, cells = box((SIDE, SIDE, size), size)
    conductivity = match(lambda value: through(value, VELOCITY, Grid(size, size, STEP)), VELOCITY, size)
    slab = tetrahedra(points, cells, np.broadcast_to(conductivity * np.eye(3), (len(cells), 3, 3)))
    count = len(points) // 2  # both faces always are alike
    onto = csr_array((np.ones(2 * count), (np.arange(2 * count) % count, np.arange(2 * count))))
    return Discretisation((onto @ slab.stiffness @ onto.T).tocsr(), onto @ slab.mass), points[:count]


def crossed(points: Array, size: float) -> Train:
    """A stimulus of one side, then one of a quarter of the sheet."""
    x, y = points[:, 0], points[:, 1]
    side, quarter = x < 2.5 * size, (x < SIDE / 2) & (y < SIDE / 2)
    first, second = (Stimulus(np.where(where, 0.0, np.inf)) for where in (side, quarter))
    return Train(((0.0, first), (EARLY, second)))


def charges(phase: Array) -> Array:
    """Turns (..., y - 1, x - 1) of a phase (..., y, x) in rad around each square of four places: 1, 0 or -1."""
    corners = np.stack([phase[..., :-1, :-1], phase[..., :-1, 1:], phase[..., 1:, 1:], phase[..., 1:, :-1]])
    steps = (np.roll(corners, -1, axis=0) - corners + np.pi) % (2 * np.pi) - np.pi
    return np.rint(steps.sum(axis=0) / (2 * np.pi))


def upstrokes(trace: Array, since: float) -> Array:
    """When a voltage (sample,) rises through 0 mV after ``since``, in ms, linear between samples."""
    before = np.flatnonzero((trace[:-1] < 0) & (trace[1:] >= 0))
    times = SAMPLING * (before + 1 - trace[before] / (trace[before + 1] - trace[before]))
    return times[times > since]
