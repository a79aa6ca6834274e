"""The unloaded shape of a ventricle whose mesh is loaded (Govindjee and Mihalic 1996, 10.1016/0045-7825(96)01069-X).

The residual is that of the forward problem at w = 0; the unknowns are U (mesh to unloaded shape) and the multiplier.
"""

from typing import TYPE_CHECKING

import numpy as np
import ufl
from dolfinx import fem
from petsc4py import PETSc

from . import work
from .cavity import assemble
from .linear import Linear

if TYPE_CHECKING:
    from .ventricle import Snapshot, Ventricle


class Unloading:
    """Finds ``ventricle.reference`` = (U, multiplier) so that the mesh is in equilibrium at the ventricle's loads.

    It has the interface that ``Newton`` solves. Its state is the ventricle's reference.
    """

    cavities = ()

    def __init__(self, ventricle: "Ventricle") -> None:
        self.ventricle, self.state = ventricle, ventricle.reference
        U, p = ufl.split(self.state)
        rest = fem.Constant(ventricle.domain, np.zeros(3))
        form = ventricle.internal(rest, p, U)
        self.residual_form = fem.form(form)
        self.moved = True  # since the Jacobian was factorised
        self._jacobian = ventricle.linear(ufl.derivative(form, self.state))
        self.stiffness_form = fem.form(work.passive(ventricle, rest, U))
        self.loads = _loads_at_rest(ventricle)

    def residual(self) -> PETSc.Vec:
        """Out-of-balance forces on the mesh (mN); the caller destroys it."""
        vector = assemble(self.residual_form)
        for pressure, load in zip(self.ventricle.pressures, self.loads, strict=True):
            vector.axpy(-float(pressure.value), load)
        for bc in self.ventricle.bcs:
            bc.set(vector.array_w, alpha=0.0)
        return vector

    def factorise(self, damping: float = 0.0) -> Linear:
        """Jacobian of ``residual`` with respect to (U, multiplier), always exact: only the forward one is damped."""
        self.moved = False
        self._jacobian.update()
        return self._jacobian

    def snapshot(self) -> "Snapshot":
        """State and loads as they are."""
        return self.ventricle.snapshot_of(self.state)

    def restore(self, snapshot: "Snapshot") -> None:
        """Go back to a snapshot."""
        self.state.x.array[:] = snapshot.state
        self.apply(snapshot, snapshot, 1.0)

    def apply(self, start: "Snapshot", end: "Snapshot", share: float) -> None:
        """Set the loads this share of the way from ``start`` to ``end``."""
        self.ventricle.apply(start, end, share)


def _loads_at_rest(ventricle: "Ventricle") -> list[PETSc.Vec]:
    """Forces per pressure of each cavity (mm^2) on the mesh itself."""
    state = ventricle.state.x.array.copy()
    ventricle.state.x.array[:] = 0.0
    loads = [ventricle.load(which) for which in range(len(ventricle.pressures))]
    ventricle.state.x.array[:] = state
    return loads
