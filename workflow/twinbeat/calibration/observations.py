"""What images show of a ventricle, with its derivative: cavity volume, the walls' radius per AHA segment, strains."""

from collections.abc import Sequence

import numpy as np
import ufl
from dolfinx import fem
from mpi4py import MPI
from petsc4py import PETSc

from ..kinematics import Expr, cofactor
from ..mechanics import ENDOCARDIUM, Ventricle
from ..mechanics.cavity import assemble
from ..units import MM3_PER_ML
from .strains import Strains
from .windows import SEGMENTS, Windows, distance, weight

COUNT = 1 + SEGMENTS


class Observations:
    """Volume (mL), then the radii (mm) of segments 1 to 16 of each of the ``walls`` (tags), of a ventricle's present
    state; then its strains, where some are looked at."""

    def __init__(
        self,
        ventricle: Ventricle,
        windows: Windows,
        walls: Sequence[int] = (ENDOCARDIUM,),
        strains: Strains | None = None,
    ) -> None:
        self.ventricle, self.strains, state = ventricle, strains, ventricle.state
        self._window = fem.Constant(ventricle.domain, np.zeros(5))
        self._parameters = [windows.parameters(segment) for segment in range(1, SEGMENTS + 1)]
        pairs = [self._radius(wall) for wall in walls]
        self._radii = [fem.form(radius) for radius, _ in pairs]
        self._slopes = [fem.form(ufl.derivative(radius, state)) for radius, _ in pairs]
        self._measures = [self._at_rest(fem.form(span)) for _, span in pairs]

    def _radius(self, wall: int) -> tuple[Expr, Expr]:
        """int W r dphi dz and int W dphi dz of a wall as it is now."""
        domain, w = self.ventricle.domain, ufl.split(self.ventricle.state)[0]
        x = ufl.SpatialCoordinate(domain) + w
        outward = cofactor(ufl.Identity(3) + ufl.grad(w)) * ufl.FacetNormal(domain)  # n da
        r = distance(ufl, x[0], x[1])
        spanned = (outward[0] * x[0] + outward[1] * x[1]) / r**2  # dphi dz of da, but for its sign
        away = -1 if wall == ENDOCARDIUM else 1  # n points out of the muscle: there into the cavity
        span = away * weight(ufl, x[0], x[1], x[2], self._window) * spanned
        return span * r * self.ventricle.ds(wall), span * self.ventricle.ds(wall)

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
        """(1 + 16 a wall + curve,): volume in mL, radii in mm, strains."""
        pairs = zip(self._radii, self._measures, strict=True)
        radii = [self._integrals(form) / measures for form, measures in pairs]
        strains = self.strains.values() if self.strains else []
        return np.concatenate([[self.ventricle.cavity_volume()], *radii, strains])

    def slopes(self) -> list[PETSc.Vec]:
        """Derivative of each value with respect to the state (w, p)."""
        volume = self.ventricle.load()
        volume.scale(1 / MM3_PER_ML)
        pairs = zip(self._slopes, self._measures, strict=True)
        radii = (self._slope_of(form, i, measures) for form, measures in pairs for i in range(SEGMENTS))
        return [volume, *radii, *(self.strains.slopes() if self.strains else ())]

    def _slope_of(self, form: fem.Form, i: int, measures: np.ndarray) -> PETSc.Vec:
        self._window.value[:] = self._parameters[i]
        slope = assemble(form)
        slope.scale(1 / measures[i])
        return slope
