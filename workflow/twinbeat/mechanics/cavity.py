"""A cavity below a flat lid: its volume, and the pressure load as the exact derivative of that volume.

The lid lies across the third axis at the mean height b of the deformed base of the cavity's own wall. With
phi = (x3 - b) e3 (divergence 1, zero on the lid) the volume is V = -int_endocardium phi . n da. Because b is the mean
of the base's height,

    dV(v) = -int (...)(v) + A dV/db b(v),   A = int_endocardium n3 da,

and the second term is a uniform traction on the base: the force on the valve plane is carried by the annulus, as in
Regazzoni et al. 2022 (doi 10.1016/j.jcp.2022.111083, eq. 15). So the pressure's work is exactly p dV.
"""

from collections.abc import Callable, Sequence

import numpy as np
import ufl
from dolfinx import fem
from dolfinx.fem import petsc as fem_petsc
from mpi4py import MPI
from petsc4py import PETSc

from ..kinematics import Expr, cofactor

ENDOCARDIUM, EPICARDIUM, BASE, RIGHT_ENDOCARDIUM = 1, 2, 3, 4

Per = np.ndarray | float
"""A number for the only cavity, or one per cavity (cavity,)."""

VolumeLaw = Callable[[np.ndarray], tuple[Per, Per]]
"""Pressures (cavity,) in kPa -> the volume that the circulation holds (mL) and its derivative (mL/kPa)."""


class Cavity:
    """Volume (mm^3) of a cavity of a displaced mesh, its derivatives by the mixed state (w, p), and its pressure (kPa).

    ``endocardium`` is the tag of its surface, ``wall`` 1 in the cells whose base bears its lid and 0 in others.
    """

    def __init__(
        self,
        state: fem.Function,
        ds: ufl.Measure,
        pressure: fem.Constant,
        endocardium: int = ENDOCARDIUM,
        wall: Expr | float = 1.0,
    ) -> None:
        domain, space = state.function_space.mesh, state.function_space
        self.comm, self.pressure = domain.comm, pressure
        self.height = fem.Constant(domain, 0.0)
        w, (v, _) = ufl.split(state)[0], ufl.TestFunctions(space)
        x3 = ufl.SpatialCoordinate(domain)[2]
        n3 = (cofactor(ufl.Identity(3) + ufl.grad(w)) * ufl.FacetNormal(domain))[2]
        self.form = -(x3 + w[2] - self.height) * n3 * ds(endocardium)
        self._volume, self._area = fem.form(self.form), fem.form(n3 * ds(endocardium))
        self._slope = fem.form(ufl.derivative(self.form, state))
        self._area_slope = fem.form(ufl.derivative(n3 * ds(endocardium), state))
        per_area = fem.Constant(domain, 1.0)  # of the base
        per_area.value = 1 / self._sum(fem.form(per_area * wall * ds(BASE)))
        self._height = fem.form(per_area * wall * (x3 + w[2]) * ds(BASE))
        self.height_slope = assemble(fem.form(per_area * wall * v[2] * ds(BASE)))
        self.load = pressure * ufl.derivative(self.form, state)

    def _sum(self, form: fem.Form) -> float:
        return float(self.comm.allreduce(fem.assemble_scalar(form), op=MPI.SUM))

    def volume(self) -> float:
        """Volume in mm^3; sets the height of the lid."""
        self.height.value = self._sum(self._height)
        return self._sum(self._volume)

    def area(self) -> float:
        """A = dV/db = int n3 da over the endocardium, mm^2 (positive: the lid's area)."""
        return self._sum(self._area)

    def slope(self) -> PETSc.Vec:
        """dV/d(w, p), mm^2; the caller destroys it."""
        slope = assemble(self._slope)
        slope.axpy(self.area(), self.height_slope)
        return slope

    def area_slope(self) -> PETSc.Vec:
        """dA/d(w, p), mm; the caller destroys it."""
        return assemble(self._area_slope)

    def carry(self, forces: PETSc.Vec) -> None:
        """Take the lid's part of the load, which ``load`` lacks, from forces (mN)."""
        forces.axpy(-float(self.pressure.value) * self.area(), self.height_slope)

    def stiffening(self) -> tuple[list[PETSc.Vec], np.ndarray]:
        """Z and M of Z M Z^T, by which the lid changes the Jacobian of the forces."""
        columns = [self.height_slope, self.area_slope()]
        return columns, -float(self.pressure.value) * np.array([[0.0, 1.0], [1.0, 0.0]])


def cavities_of(
    state: fem.Function, ds: ufl.Measure, pressures: Sequence[fem.Constant], right: fem.Function | None
) -> list[Cavity]:
    """The left cavity, and the right one where a field ``right`` (1 or 0 per cell) says which wall is its own."""
    if right is None:
        return [Cavity(state, ds, pressures[0])]
    return [
        Cavity(state, ds, pressures[0], ENDOCARDIUM, 1 - right),
        Cavity(state, ds, pressures[1], RIGHT_ENDOCARDIUM, right),
    ]


def stiffening(cavities: Sequence[Cavity]) -> tuple[list[PETSc.Vec], np.ndarray]:
    """Z and M of all cavities."""
    parts = [cavity.stiffening() for cavity in cavities]
    weights = np.zeros((2 * len(parts), 2 * len(parts)))
    for i, (_, block) in enumerate(parts):
        weights[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = block
    return [column for columns, _ in parts for column in columns], weights


def assemble(form: fem.Form) -> PETSc.Vec:
    """Vector of a linear form, summed over ranks."""
    vector = fem_petsc.assemble_vector(form)
    vector.ghostUpdate(addv=PETSc.InsertMode.ADD, mode=PETSc.ScatterMode.REVERSE)
    return vector
