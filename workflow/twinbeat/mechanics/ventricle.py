"""One or both ventricles as a quasi-static, incompressible, actively contracting solid.

Reference is the mesh (the end-diastolic shape). U is the displacement from the mesh to the unloaded shape, so that
F0 = (I + grad U)^-1 (Govindjee and Mihalic 1996), and w the one to the deformed shape: F = (I + grad w) F0.
The residual for all test functions (v, q), over the unloaded volume dX0 = dx / det F0, is

    int P : (grad v F0) + q (J - 1) dX0 + springs(v) - sum pressure dV(v) = 0,
    P = d(W(Fe) + Wa + p (J - 1) + k (J - 1)^2)/dF,

with the energy Wa of an active stress and Fe = F, or without it and Fe = F Fa^-1 of an active strain (``materials``),
less what keeps a pair of elements stable that is not so by itself (``elements``).
Springs are relaxed in the unloaded shape: they act on w - U, along its normal (epicardium, base) and across it (base).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import ufl
from dolfinx import fem, mesh
from petsc4py import PETSc

from ..kinematics import Expr, across, cofactor, deformation_gradient, unit
from ..materials import CONTRACTIONS, LAWS, Muscle, incompressible
from ..parameters import Mechanics
from ..units import MM3_PER_ML
from . import springs
from .cavity import ENDOCARDIUM, Per, VolumeLaw, assemble, cavities_of, stiffening
from .elements import PAIRS, clamp
from .inverse import Unloading
from .krylov import Iterative
from .linear import Factorised, Linear
from .newton import Newton, Unknown

Load = Callable[["Ventricle"], Expr]
"""Virtual work (mN mm) of further forces: a linear form in the test functions of a ventricle's ``space``."""


@dataclass(frozen=True)
class Snapshot:
    """State and loads of a ventricle, to come back to."""

    state: np.ndarray
    tension: np.ndarray
    pressure: np.ndarray
    stiffness: float


