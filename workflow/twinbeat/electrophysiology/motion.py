"""A beat of the muscle as the wave that runs through it feels it."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array

from ..fibers import shape_gradients
from .assembly import Array, Index


@dataclass(frozen=True)
class Motion:
    """Deformation gradients F = ``gradient`` (time, point, 3, 3) at the anatomy's points, from its own shape on.

    ``time`` (time,) in ms increases within a ``cycle``, which begins ``origin`` ms after the wave starts. ``unloaded``
    (point, 3, 3) is the deformation to the shape without load, from which the stretch of fibres is counted.
    """

    time: Array
    gradient: Array
    unloaded: Array
    cycle: float
    origin: float = 0.0

    def at(self, time: float) -> Array:
        """F (point, 3, 3) at a time in ms since the wave started; linear between times, periodic."""
        before, after, share = between(self.time, self.cycle, time - self.origin)
        first, second = self.gradient[before], self.gradient[after]
        return first + share * (second - first)


def between(time: Array, cycle: float, at: Array | float) -> tuple[Index, Index, Array]:
    """Which of ``time`` (time,), periodic with a ``cycle``, are before and after times ``at`` (any shape), and how much
    of the way from the one to the other these are; all in ms."""
    since, ends = (at - time[0]) % cycle, np.append(time - time[0], cycle)
    before = np.searchsorted(ends, since, side="right") - 1
    return before, (before + 1) % len(time), (since - ends[before]) / (ends[before + 1] - ends[before])


def gradients(points: Array, cells: Index, displacement: Array) -> Array:
    """F (..., point, 3, 3) at the points (point, 3) of a mesh from their displacements (..., point, 3), both in mm: the
    mean of that of the cells about each, by volume."""
    slopes, volumes = shape_gradients(points, cells)
    inside = np.eye(3) + np.einsum("...cia,cib->...cab", displacement[..., cells, :], slopes, optimize=True)
    where = cells.ravel(), np.repeat(np.arange(len(cells)), 4)
    mean = coo_array((np.repeat(volumes, 4), where), shape=(len(points), len(cells))).tocsr()
    shares = mean.multiply(1 / mean.sum(axis=1)[:, None]).tocsr()
    flat = np.moveaxis(inside.reshape(*inside.shape[:-3], len(cells), 9), -2, 0)
    found = (shares @ flat.reshape(len(cells), -1)).reshape(len(points), *flat.shape[1:])
    return np.moveaxis(found, 0, -2).reshape(*displacement.shape[:-1], 3, 3)


def carried(onto: csr_array, gradient: Array) -> Array:
    """F (place, 3, 3) at places whose weights of the points are ``onto`` (place, point)."""
    return (onto @ gradient.reshape(len(gradient), 9)).reshape(-1, 3, 3)


def stretch(fiber: Array, gradient: Array, unloaded: Array) -> Array:
    """Of fibres (place, 3), from their length in the unloaded shape: |F f| / |F0 f|."""
    lengths = [np.linalg.norm(np.einsum("pab,pb->pa", F, fiber), axis=1) for F in (gradient, unloaded)]
    return lengths[0] / lengths[1]
