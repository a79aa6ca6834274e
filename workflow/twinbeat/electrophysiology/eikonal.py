"""Activation without the equation of the cells: the anisotropic eikonal equation, sqrt(∇t·M∇t) = 1.

M has the squares of the conduction velocities along fibre, sheet normal and sheet. On each tetrahedron t is linear: the
time at a corner is the least, over its opposite face, of the face's time and the way from there in the metric M⁻¹ (Fu
et al. 2013, doi 10.1137/120881956). Nodes are passed in the order of their times, as in Dijkstra's algorithm; one that
is corrected later, which anisotropy can bring about, is passed again.
"""

import ctypes
from functools import cache
from pathlib import Path

import numpy as np

from ..ionic import compiler
from .assembly import Array, Index

FAR = 1e30  # ms; the compiler is told that nothing is infinite


def arrivals(points: Array, cells: Index, metric: Array, start: Array) -> Array:
    """Times (point,) in ms of a front on tetrahedra from points whose ``start`` (point,) is finite; infinite beyond.

    ``metric`` (cell, 3, 3) is M⁻¹ in ms²/mm².
    """
    time = np.where(np.isfinite(start), start, FAR)
    corners, count = cells.ravel(), len(points)
    about = np.argsort(corners, kind="stable") // 4
    first = np.concatenate([[0], np.cumsum(np.bincount(corners, minlength=count))])
    upper = metric[:, [0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2]]
    heap = np.empty((2, count), dtype=np.int64)
    reals = [np.ascontiguousarray(points), np.ascontiguousarray(upper), time]
    indices = [part.astype(np.int32) for part in (cells, first, about)]
    point, values, times = (part.ctypes.data for part in reals)
    corner, begin, around = (part.ctypes.data for part in indices)
    _library().arrivals(count, point, corner, values, begin, around, FAR, times, *(row.ctypes.data for row in heap))
    return np.where(time < FAR / 2, time, np.inf)


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(compiler.library(Path(__file__).with_name("eikonal.c"))))
    pointer = ctypes.c_void_p
    library.arrivals.argtypes = [ctypes.c_long, *[pointer] * 5, ctypes.c_double, *[pointer] * 3]
    library.arrivals.restype = None
    return library
