"""What an image shows of a ventricle, with its derivative: cavity volume, and endocardial radius per AHA segment."""

import numpy as np
import ufl
from dolfinx import fem
from mpi4py import MPI
from petsc4py import PETSc

from ..kinematics import cofactor
from ..mechanics import ENDOCARDIUM, Ventricle
from ..mechanics.cavity import assemble
from ..units import MM3_PER_ML
from .windows import SEGMENTS, Windows, distance, weight

COUNT = 1 + SEGMENTS


class Observations:
    """Volume (mL), then the radii (mm) of segments 1 to 16, of a ventricle's present state."""

    def __init__(self, ventricle: Ventricle, windows: Windows) -> None:
        self.ventricle, domain, state = ventricle, ventricle.domain, ventricle.state
        self._window = fem.Constant(domain, np.zeros(5))
        self._parameters = [windows.parameters(segment) for segment in range(1, SEGMENTS + 1)]
        w = ufl.split(state)[0]
        x = ufl.SpatialCoordinate(domain) + w
        inward = cofactor(ufl.Identity(3) + ufl.grad(w)) * ufl.FacetNormal(domain)  # n da points into the cavity
        r = distance(ufl, x[0], x[1])
        spanned = -(inward[0] * x[0] + inward[1] * x[1]) / r**2  # dphi dz of da
        seen = weight(ufl, x[0], x[1], x[2], self._window) * spanned
        self._radius = fem.form(seen * r * ventricle.ds(ENDOCARDIUM))
        self._slope = fem.form(ufl.derivative(seen * r * ventricle.ds(ENDOCARDIUM), state))
        self._measures = self._at_rest(fem.form(seen * ventricle.ds(ENDOCARDIUM)))

    def _at_rest(self, form: fem.Form) -> np.ndarray:
        present = self.ventricle.state.x.array.copy()
        self.ventricle.state.x.array[:] = 0.0
        values = self._integrals(form)
        self.ventricle.state.x.array[:] = present
        return values

    def _integrals(self, form: fem.Form) -> np.ndarray:
        values = np.zeros(SEGMENTS)
        for i, window in enumerate(self._parameters):
            self._window.value[:] = window
            values[i] = fem.assemble_scalar(form)
        return self.ventricle.comm.allreduce(values, op=MPI.SUM)

    def values(self) -> np.ndarray:
        """(17,): volume in mL, radii in mm."""
        return np.concatenate([[self.ventricle.cavity_volume()], self._integrals(self._radius) / self._measures])

    def slopes(self) -> list[PETSc.Vec]:
        """Derivative of each value with respect to the state (w, p)."""
        volume = self.ventricle.load()
        volume.scale(1 / MM3_PER_ML)
        return [volume, *(self._slope_of(i) for i in range(SEGMENTS))]

    def _slope_of(self, i: int) -> PETSc.Vec:
        self._window.value[:] = self._parameters[i]
        slope = assemble(self._slope)
        slope.scale(1 / self._measures[i])
        return slope
