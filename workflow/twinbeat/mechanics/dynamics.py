"""Inertia and viscosity of a ventricle that goes from equilibrium to equilibrium: generalised-alpha in time.

Beside the forces of ``ventricle``, with the displacement w from the mesh and F from the unloaded shape, stands

    int rho a_m . v + eta Edot : sym(F^T grad v F0) dX0,   a_m = (1 - alpha_m) a1 + alpha_m a0,

where alpha_f is 0 (Wood, Bossak and Zienkiewicz 1981, doi 10.1002/nme.1620151011), so that volumes, pressures and
tension count at the end of a step, as they do without. Velocity and acceleration follow from w, and Edot from the
strain E, by the formulae of ``timescheme``; so E, not F, goes linearly, and the Jacobian stays symmetric.
"""

from typing import TYPE_CHECKING

import basix
import basix.ufl
import numpy as np
import ufl
from dolfinx import fem

from ..kinematics import Expr, deformation_gradient, green_lagrange
from .probe import everywhere
from .timescheme import GeneralisedAlpha

if TYPE_CHECKING:
    from .ventricle import Ventricle

Array = np.ndarray
SCHEME = GeneralisedAlpha(alpha_m=-1.0, alpha_f=0.0)
"""Of spectral radius 0: what swings faster than steps can follow is gone after one."""


class Dynamics:
    """An ``external`` of one ventricle, which is at rest until ``start``. ``density`` is in mg/mm^3, ``viscosity`` in
    kPa ms. What was found for one time is the past of the next."""

    def __init__(self, density: float, viscosity: float) -> None:
        self.density, self.viscosity = density, viscosity
        self._cycle = self._time = self._step = 0.0
        self._past: list[tuple[Array, Array, Array]] = []  # of w and E: value, rate, second derivative

    def __call__(self, ventricle: "Ventricle") -> Expr:
        """Virtual work (mN mm) of both, as forces on the muscle."""
        self._ventricle, domain = ventricle, ventricle.domain
        w, U = (ufl.split(f)[0] for f in (ventricle.state, ventricle.reference))
        v = ufl.TestFunctions(ventricle.space)[0]
        G = ufl.Identity(3) + ufl.grad(U)
        F0 = ufl.inv(G)
        F = deformation_gradient(w, F0)
        degree = ventricle.dx.metadata()["quadrature_degree"]
        element = basix.ufl.quadrature_element(domain.basix_cell(), value_shape=(3, 3), degree=degree)
        self._push, self._drift = fem.Function(ventricle.space), fem.Function(fem.functionspace(domain, element))
        self._strain = fem.Expression(green_lagrange(F), basix.make_quadrature(domain.basix_cell(), degree)[0])
        self._slopes = [fem.Constant(domain, 0.0) for _ in range(2)]
        per_rate, per_acceleration = self._slopes
        acceleration = per_acceleration * w + ufl.split(self._push)[0]
        stress = self.viscosity * (per_rate * green_lagrange(F) + self._drift)
        work = self.density * ufl.dot(acceleration, v) + ufl.inner(F * stress, ufl.grad(v) * F0)
        return -work * ufl.det(G) * ventricle.dx

    def start(self, cycle: float) -> None:
        """Begin to move, at rest where the ventricle is held next; times come again after a ``cycle`` in ms."""
        self._cycle, self._time, self._past = cycle, np.nan, []
        for constant in self._slopes:
            constant.value = 0.0
        for function in (self._push, self._drift):
            function.x.array[:] = 0.0

    def to(self, time: float) -> None:
        """Prepare the step to a time in ms; again the last one if that is its end."""
        if self._cycle == 0 or time == self._time:
            return
        if not np.isnan(self._time):
            self._past = self._advanced()
            self._step = (time - self._time) % self._cycle
            self._begin()
        self._time = time

    def _advanced(self) -> list[tuple[Array, Array, Array]]:
        """The past, with the step that was found last; before the first one all was at rest."""
        now = [self._ventricle.state.x.array.copy(), self._strains()]
        if not self._past:
            return [(x, np.zeros_like(x), np.zeros_like(x)) for x in now]
        return [SCHEME.advance(self._step, x, *old) for x, old in zip(now, self._past, strict=True)]

    def _begin(self) -> None:
        for constant, value in zip(self._slopes, SCHEME.slopes(self._step), strict=True):
            constant.value = value
        (_, self._push.x.array[:]), (drift, _) = (SCHEME.history(self._step, *old) for old in self._past)
        space = self._drift.function_space
        self._drift.x.array.reshape(-1, 9)[space.dofmap.list] = drift

    def _strains(self) -> Array:
        """E (local cell, point, 9) of the present state, ghosts included."""
        found = everywhere(self._strain, self._ventricle.domain)
        return found.reshape(len(found), -1, 9)
