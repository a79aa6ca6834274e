"""The monodomain equation, split into cells and diffusion.

    χ (C_m ∂V/∂t + I_ion(V, w)) = ∇·(σ∇V) + I_stim,   ∂w/∂t = g(V, w),   n·σ∇V = 0

(Niederer et al. 2011, eqs 2.1 to 2.3). One step advances the cells, then the diffusion with the stimulus (Godunov).
Diffusion is explicit (``Diffusion``). One stage does on the default mesh and on those of the benchmark; preconditioned
conjugate gradients would take three iterations of at least that each.
"""

from collections.abc import Callable
from typing import Protocol

from scipy.sparse import csr_array

from .assembly import Array, Discretisation
from .diffusion import Diffusion
from .extracellular import Extracellular
from .ranks import Alone, Ranks

SURFACE_TO_VOLUME = 140.0  # χ, 1/mm (Niederer et al. 2011, table 1)
CAPACITANCE = 0.01  # C_m, µF/mm² (Niederer et al. 2011, table 1)
STORAGE = SURFACE_TO_VOLUME * CAPACITANCE  # µF/mm³


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
        """Advance the states (state, cell) in place, by ``step`` ms from ``time`` on; parameters are (parameter,)."""


Source = Callable[[float], Array | None]


def rate(tissue: Discretisation) -> csr_array:
    """The matrix of V' = rate V of the diffusion, in 1/ms."""
    return tissue.stiffness.multiply(-1 / (STORAGE * tissue.mass[:, None])).tocsr()


class Monodomain:
    """Tissue and its state: ``states`` (state, point) of the cells at ``time`` (ms)."""

    def __init__(
        self,
        tissue: Discretisation,
        cell: Cell,
        parameters: Array,
        time_step: float,
        source: Source,
        ranks: Ranks | None = None,
        extracellular: Extracellular | None = None,
        members: int = 1,
    ) -> None:
        """``source(time)`` is the stimulus (point,) in µA/mm³ during the step that starts at ``time``, or None.

        With ``ranks`` all points are those of this rank. With ``extracellular`` it is the bidomain equation, and the
        tissue that of the intracellular conductivities. With several ``members`` of an ensemble, on one rank, cells are
        (point * members + member,).
        """
        self.cell, self.parameters, self.time_step, self.source = cell, parameters, time_step, source
        self.ranks = ranks or Alone()
        self.diffusion = Diffusion(rate(tissue), time_step, self.ranks, members)
        self.extracellular, self.mass = extracellular, tissue.mass
        self.states = cell.initial(len(tissue.mass) * members)
        self._row = cell.voltage
        self.steps = 0

    @property
    def time(self) -> float:
        """The time reached, in ms."""
        return self.steps * self.time_step

    @property
    def voltage(self) -> Array:
        """Transmembrane potential (point,) in mV; a view into the states."""
        return self.states[self._row]

    def advance(self) -> None:
        """One step of the cells, then of the diffusion."""
        self.cell.advance(self.states, self.parameters, self.time, self.time_step)
        current = self.source(self.time)
        slope = None if current is None else current / STORAGE
        if self.extracellular:
            outside = self.extracellular.current(self.voltage) / (STORAGE * self.mass)
            slope = outside if slope is None else slope + outside
        self.voltage[:] = self.diffusion.advance(self.voltage, slope)
        self.steps += 1

    def run(self, until: float) -> None:
        """Steps to a time in ms."""
        while self.time < until - 1e-9:
            self.advance()
