"""Equilibria on disk, so that a run that was cut off goes on where it was."""

import hashlib
import shutil
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from mpi4py import MPI

from ..verdicts import PatientStopped
from .cavity import Per
from .ventricle import Snapshot, Ventricle

SAME = 1e-6
"""Largest relative difference of volume and tension at which an equilibrium is the one that is asked for; parallel
factorisations differ by rounding from run to run."""


class Journal:
    """The equilibria of a series of volumes, in a folder; without a folder nothing is kept.

    Used with ``with``: the folder goes when the series is complete or a verdict ended it, and stays when the machine
    did. What another ventricle, another law or another number of ranks left there is not taken, nor what was left under
    another ``name`` of what drives the ventricle.
    """

    def __init__(self, folder: Path | None, ventricle: Ventricle, name: str = "") -> None:
        self.folder, self.ventricle, self.comm = folder, ventricle, ventricle.comm
        self._count = 0
        scales = (float(one.value) for one in (ventricle.stiffness, ventricle.pericardium))
        heart = hashlib.sha256(f"{self.comm.size} {ventricle.mechanics!r} {list(scales)}{name}".encode())
        for values in (ventricle.domain.geometry.x, ventricle.fiber.x.array, ventricle.stiffening.x.array):
            heart.update(np.ascontiguousarray(values).tobytes())
        self._heart = heart.hexdigest()[:16]

    def __enter__(self) -> Self:
        if self.folder is not None and self.comm.rank == 0:
            self.folder.mkdir(parents=True, exist_ok=True)
        self.comm.Barrier()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        ended = error is None or isinstance(error, PatientStopped)
        if self.folder is not None and ended and self.comm.rank == 0:
            shutil.rmtree(self.folder)

    def hold(self, volume: Per) -> Per:
        """Cavity pressure (kPa) at a volume (mL) with the ventricle's tension: recalled, or solved and kept."""
        if (kept := self._recall(volume)) is not None:
            self.ventricle.restore(kept)
        else:
            self.ventricle.solve_volume(lambda _: (volume, 0.0))
            self._keep(volume)
        self._count += 1
        return self.ventricle.held()

    def _path(self) -> Path:
        assert self.folder is not None
        return self.folder / f"{self._heart}-{self.comm.rank}-{self._count:05}.npz"

    def _recall(self, volume: Per) -> Snapshot | None:
        """The next equilibrium of the series, if all ranks have it and it is that of this volume and tension."""
        if self.folder is None:
            return None
        found, tension = None, self.ventricle.tension.x.array
        if self._path().exists():
            with np.load(self._path()) as kept:
                near = np.allclose(kept["tension"], tension, rtol=SAME, atol=SAME)
                if near and np.allclose(kept["volume"], volume, rtol=SAME, atol=0):
                    found = Snapshot(kept["state"], kept["tension"], kept["pressure"], float(kept["stiffness"]))
        return found if self.comm.allreduce(found is not None, op=MPI.MIN) else None

    def _keep(self, volume: Per) -> None:
        """Write what was found; under its name only once it is whole."""
        if self.folder is None:
            return
        path, now = self._path(), self.ventricle.snapshot()
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, volume=volume, **vars(now))
        partial.replace(path)
