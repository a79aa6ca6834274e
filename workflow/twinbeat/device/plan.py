"""What a device is given once: the tissue, its cells and what stimulates them, as arrays."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int32]
SLICE = 32  # rows, those of a warp
SOURCE = Path(__file__).with_name("tissue.cu")


class Csr(Protocol):
    """What is asked of a matrix of compressed rows."""

    indptr: NDArray[np.integer]
    indices: NDArray[np.integer]
    data: Array


class Sliced(NamedTuple):
    """A matrix of which SLICE rows at a time are padded to their longest and stored by columns, so that neighbouring
    threads read neighbouring numbers (Kreutzer et al. 2014, doi 10.1137/130930352, SELL-32): where slices begin and the
    last one ends, ``columns`` and ``values``."""

    starts: Index
    columns: Index
    values: Array


@dataclass(frozen=True)
class Cells:
    """Cells of one kind at some ``nodes`` (all, where None): the ``source`` of their kernel, its ``table`` (column,
    entry, 2), their ``states`` (state,) at the start with the voltage in row ``voltage``, and ``varied`` parameters
    (parameter, width) that repeat after ``width`` cells."""

    source: str
    table: Array
    states: Array
    voltage: int
    nodes: Index | None = None
    varied: Array = field(default_factory=lambda: np.zeros((0, 1)))


@dataclass(frozen=True)
class Leak:
    """Membranes at some nodes that lose ``share`` of their distance in mV to ``rest`` in a step."""

    rest: float
    share: float
    nodes: Index


@dataclass(frozen=True)
class Pulse:
    """A stimulus of ``slope`` mV/ms for ``duration`` ms from ``start`` (node,) in ms on, which counts from ``since``;
    infinite where there is none."""

    since: float
    start: Array
    slope: float
    duration: float

    @cached_property
    def last(self) -> float:
        """When the last of it ends, counted from ``since``."""
        return float(self.start[np.isfinite(self.start)].max(initial=-np.inf)) + self.duration


@dataclass(frozen=True)
class Plan:
    """A tissue at rest: ``rate`` in 1/ms, in ``stages`` of a Runge-Kutta-Legendre step of ``time_step`` ms, its cells
    and membranes, which cover all nodes, pulses in their order, and ``members`` of an ensemble at each node."""

    rate: Sliced
    size: int
    time_step: float
    stages: int
    cells: tuple[Cells, ...]
    pulses: tuple[Pulse, ...]
    leaks: tuple[Leak, ...] = ()
    members: int = 1

    def voltage(self) -> Array:
        """Transmembrane potential (node * members + member,) in mV at the start."""
        voltage = np.empty((self.size, self.members))
        for cells in self.cells:
            voltage[slice(None) if cells.nodes is None else cells.nodes] = cells.states[cells.voltage]
        for leak in self.leaks:
            voltage[leak.nodes] = leak.rest
        return voltage.ravel()


def sliced(matrix: Csr) -> Sliced:
    """A square matrix of compressed rows in slices; what pads a row is 0 times its own node."""
    lengths = np.diff(matrix.indptr)
    rows = len(lengths)
    padded = np.zeros(-(-rows // SLICE) * SLICE, dtype=np.int64)
    padded[:rows] = lengths
    starts = np.concatenate([[0], np.cumsum(padded.reshape(-1, SLICE).max(axis=1) * SLICE)])
    of_slice = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    own = of_slice * SLICE + (np.arange(starts[-1]) - starts[of_slice]) % SLICE
    columns, values = np.minimum(own, rows - 1).astype(np.int32), np.zeros(starts[-1])
    row = np.repeat(np.arange(rows), lengths)
    place = starts[row // SLICE] + (np.arange(len(row)) - matrix.indptr[row]) * SLICE + row % SLICE
    columns[place], values[place] = matrix.indices, matrix.data
    return Sliced(starts.astype(np.int32), columns, values)
