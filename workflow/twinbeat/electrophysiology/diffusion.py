"""Explicit diffusion, V' = rate V + slope, by the Runge-Kutta-Legendre scheme.

Meyer, Balsara and Aslam 2014, doi 10.1016/j.jcp.2013.08.021, eqs 3 and 6: as many stages as stability asks for, which
for one stage is forward Euler. A stage is one pass over the matrix (``diffusion.c``).
"""

import ctypes
from functools import cache, partial
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from ..ionic import compiler
from .assembly import Array
from .ranks import Alone, Ranks


class Diffusion:
    """Steps of ``time_step`` ms of V' = rate V + slope for the rows that a rank has of a matrix ``rate`` in 1/ms.

    With several ``members`` of an ensemble (on one rank) voltages are (point * members + member,).
    """

    def __init__(self, rate: csr_array, time_step: float, ranks: Ranks | None = None, members: int = 1) -> None:
        self.ranks = ranks or Alone()
        self.stages = stages(time_step * self.ranks.largest(fastest(rate)))
        self.time_step, self.members = time_step, members
        self.rows = [part.astype(np.int32) for part in (rate.indptr, rate.indices)]
        self.values = np.ascontiguousarray(rate.data, dtype=np.float64)
        self._matrix = [part.ctypes.data for part in (*self.rows, self.values)]
        library = _library()
        self._run = library.stage if members == 1 else partial(library.stage_of_many, len(self.rows[0]) - 1)

    def advance(self, voltage: Array, slope: Array | None) -> Array:
        """The voltage in mV after a step; ``slope`` (point,) in mV/ms, or None where there is none."""
        first = 2 * self.time_step / (self.stages**2 + self.stages)
        before, now = voltage, self._stage(1.0, 0.0, first, voltage, voltage, slope)
        for j in range(2, self.stages + 1):
            mu = (2 * j - 1) / j
            before, now = now, self._stage(mu, 1 - mu, mu * first, now, before, slope)
        return now

    def _stage(self, a: float, b: float, c: float, now: Array, before: Array, slope: Array | None) -> Array:
        """a now + b before + c (rate now + slope)."""
        out = np.empty_like(before)
        vectors = (self.ranks.extended(now), before, slope, out)
        places = (None if vector is None else vector.ctypes.data for vector in vectors)
        self._run(len(before) if self.members == 1 else self.members, *self._matrix, a, b, c, *places)
        return out


def fastest(rate: csr_array) -> float:
    """A bound of the fastest rate of the diffusion, 1/ms (Gershgorin)."""
    return float(abs(rate).sum(axis=1).max())


def stages(stiffness: float) -> int:
    """The fewest stages s that are stable for a step of λ dt = ``stiffness``: λ dt <= s² + s (eq. 6); at least one."""
    return max(1, int(np.ceil((np.sqrt(1 + 4 * stiffness) - 1) / 2)))


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(compiler.library(Path(__file__).with_name("diffusion.c"))))
    pointer, real = ctypes.c_void_p, ctypes.c_double
    library.stage.argtypes = [ctypes.c_long, pointer, pointer, pointer, real, real, real, *[pointer] * 4]
    library.stage_of_many.argtypes = [ctypes.c_long, *library.stage.argtypes]
    library.stage.restype = library.stage_of_many.restype = None
    return library
