"""What the surrogate predicts: three fields of a member, each reduced and emulated by itself."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from .processes import Process
from .reduction import Basis

MAGNITUDE = {"displacement": 1.0, "volume": 50.0, "pressure": 10.0, "ejection_fraction": 10.0, "peak_pressure": 2.0}
"""Typical variations, in stored units, that make the quantities of one field comparable."""

FIELDS = {
    "displacement": ("displacement",),
    "loop": ("volume", "pressure"),
    "figures": ("ejection_fraction", "peak_pressure"),
}


def snapshot(member: xr.Dataset, field: str) -> np.ndarray:
    """The quantities of a field as one vector (size,), in their magnitudes."""
    return np.concatenate([member[name].values.ravel() / MAGNITUDE[name] for name in FIELDS[field]])


def snapshots(members: Iterable[xr.Dataset], field: str) -> np.ndarray:
    """The vectors of all members as columns (size, members)."""
    return np.stack([snapshot(member, field) for member in members], axis=1)


def quantities(vector: np.ndarray, field: str, like: xr.Dataset) -> dict[str, np.ndarray]:
    """The quantities in a vector (size,), in stored units and in the shapes that they have in ``like``."""
    ends = np.cumsum([like[name].size for name in FIELDS[field]])
    parts = np.split(vector, ends[:-1])
    return {
        name: MAGNITUDE[name] * part.reshape(like[name].shape) for name, part in zip(FIELDS[field], parts, strict=True)
    }


@dataclass(frozen=True)
class Field:
    """A decomposition and a process for each of its first modes."""

    basis: Basis
    processes: list[Process]

    def predict(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation, (size), at ``inputs`` (d); what the other modes hold counts as unknown."""
        count = len(self.processes)
        pairs = [process.predict(inputs[None]) for process in self.processes]
        mean, sigma = (np.concatenate(part) for part in zip(*pairs, strict=True))
        modes = self.basis.modes[:, :count]
        variance = modes**2 @ sigma**2 + self.basis.left_out(count) ** 2
        return self.basis.mean + modes @ mean, np.sqrt(variance)
