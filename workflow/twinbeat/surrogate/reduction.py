"""Proper orthogonal decomposition of snapshots, extended when snapshots are added.

The decomposition is kept to its full numerical rank, so that extending it (Brand 2006, doi 10.1016/j.laa.2005.07.021,
with the change of the mean after Ross et al. 2008, doi 10.1007/s11263-007-0075-7) gives what a new one would give.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

_RANK_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Basis:
    """Snapshots (size, members) = mean 1ᵀ + modes diag(values) right.

    ``mean`` (size), ``modes`` (size, rank) with orthonormal columns, ``values`` (rank) falling, ``right`` (rank,
    members) with orthonormal rows.
    """

    mean: np.ndarray
    modes: np.ndarray
    values: np.ndarray
    right: np.ndarray

    @classmethod
    def of(cls, snapshots: np.ndarray) -> Self:
        """The decomposition of ``snapshots`` (size, members)."""
        mean = snapshots.mean(axis=1)
        return cls(mean, *_truncated(*np.linalg.svd(snapshots - mean[:, None], full_matrices=False)))

    def extended(self, added: np.ndarray) -> Self:
        """The decomposition of these snapshots and the ``added`` ones (size, more), without the former at hand."""
        old, new = self.right.shape[1], added.shape[1]
        mean = (old * self.mean + added.sum(axis=1)) / (old + new)
        added, shift = added - mean[:, None], (self.mean - mean)[:, None]
        frame = np.hstack([self.modes, self._directions(np.hstack([shift, added]))])
        known = np.zeros((frame.shape[1], old))
        known[: self.values.size] = self.values[:, None] * self.right
        core = np.hstack([known + frame.T @ shift, frame.T @ added])
        left, values, right = _truncated(*np.linalg.svd(core, full_matrices=False))
        return type(self)(mean, frame @ left, values, right)

    def _directions(self, columns: np.ndarray) -> np.ndarray:
        """Orthonormal directions of the columns outside the modes; projected twice, for the first leaves rounding."""
        outside = columns
        for _ in range(2):
            outside = outside - self.modes @ (self.modes.T @ outside)
        left, values, _ = np.linalg.svd(outside, full_matrices=False)
        return left[:, values > _RANK_TOLERANCE * np.linalg.norm(columns)]

    def kept(self, energy: float) -> int:
        """How many modes hold this share of the variance; at least one."""
        if self.values.size == 0:
            return 0
        share = np.cumsum(self.values**2) / np.sum(self.values**2)
        return int(np.searchsorted(share, energy) + 1)

    def coefficients(self, count: int) -> np.ndarray:
        """Coefficients of the first modes, (count, members)."""
        return self.values[:count, None] * self.right[:count]

    def left_out(self, count: int) -> np.ndarray:
        """Standard deviation, (size), of what the modes behind the first ones hold."""
        members = self.right.shape[1]
        return np.sqrt(np.sum((self.modes[:, count:] * self.values[count:]) ** 2, axis=1) / (members - 1))


def _truncated(left: np.ndarray, values: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rank = int(np.sum(values > _RANK_TOLERANCE * max(values[0], np.finfo(float).tiny)))
    return left[:, :rank], values[:rank], right[:rank]
