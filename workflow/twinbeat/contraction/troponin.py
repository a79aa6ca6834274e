"""Calcium that troponin binds and gives back as slowly as muscle is switched on and off by it.

Cell models hold troponin for a buffer that is always in balance with calcium. In Margara et al. 2021 (doi
10.1016/j.pbiomolbio.2020.06.007) it is the one of the law of contraction, whose binding C takes time:

    d([Ca] + calmodulin [Ca] / (K + [Ca])) / dt = fluxes - total dC/dt.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .. import ionic
from .land import Land

Calcium = float | NDArray[np.float64]
TOTAL = "trpnmax"  # parameter of cells with troponin of its own
EPICARDIAL = 1.3  # calmodulin of epicardial ToR-ORd cells (celltype 1) over that of others


@dataclass
class Troponin:
    """Of one cell, or of several (cell,), held at a ``stretch``: ``total`` and ``calmodulin`` (with its constant
    ``half``) in mM."""

    law: Land
    stretch: float
    total: float
    calmodulin: float
    half: float
    bound: Calcium = 0.0

    @classmethod
    def of(cls, cell: ionic.CellModel, law: Land, stretch: float) -> Self | None:
        """That of a cell model, or None where its buffers are not told apart."""
        of = cell.parameters
        if TOTAL not in of:
            return None
        calmodulin = of["cmdnmax_b"] * (EPICARDIAL if of["celltype"] == 1 else 1.0)
        return cls(law, stretch, of[TOTAL], calmodulin, of["kmcmdn"])

    @property
    def replaced(self) -> dict[str, float]:
        """Parameters of the cell without its own."""
        return {TOTAL: 0.0}

    def exchange(self, calcium: Calcium, time: float) -> Calcium:
        """Calcium in mM after a ``time`` in ms in which troponin bound some, or let it go; of second order."""
        middle = (calcium + self._left(calcium, self._change(calcium, time))) / 2
        change = self._change(middle, time)
        self.bound = self.bound + change
        return self._left(calcium, change)

    @cached_property
    def _half_bound(self) -> float:
        """Calcium in mM at which half of troponin is bound."""
        return float(self.law.sensitivity(np.array(self.stretch))) / 1000

    def _change(self, calcium: Calcium, time: float) -> Calcium:
        """Of the binding at a constant calcium."""
        drive = (calcium / self._half_bound) ** self.law.n_trpn
        return (drive / (1 + drive) - self.bound) * -np.expm1(-self.law.k_trpn * (1 + drive) * time)

    def _left(self, calcium: Calcium, change: Calcium) -> Calcium:
        """Free calcium where calmodulin is in balance with it, before and after: [Ca] + calmodulin [Ca]/(K + [Ca])."""
        whole = calcium + self.calmodulin * calcium / (self.half + calcium) - self.total * change
        more = self.half + self.calmodulin - whole
        return (np.sqrt(more**2 + 4 * self.half * whole) - more) / 2
