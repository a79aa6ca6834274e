"""The tissue over the ranks of a communicator: each has some rows of the matrix, and a halo of others' voltages.

Every rank knows the whole tissue; what is shared out is the work of each step.
"""

from typing import Protocol

import numpy as np
from mpi4py import MPI
from scipy.sparse import csr_array

from .assembly import Array, Discretisation, Index


class Ranks(Protocol):
    """What a step asks of the other ranks."""

    def extended(self, values: Array) -> Array:
        """Values (own node,) followed by those of the halo."""

    def largest(self, value: float) -> float:
        """Of all ranks."""

    def total(self, values: Array) -> Array:
        """Sum over all ranks."""


class Alone:
    """One rank with all nodes."""

    def extended(self, values: Array) -> Array:
        """All of them."""
        return values

    def largest(self, value: float) -> float:
        """This one."""
        return value

    def total(self, values: Array) -> Array:
        """These."""
        return values


class Share:
    """The share of one rank: its nodes ``own`` (indices in the whole) and the ``tissue`` of their rows, whose columns
    are these nodes and then the halo, sorted by the rank that it belongs to."""

    def __init__(self, tissue: Discretisation, points: Array, comm: MPI.Comm) -> None:
        self.comm, self.size, self._points = comm, len(points), points
        of_rank = divided(points, comm.size)
        self.own = np.flatnonzero(of_rank == comm.rank)
        rows = tissue.stiffness[self.own]
        halo = np.setdiff1d(rows.indices, self.own)
        halo = halo[np.argsort(of_rank[halo], kind="stable")]
        number = np.empty(self.size, dtype=np.int64)
        number[self.own], number[halo] = np.arange(len(self.own)), len(self.own) + np.arange(len(halo))
        shape = len(self.own), len(self.own) + len(halo)
        local = csr_array((rows.data, number[rows.indices], rows.indptr), shape=shape)
        self.tissue = Discretisation(local, tissue.mass[self.own])
        owner = np.repeat(np.arange(len(self.own)), np.diff(rows.indptr))
        beside = of_rank[rows.indices]
        self._sent = {int(rank): np.unique(owner[beside == rank]) for rank in np.unique(of_rank[halo])}
        ends = len(self.own) + np.searchsorted(of_rank[halo], [[rank, rank + 1] for rank in self._sent])
        self._received = dict(zip(self._sent, (slice(*end) for end in ends.tolist()), strict=True))
        self._length = shape[1]

    def of(self, tissue: Discretisation) -> "Share":
        """The share, of the same nodes, of another tissue on the same points."""
        return Share(tissue, self._points, self.comm)

    def extended(self, values: Array) -> Array:
        """Values (own node,) followed by those of the halo."""
        whole = np.empty(self._length)
        whole[: len(values)] = values
        requests = [self.comm.Irecv(whole[place], source=rank) for rank, place in self._received.items()]
        buffers = [(values[nodes], rank) for rank, nodes in self._sent.items()]
        requests += [self.comm.Isend(buffer, dest=rank) for buffer, rank in buffers]
        for request in requests:
            request.Wait()
        return whole

    def largest(self, value: float) -> float:
        """Of all ranks."""
        return max(self.comm.allgather(value))

    def total(self, values: Array) -> Array:
        """Sum over all ranks, in their order."""
        return np.sum(self.comm.allgather(values), axis=0)

    def gathered(self, values: Array) -> Array:
        """Values (..., node of the whole) from those of all ranks (..., own node)."""
        whole = np.empty((*values.shape[:-1], self.size))
        for nodes, part in self.comm.allgather((self.own, values)):
            whole[..., nodes] = part
        return whole


def divided(points: Array, ranks: int) -> Index:
    """The rank (point,) of each point: slices along the third axis with equal numbers of points."""
    place = np.empty(len(points), dtype=np.int64)
    place[np.argsort(points[:, 2], kind="stable")] = np.arange(len(points))
    return place * ranks // len(points)
