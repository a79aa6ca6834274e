"""Explicit diffusion, V' = rate V + slope, by the Runge-Kutta-Legendre scheme.

Meyer, Balsara and Aslam 2014, doi 10.1016/j.jcp.2013.08.021, eqs 3 and 6: as many stages as stability asks for, which
for one stage is forward Euler. A stage is one pass over the matrix (``diffusion.c``).
"""

import ctypes
from functools import cache
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array

from ..ionic import compiler
from .assembly import Array
from .ranks import Alone, Ranks


class Diffusion:
    """Steps of ``time_step`` ms of V' = rate V + slope for the rows that a rank has of a matrix ``rate`` in 1/ms."""

    def __init__(self, rate: csr_array, time_step: float, ranks: Ranks | None = None) -> None:
        self.ranks = ranks or Alone()
        self.stages = stages(time_step * self.ranks.largest(fastest(rate)))
        self.time_step = time_step
        self.rows = [part.astype(np.int32) for part in (rate.indptr, rate.indices)]
        self.values = np.ascontiguousarray(rate.data, dtype=np.float64)
        self._matrix = [part.ctypes.data for part in (*self.rows, self.values)]
        self._run = _library().stage

    def advance(self, voltage: Array, slope: Array | None) -> Array:
        """The voltage (point,) in mV after a step; ``slope`` (point,) in mV/ms, or None where there is none."""
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
        self._run(len(before), *self._matrix, a, b, c, *places)
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
    library.stage.restype = None
    return library