class Ventricle:
    """A ventricle to be loaded: set ``pressure`` (kPa), ``tension`` (kPa, a field) and ``stiffness`` (kPa), then solve.
    ``stiffening`` (a field, 1) is what scales the stiffness, ``pericardium`` (kPa/mm) the spring on the epicardium.

    ``facet_tags`` are 1 endocardium, 2 epicardium, 3 base, 4 right endocardium. ``fiber`` holds unit vectors on the
    mesh (any space with values at quadrature points), ``sheet`` the same for laws that need it. ``clamped`` facets (a
    tag) do not move. With ``lid`` the load is the derivative of the cavity volume, else a plain follower pressure on
    tag 1 (for surfaces that enclose no cavity). With ``right`` (a field, 1 in the wall of the right ventricle) there
    are two cavities, ``pressure`` being that of the left one. ``external`` is the virtual work of further forces.
    """

    def __init__(
        self,
        domain: mesh.Mesh,
        facet_tags: mesh.MeshTags,
        fiber: fem.Function,
        mechanics: Mechanics,
        *,
        sheet: fem.Function | None = None,
        clamped: int | None = None,
        lid: bool = True,
        right: fem.Function | None = None,
        external: Load | None = None,
        quadrature: int | None = None,
    ) -> None:
        self.domain, self.comm, self.mechanics = domain, domain.comm, mechanics
        self.fiber, self.sheet = fiber, sheet
        self.pair = PAIRS[mechanics.elements]
        self.bulk = self.pair.bulk(mechanics)
        measure = {"metadata": {"quadrature_degree": quadrature or self.pair.quadrature}}
        self.dx = ufl.Measure("dx", domain, **measure)
        self.ds = ufl.Measure("ds", domain, subdomain_data=facet_tags, **measure)
        self.space = fem.functionspace(domain, self.pair.element(domain))
        self.state, self.reference = fem.Function(self.space), fem.Function(self.space)
        self.stiffness = fem.Constant(domain, 2.0)
        self.pressures = [fem.Constant(domain, 0.0) for _ in range(1 if right is None else 2)]
        self.pressure = self.pressures[0]
        self.tension = fem.Function(fem.functionspace(domain, ("DG", 0)))
        self.stiffening = fem.Function(self.tension.function_space)
        self.stiffening.x.array[:] = 1.0
        self.pericardium = fem.Constant(domain, mechanics.pericardium)
        self.bcs = clamp(self.space, facet_tags, clamped)
        self.right = right
        self.cavities = cavities_of(self.state, self.ds, self.pressures, right) if lid else []
        self._build(external)
        self._done = self.snapshot()

    def _build(self, external: Load | None) -> None:
        (w, p), U = ufl.split(self.state), ufl.split(self.reference)[0]
        self._load_form = None if self.cavities else fem.form(self._load(w))
        form = self.internal(w, p, U) - self._load(w)
        if external is not None:
            form -= external(self)
        self.residual_form = fem.form(form)
        self.damping = fem.Constant(self.domain, 0.0)
        jacobian = ufl.derivative(form, self.state) - self.damping * self._bulk_stiffening(w, U)
        self.system = self.linear(jacobian, symmetric=bool(self.cavities))
        self.moved = True  # since the Jacobian was factorised
        self.newton = Newton(self)
        self.inverse: Unloading | None = None
        self._unloaded: Snapshot | None = None

    def linear(self, jacobian: Expr, symmetric: bool = False) -> Linear:
        """The solver that ``mechanics.solver`` chooses for a Jacobian."""
        solver, unknowns = self.mechanics.solver, self.space.dofmap.index_map.size_global
        if solver == "direct" or (solver == "auto" and unknowns <= self.pair.direct):
            return Factorised(jacobian, self.bcs, symmetric)
        compliance = self.pair.compliance(self.mechanics)
        return Iterative(jacobian, self.bcs, self.space, symmetric, 2 * self.bulk, compliance)

    def _bulk_stiffening(self, w: Expr, U: Expr) -> Expr:
        """The part 2 k (J - 1) d2J of the exact Jacobian.

        Away from equilibrium it is large and of either sign (J - 1 is quadratic in the last step): without it Newton's
        method bears load steps ten times larger. At equilibrium it is needed for quadratic convergence.
        """
        v, G = ufl.TestFunctions(self.space)[0], ufl.Identity(3) + ufl.grad(U)
        F = deformation_gradient(w, ufl.inv(G))
        turn = ufl.derivative(cofactor(F), self.state, ufl.TrialFunction(self.space))
        stress = 2 * self.bulk * (ufl.det(F) - 1)
        return stress * ufl.inner(turn, ufl.grad(v) * ufl.inv(G)) * ufl.det(G) * self.dx

    def _load(self, w: Expr) -> Expr:
        if self.cavities:
            return sum(cavity.load for cavity in self.cavities)
        v = ufl.TestFunctions(self.space)[0]
        F, N = deformation_gradient(w), ufl.FacetNormal(self.domain)
        return -self.pressure * ufl.dot(cofactor(F) * N, v) * self.ds(ENDOCARDIUM)

    def internal(self, w: Expr, p: Expr, U: Expr) -> Expr:
        """Virtual work of stresses and springs (mN mm) as a linear form in the test functions of ``space``."""
        v, q = ufl.TestFunctions(self.space)
        G = ufl.Identity(3) + ufl.grad(U)
        F0, per_volume = ufl.inv(G), ufl.det(G)
        F = ufl.variable(deformation_gradient(w, F0))
        P = ufl.diff(self.energy(F, p, *self.axes(G)), F)
        solid = ufl.inner(P, ufl.grad(v) * F0) + q * (ufl.det(F) - 1)
        solid -= self.pair.compliance(self.mechanics) * self.pair.variation(self.domain, p, q)
        around = springs.pericardium(self.pericardium, w - U, v, G, self.ds)
        return solid * per_volume * self.dx + around + springs.base(self.mechanics, w - U, v, G, self.ds)

    def axes(self, G: Expr) -> tuple[Expr, Expr | None]:
        """Unit fibre and sheet direction, perpendicular to each other, in the unloaded shape."""
        f0 = unit(G * self.fiber)
        return f0, None if self.sheet is None else across(G * self.sheet, f0)

    def muscle(self) -> Muscle:
        """The passive law with the present stiffness, which contracts with the present tension."""
        m, stiffness = self.mechanics, self.stiffness * self.stiffening
        return Muscle(LAWS[m.law](m, stiffness), CONTRACTIONS[m.active](m, self.tension))

    def energy(self, F: Expr, p: Expr, f0: Expr, s0: Expr | None) -> Expr:
        """Energy per unloaded volume with the multiplier p, kPa."""
        return self.muscle().energy(F, f0, s0) + incompressible(p, self.bulk, F)

    # --- solving

    def solve(self) -> int:
        """Equilibrium under the present loads, in as many load steps as it takes from the last one; Newton steps taken.

        Raises Quarantined("mechanics-diverged") with the share of the load that was reached.
        """
        steps = self.newton.ramp(self._done, self._wanted())
        self._done = self.snapshot()
        return steps

    def unload(self, pressure: Per) -> None:
        """Find the unloaded shape, given that the mesh is at rest under this cavity pressure (kPa) without tension.

        Leaves the ventricle in that state (w = 0 at this pressure). Raises Quarantined("mechanics-diverged").
        """
        inverse = self.inverse = self.inverse or Unloading(self)
        self.tension.x.array[:] = 0.0
        self.press(pressure)
        end = inverse.snapshot()
        start = self._unloaded or replace(end, pressure=0 * end.pressure, state=np.zeros_like(end.state))
        inverse.restore(start)
        Newton(inverse).ramp(start, end)
        self._unloaded = inverse.snapshot()
        self._rest()

    def _rest(self) -> None:
        """w = 0, with the multiplier of the inverse problem."""
        _, multipliers = self.space.sub(1).collapse()
        self.state.x.array[:] = 0.0
        self.state.x.array[multipliers] = self.reference.x.array[multipliers]
        self._done = self.snapshot()

    def load(self, which: int = 0) -> PETSc.Vec:
        """Forces per pressure of a cavity (mm^2) in the present shape; the caller destroys it."""
        if self.cavities:
            self.volumes()
            return self.cavities[which].slope()
        pressure, self.pressure.value = float(self.pressure.value), 1.0
        load = assemble(self._load_form)
        self.pressure.value = pressure
        return load

    def solve_volume(self, law: VolumeLaw, unknown: Unknown | None = None) -> Per:
        """Equilibrium in which the cavity holds the law's volume, at the cavity pressure (kPa, returned), or another
        ``unknown``, that this takes."""
        self.newton.ramp(self._done, self._wanted(), law, unknown)
        self._done = self.snapshot()
        return self.held()

    def held(self) -> Per:
        """Cavity pressure, kPa."""
        held = [float(pressure.value) for pressure in self.pressures]
        return held[0] if len(held) == 1 else np.array(held)

    def press(self, pressure: Per) -> None:
        """Set the cavity pressure, kPa."""
        for constant, value in zip(self.pressures, np.atleast_1d(pressure), strict=True):
            constant.value = value

    def _wanted(self) -> Snapshot:
        return replace(self.snapshot(), state=self._done.state)

    def apply(self, start: Snapshot, end: Snapshot, share: float) -> None:
        """Set the loads this share of the way from ``start`` to ``end``."""
        self.tension.x.array[:] = (1 - share) * start.tension + share * end.tension
        self.press((1 - share) * start.pressure + share * end.pressure)
        self.stiffness.value = (1 - share) * start.stiffness + share * end.stiffness

    def residual(self) -> PETSc.Vec:
        """Out-of-balance forces at the present state (mN), zero on clamped dofs; the caller destroys it."""
        self.volumes()
        vector = assemble(self.residual_form)
        for cavity in self.cavities:
            cavity.carry(vector)
        for bc in self.bcs:
            bc.set(vector.array_w, alpha=0.0)
        return vector

    def factorise(self, damping: float = 0.0) -> Linear:
        """The Jacobian of ``residual`` at the present state, factorised; exact but for ``damping``."""
        self.damping.value, self.moved = damping, damping > 0
        self.volumes()
        self.system.update(*stiffening(self.cavities))
        return self.system

    @property
    def jacobian(self) -> Linear:
        """The exact Jacobian at the equilibrium found last, factorised."""
        return self.factorise() if self.moved else self.system

    def snapshot(self) -> Snapshot:
        """State and loads as they are."""
        return self.snapshot_of(self.state)

    def snapshot_of(self, state: fem.Function) -> Snapshot:
        """A state (this one or the reference) with the present loads."""
        return Snapshot(
            state.x.array.copy(),
            self.tension.x.array.copy(),
            np.atleast_1d(self.held()),
            float(self.stiffness.value),
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot, which becomes the start of the next load steps."""
        self.state.x.array[:] = snapshot.state
        self.apply(snapshot, snapshot, 1.0)
        self._done = snapshot

    # --- looking at it

    def volumes(self) -> np.ndarray:
        """Volumes (cavity,) in mL; sets the heights of the lids."""
        return np.array([cavity.volume() for cavity in self.cavities]) / MM3_PER_ML

    def cavity_volume(self) -> float:
        """Volume of the left cavity in mL."""
        return float(self.volumes()[0])

    def displacement(self) -> fem.Function:
        """w (mm), a function of its own on the displacement space."""
        return self.state.sub(0).collapse()
