"""The moving wall: finite elastodynamics of a nearly incompressible, viscous, contracting solid.

Reference is the unloaded shape, which is the mesh. For all test functions w, with a, v, u of ``timescheme``,

    int rho a . w + (P + F S) : grad w dX + sum_supports int (k u + c v) . w dA + sum_cavities int p cof F N . w dA = 0,
    P = d(W + Wa + U(J)) / dF,   S = eta Edot;

supports with ``normal`` hold u . N only. Units are mm, ms, mg: forces are mN, pressures kPa, densities mg/mm^3 (1 for
1000 kg/m^3), viscosities kPa ms, springs kPa/mm, dashpots kPa ms/mm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import ufl
from dolfinx import fem, mesh
from dolfinx.fem import petsc as fem_petsc
from mpi4py import MPI
from petsc4py import PETSc

from ..kinematics import Expr, cofactor, strain_rate
from ..materials import Law, active, compressible, viscous
from .cavity import assemble
from .chord import Chord
from .linear import Factorised
from .timescheme import BENCHMARK, GeneralisedAlpha

QUADRATURE = 4  # degree of the rule


@dataclass(frozen=True)
class Support:
    """Springs (kPa/mm) and dashpots (kPa ms/mm) on the facets of a tag, along the reference normal or in all
    directions."""

    tag: int
    spring: float
    dashpot: float
    normal: bool


@dataclass(frozen=True)
class Wall:
    """Passive law, density (mg/mm^3), viscosity (kPa ms) and bulk modulus (kPa) of the wall, and its supports."""

    law: Law
    density: float
    viscosity: float
    bulk: float
    supports: Sequence[Support] = ()


class Motion:
    """A wall in motion: set ``tension`` (kPa) and ``pressures`` (tag -> kPa), then ``step``.

    ``fiber`` and ``sheet`` hold unit vectors on the mesh, perpendicular to each other; ``loaded`` are the tags of
    facets that bear a pressure, ``clamped`` that of facets that do not move; ``tolerance`` (mm) is for displacements.
    """

    def __init__(
        self,
        domain: mesh.Mesh,
        facet_tags: mesh.MeshTags,
        wall: Wall,
        fiber: Expr,
        sheet: Expr | None = None,
        *,
        loaded: Sequence[int] = (),
        clamped: int | None = None,
        scheme: GeneralisedAlpha = BENCHMARK,
        tolerance: float = 1e-5,
        degree: int = 2,
    ) -> None:
        self.domain, self.comm, self.wall, self.scheme = domain, domain.comm, wall, scheme
        self.fiber, self.sheet = fiber, sheet
        measure = {"metadata": {"quadrature_degree": QUADRATURE}}
        self.dx = ufl.Measure("dx", domain, **measure)
        self.ds = ufl.Measure("ds", domain, subdomain_data=facet_tags, **measure)
        self.space = fem.functionspace(domain, ("Lagrange", degree, (3,)))
        self.u, self.v, self.a, self._between, self._drift, self._push = (fem.Function(self.space) for _ in range(6))
        self.tension = fem.Constant(domain, 0.0)
        self.pressures = {tag: fem.Constant(domain, 0.0) for tag in loaded}
        self.time, self._dt = 0.0, 0.0
        self._per_u = [fem.Constant(domain, 0.0) for _ in range(2)]  # slopes of v_f and a_m
        self.bcs = self._clamps(facet_tags, clamped)
        velocity, acceleration = (
            slope * self._between + rest for slope, rest in zip(self._per_u, (self._drift, self._push), strict=True)
        )
        self._residual_form = fem.form(self.work(self._between, velocity, acceleration))
        jacobian = Factorised(self._jacobian(self._between, velocity), self.bcs, symmetric=True)
        self.chord = Chord(self._between, self._residual, jacobian, tolerance)

    def _clamps(self, tags: mesh.MeshTags, tag: int | None) -> Sequence[fem.DirichletBC]:
        if tag is None:
            return []
        dofs = fem.locate_dofs_topological(self.space, 2, tags.find(tag))
        return [fem.dirichletbc(np.zeros(3), dofs, self.space)]

    # --- forms

    def energy(self, F: Expr) -> Expr:
        """Energy per volume, kPa: passive, of the tension, of the change of volume."""
        passive = self.wall.law.energy(F, self.fiber, self.sheet)
        return passive + active(self.tension, F, self.fiber) + compressible(self.wall.bulk, F)

    def work(self, u: Expr, v: Expr, a: Expr) -> Expr:
        """Virtual work of inertia and of all forces (mN mm) as a linear form."""
        w = ufl.TestFunction(self.space)
        return ufl.inner(self.wall.density * a, w) * self.dx + self._forces(u, v) + self._pressure(u)

    def _forces(self, u: Expr, v: Expr) -> Expr:
        w = ufl.TestFunction(self.space)
        form = self._elastic(u) + sum(self._held(s, s.spring * u + s.dashpot * v, w) for s in self.wall.supports)
        if self.wall.viscosity == 0:
            return form
        F = ufl.Identity(3) + ufl.grad(u)
        return form + ufl.inner(F * viscous(self.wall.viscosity, F, ufl.grad(v)), ufl.grad(w)) * self.dx

    def _elastic(self, u: Expr) -> Expr:
        F = ufl.variable(ufl.Identity(3) + ufl.grad(u))
        return ufl.inner(ufl.diff(self.energy(F), F), ufl.grad(ufl.TestFunction(self.space))) * self.dx

    def _held(self, support: Support, force: Expr, w: Expr) -> Expr:
        N = ufl.FacetNormal(self.domain)
        product = ufl.dot(force, N) * ufl.dot(w, N) if support.normal else ufl.dot(force, w)
        return product * self.ds(support.tag)

    def _pressure(self, u: Expr) -> Expr:
        """Follower pressures; 0 without any."""
        w, N = ufl.TestFunction(self.space), ufl.FacetNormal(self.domain)
        area = cofactor(ufl.Identity(3) + ufl.grad(u)) * N
        return sum(p * ufl.dot(area, w) * self.ds(tag) for tag, p in self.pressures.items())

    def _jacobian(self, u: fem.Function, v: Expr) -> Expr:
        """The derivative of ``work`` by u_f but for its skew part, which the chord method does without.

        Skew are the edges of the loaded surfaces, and that the viscous force changes with the shape.
        """
        d, w, wall = ufl.TrialFunction(self.space), ufl.TestFunction(self.space), self.wall
        per_velocity, per_acceleration = self._per_u
        F = ufl.Identity(3) + ufl.grad(u)
        form = per_acceleration * wall.density * ufl.inner(d, w) * self.dx + ufl.derivative(self._elastic(u), u, d)
        if self.pressures:
            pressure = ufl.derivative(self._pressure(u), u, d)
            form += 0.5 * (pressure + ufl.adjoint(pressure))
        form += sum(self._held(s, (s.spring + per_velocity * s.dashpot) * d, w) for s in wall.supports)
        if wall.viscosity == 0:
            return form
        stress = viscous(wall.viscosity, F, ufl.grad(v))
        change = wall.viscosity * per_velocity * strain_rate(F, ufl.grad(d))
        return form + ufl.inner(ufl.grad(d) * stress + F * change, ufl.grad(w)) * self.dx

    def _residual(self) -> PETSc.Vec:
        vector = assemble(self._residual_form)
        for bc in self.bcs:
            bc.set(vector.array_w, alpha=0.0)
        return vector

    # --- time

    def start(self) -> None:
        """Set the acceleration that the forces at the present u and v ask for."""
        w, d = ufl.TestFunction(self.space), ufl.TrialFunction(self.space)
        mass = fem.form(self.wall.density * ufl.inner(d, w) * self.dx)
        matrix = fem_petsc.assemble_matrix(mass, list(self.bcs))
        matrix.assemble()
        solver = PETSc.KSP().create(self.comm)
        solver.setOperators(matrix)
        solver.setType("cg")
        solver.getPC().setType("jacobi")
        solver.setTolerances(rtol=1e-12)
        forces = assemble(fem.form(self._forces(self.u, self.v) + self._pressure(self.u)))
        for bc in self.bcs:
            bc.set(forces.array_w, alpha=0.0)
        forces.scale(-1.0)
        solver.solve(forces, self.a.x.petsc_vec)
        self.a.x.scatter_forward()

    def step(self, dt: float) -> int:
        """Go on by ``dt`` ms under the present loads, which are those at ``between(dt)``; steps of the chord method.

        Raises Quarantined("mechanics-diverged"), and is then where it was.
        """
        if dt != self._dt:
            self._dt = dt
            for constant, value in zip(self._per_u, self.scheme.slopes(dt), strict=True):
                constant.value = value
            self.chord.forget()
        old = [f.x.array.copy() for f in (self.u, self.v, self.a)]
        self._drift.x.array[:], self._push.x.array[:] = self.scheme.history(dt, *old)
        taken = self.chord.solve(self.scheme.predict(dt, *old[:2]), old[0])
        new = self.scheme.advance(dt, self._between.x.array, *old)
        self.u.x.array[:], self.v.x.array[:], self.a.x.array[:] = new
        self.time += dt
        return taken

    def between(self, dt: float) -> float:
        """The time (ms) within the next step at which its loads count."""
        return self.time + (1 - self.scheme.alpha_f) * dt

    # --- looking at it

    @cached_property
    def _energy_forms(self) -> Sequence[fem.Form]:
        u, v, wall = self.u, self.v, self.wall
        F, rate = ufl.Identity(3) + ufl.grad(u), ufl.grad(v)
        kinetic = wall.density / 2 * ufl.dot(v, v) * self.dx
        stored = self.energy(F) * self.dx + sum(self._held(s, s.spring / 2 * u, u) for s in wall.supports)
        lost = ufl.inner(viscous(wall.viscosity, F, rate), strain_rate(F, rate)) * self.dx
        lost += sum(self._held(s, s.dashpot * v, v) for s in wall.supports)
        return [fem.form(form) for form in (kinetic, stored, lost)]

    def energies(self) -> tuple[float, float, float]:
        """Kinetic and stored energy (mN mm = uJ), springs included, and the power (uJ/ms) that is dissipated."""
        return tuple(self.comm.allreduce(fem.assemble_scalar(form), op=MPI.SUM) for form in self._energy_forms)
