"""Tissue of several kinds of cells, each with its own model and parameters."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from .assembly import Array, Index
from .monodomain import Cell


@dataclass(frozen=True)
class Passive:
    """A membrane that only leaks: dV/dt = (rest - V) / time_constant, in mV and ms; exact over a step."""

    rest: float
    time_constant: float
    voltage: int = 0

    def initial(self, cells: int) -> Array:
        """At rest."""
        return np.full((1, cells), self.rest)

    def values(self) -> Array:
        """No parameters that the tissue could change."""
        return np.empty(0)

    def advance(self, states: Array, parameters: Array, time: float, step: float) -> None:
        """One step."""
        states += (self.rest - states) * self.share(step)

    def share(self, step: float) -> float:
        """Of the distance to rest that a step takes away."""
        return float(-np.expm1(-step / self.time_constant))


@dataclass(frozen=True)
class Patch:
    """The ``nodes`` (indices) whose cells are of one kind, with its parameters."""

    cell: Cell
    parameters: Array
    nodes: Index

    def within(self, own: Index) -> Self:
        """The same among some of the nodes (increasing), and numbered as these are."""
        return replace(self, nodes=np.flatnonzero(np.isin(own, self.nodes)))


class Mosaic:
    """Patches as one ``Cell`` whose only shared state is the voltage; the other states stay with the patches."""

    voltage = 0

    def __init__(self, patches: list[Patch]) -> None:
        """Raises ValueError where the patches do not cover nodes 0 to n - 1 once each."""
        covered = np.sort(np.concatenate([patch.nodes for patch in patches]))
        if not np.array_equal(covered, np.arange(len(covered))):
            raise ValueError("patches: expected each node in exactly one of them")
        self.patches = patches
        self._states = [patch.cell.initial(len(patch.nodes)) for patch in patches]

    def initial(self, cells: int) -> Array:
        """Voltage (1, cell) of each patch at its start."""
        voltage = np.empty((1, cells))
        for patch, states in zip(self.patches, self._states, strict=True):
            voltage[0, patch.nodes] = states[patch.cell.voltage]
        return voltage

    def values(self) -> Array:
        """None beside those of the patches."""
        return np.empty(0)

    def advance(self, states: Array, parameters: Array, time: float, step: float) -> None:
        """One step of every patch."""
        for patch, own in zip(self.patches, self._states, strict=True):
            row = own[patch.cell.voltage]
            row[:] = states[0, patch.nodes]
            patch.cell.advance(own, patch.parameters, time, step)
            states[0, patch.nodes] = row


def composed(patches: list[Patch]) -> tuple[Cell, Array]:
    """The cell and its parameters for a tissue of these patches; that of the only patch where there is one."""
    if len(patches) == 1:
        return patches[0].cell, patches[0].parameters
    return Mosaic(patches), np.empty(0)
