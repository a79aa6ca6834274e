"""Activation without the equation of the cells: the anisotropic eikonal equation, sqrt(∇t·M∇t) = 1.

M has the squares of the conduction velocities along fibre, sheet normal and sheet. On each tetrahedron t is linear: the
time at a corner is the least, over its opposite face, of the face's time and the way from there in the metric M⁻¹ (Fu
et al. 2013, doi 10.1137/120881956). Nodes are passed in the order of their times, as in Dijkstra's algorithm; one that
is corrected later, which anisotropy can bring about, is passed again.

The tangents are those of the discrete times. With s the place where the way over the face is least, t = Σ s_j t_j +
d(s) does not change with s to first order: its derivatives are s_j by the times of the corners, and that of d with s
held by the velocities.
"""

import ctypes
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, eye_array
from scipy.sparse.linalg import splu

from ..ionic import compiler
from .assembly import Array, Index

FAR = 1e30  # ms; the compiler is told that nothing is infinite
OTHERS = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])  # corners of the face opposite to each


class Front(NamedTuple):
    """``time`` (point,) in ms, and where each point has it from: 4 cell + corner (point,), with -1 for points whose
    time was given, and the ``shares`` (point, 3) that the corners of the opposite face have in the place passed."""

    time: Array
    by: Index
    shares: Array


def arrivals(points: Array, cells: Index, metric: Array, start: Array) -> Array:
    """Times (point,) in ms of a front on tetrahedra from points whose ``start`` (point,) is finite; infinite beyond.

    ``metric`` (cell, 3, 3) is M⁻¹ in ms²/mm².
    """
    return front(points, cells, metric, start).time


def front(points: Array, cells: Index, metric: Array, start: Array) -> Front:
    """As ``arrivals``, with where each point has its time from."""
    time = np.where(np.isfinite(start), start, FAR)
    corners, count = cells.ravel(), len(points)
    about = np.argsort(corners, kind="stable") // 4
    first = np.concatenate([[0], np.cumsum(np.bincount(corners, minlength=count))])
    upper = metric[:, [0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2]]
    by, shares, heap = np.empty(count, np.int64), np.zeros((count, 3)), np.empty((2, count), np.int64)
    reals = [np.ascontiguousarray(points), np.ascontiguousarray(upper), time]
    indices = [part.astype(np.int32) for part in (cells, first, about)]
    point, values, times = (part.ctypes.data for part in reals)
    corner, begin, around = (part.ctypes.data for part in indices)
    found = [row.ctypes.data for row in (by, shares, *heap)]
    _library().arrivals(count, point, corner, values, begin, around, FAR, times, *found)
    return Front(np.where(time < FAR / 2, time, np.inf), by, shares)


def tangents(points: Array, cells: Index, axes: Array, velocity: Array, of: NDArray[np.bool_], found: Front) -> Array:
    """Derivatives (parameter, point) in ms of the times of a front by logarithms of velocities.

    ``axes`` (cell, axis, 3) are unit vectors, ``velocity`` (cell, axis) those along them in mm/ms, of which ``of``
    (parameter, cell, axis) tells what each parameter scales. Points that no front reaches have noughts.
    """
    reached = np.flatnonzero(found.by >= 0)
    cell, corner = np.divmod(found.by[reached], 4)
    face = cells[cell[:, None], OTHERS[corner]]
    way = points[reached] - np.einsum("nj,nja->na", found.shares[reached], points[face])
    squares = (np.einsum("nka,na->nk", axes[cell], way) / velocity[cell]) ** 2
    partial = np.zeros((len(of), len(points)))
    partial[:, reached] = -np.einsum("mnk,nk->mn", of[:, cell], squares) / np.sqrt(squares.sum(axis=1))
    order = np.argsort(found.time, kind="stable")  # in it the matrix is close to triangular
    rank = np.argsort(order)
    entries = (found.shares[reached].ravel(), (np.repeat(rank[reached], 3), rank[face].ravel()))
    matrix = eye_array(len(points)) - csc_array(entries, shape=(len(points), len(points)))
    solved = splu(matrix.tocsc(), permc_spec="NATURAL", diag_pivot_thresh=0.0).solve(partial[:, order].T.copy())
    return solved.T[:, rank]


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(compiler.library(Path(__file__).with_name("eikonal.c"))))
    pointer = ctypes.c_void_p
    library.arrivals.argtypes = [ctypes.c_long, *[pointer] * 5, ctypes.c_double, *[pointer] * 5]
    library.arrivals.restype = None
    return library
