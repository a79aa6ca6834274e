"""Fibre strain of the AHA segments."""

from typing import TYPE_CHECKING

import numpy as np
import ufl
from dolfinx import fem
from mpi4py import MPI

from ..fibers import SEGMENTS
from ..kinematics import green_lagrange
from .cavity import assemble

if TYPE_CHECKING:
    from .ventricle import Ventricle


class FiberStrain:
    """Mean Green-Lagrange strain along the fibres per segment, from end-diastole (the mesh) to the present shape.

    ``segments`` is the AHA segment of each local cell, ghosts included.
    """

    def __init__(self, ventricle: "Ventricle", segments: np.ndarray) -> None:
        self.comm = ventricle.comm
        space = fem.functionspace(ventricle.domain, ("DG", 0))
        w, share = ufl.split(ventricle.state)[0], ufl.TestFunction(space)
        strain = ufl.dot(ventricle.fiber, green_lagrange(ufl.Identity(3) + ufl.grad(w)) * ventricle.fiber)
        self._strain = fem.form(strain * share * ventricle.dx)
        self._owned = np.asarray(segments[: space.dofmap.index_map.size_local], dtype=np.int64)
        self._volume = self._summed(fem.form(share * ventricle.dx))

    def _summed(self, form: fem.Form) -> np.ndarray:
        cells = assemble(form)
        sums = np.bincount(self._owned, weights=cells.getArray(readonly=True), minlength=len(SEGMENTS) + 1)[1:]
        cells.destroy()
        return self.comm.allreduce(sums, op=MPI.SUM)

    def __call__(self) -> np.ndarray:
        """Strain (segment,) of the present state; 0 where a segment has no cell."""
        return np.divide(self._summed(self._strain), self._volume, out=np.zeros(len(SEGMENTS)), where=self._volume > 0)
