"""The monodomain equation, split into cells and diffusion.

    χ (C_m ∂V/∂t + I_ion(V, w)) = ∇·(σ∇V) + I_stim,   ∂w/∂t = g(V, w),   n·σ∇V = 0

(Niederer et al. 2011, eqs 2.1 to 2.3). One step advances the cells, then the diffusion with the stimulus (Godunov).
Diffusion is explicit: the Runge-Kutta-Legendre scheme with as many stages as stability asks for (Meyer, Balsara and
Aslam 2014, doi 10.1016/j.jcp.2013.08.021, eqs 3 and 6), which is forward Euler for one stage. One stage does on the
default mesh and on those of the benchmark; it takes 7 % of the time of the cells, where preconditioned conjugate
gradients would take three iterations of at least that each.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from .assembly import Array, Discretisation

SURFACE_TO_VOLUME = 140.0  # χ, 1/mm (Niederer et al. 2011, table 1)
CAPACITANCE = 0.01  # C_m, µF/mm² (Niederer et al. 2011, table 1)


class Cell(Protocol):
    """What the tissue asks of a cell model; ``ionic.CellModel`` is one."""

    @property
    def voltage(self) -> int:
        """Row of the transmembrane potential in the states."""

    def initial(self, cells: int) -> Array:
        """Initial states (state, cell)."""

    def values(self) -> Array:
        """Parameters."""

    def advance(self, states: Array, parameters: Array, time: float, step: float) -> None:
        """Advance the states in place."""


Source = Callable[[float], Array | None]


class Monodomain:
    """Tissue and its state: ``states`` (state, point) of the cells at ``time`` (ms)."""

    def __init__(self, tissue: Discretisation, cell: Cell, parameters: Array, time_step: float, source: Source) -> None:
        """``source(time)`` is the stimulus (point,) in µA/mm³ during the step that starts at ``time``, or None."""
        self.cell, self.parameters, self.time_step, self.source = cell, parameters, time_step, source
        self.storage = SURFACE_TO_VOLUME * CAPACITANCE  # µF/mm³
        self.rate = tissue.stiffness.multiply(-1 / (self.storage * tissue.mass[:, None])).tocsr()  # 1/ms
        self.stages = stages(time_step * fastest(self.rate))
        self.states = cell.initial(len(tissue.mass))
        self.steps = 0

    @property
    def time(self) -> float:
        """The time reached, in ms."""
        return self.steps * self.time_step

    @property
    def voltage(self) -> Array:
        """Transmembrane potential (point,) in mV; a view into the states."""
        return self.states[self.cell.voltage]

    def advance(self) -> None:
        """One step of the cells, then of the diffusion."""
        self.cell.advance(self.states, self.parameters, self.time, self.time_step)
        current = self.source(self.time)
        slope = 0.0 if current is None else current / self.storage
        self.voltage[:] = legendre(self.rate, self.voltage, slope, self.time_step, self.stages)
        self.steps += 1


def fastest(rate: Array) -> float:
    """A bound of the fastest rate of the diffusion, 1/ms (Gershgorin)."""
    return float(abs(rate).sum(axis=1).max())


def stages(stiffness: float) -> int:
    """The fewest stages s that are stable for a step of λ dt = ``stiffness``: λ dt <= s² + s (eq. 6)."""
    return int(np.ceil((np.sqrt(1 + 4 * stiffness) - 1) / 2))


def legendre(rate: Array, voltage: Array, slope: Array | float, step: float, stages: int) -> Array:
    """The voltage after a step of V' = rate V + slope by ``stages`` stages (Meyer et al. 2014, eq. 3)."""
    first = 2 * step / (stages**2 + stages)
    before, now = voltage, voltage + first * (rate @ voltage + slope)
    for j in range(2, stages + 1):
        mu = (2 * j - 1) / j
        before, now = now, mu * now + (1 - mu) * before + mu * first * (rate @ now + slope)
    return now
