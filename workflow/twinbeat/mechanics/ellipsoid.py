"""Fibres of a truncated ellipsoid, as the elastodynamics benchmark prescribes them (doi 10.1016/j.cma.2024.117485).

At the harmonic share t of the wall (0 at the endocardium), semi-axes r(t) are linear in t,

    x = (r_l cos u, r_s sin u cos v, r_s sin u sin v),

the fibre is sin alpha e_u + cos alpha e_v with alpha linear in t, and the sheet lies in the wall, across it.
"""

from dataclasses import dataclass

import basix.ufl
import numpy as np
import ufl
from dolfinx import fem, mesh
from dolfinx.fem.petsc import LinearProblem

from ..kinematics import Expr, unit
from .cavity import ENDOCARDIUM, EPICARDIUM
from .motion import QUADRATURE


@dataclass(frozen=True)
class Ellipsoid:
    """Short and long semi-axes (mm) and angle of the fibres (degree), each at the endocardium and the epicardium."""

    short: tuple[float, float] = (25.0, 35.0)
    long: tuple[float, float] = (90.0, 97.0)
    angle: tuple[float, float] = (-60.0, 60.0)

    def directions(self, domain: mesh.Mesh, facet_tags: mesh.MeshTags) -> tuple[fem.Function, fem.Function]:
        """Fibre and sheet at the quadrature points of a mesh in mm about the ellipsoid's centre, its apex at -x."""
        t = share(domain, facet_tags)
        (r_s, r_l, alpha) = (ends[0] + (ends[1] - ends[0]) * t for ends in (self.short, self.long, self.angle))
        x, y, z = ufl.SpatialCoordinate(domain)
        u, v = ufl.atan2(ufl.sqrt(y**2 + z**2) / r_s, x / r_l), ufl.atan2(z, y)
        cos, sin = ufl.cos(v), ufl.sin(v)
        e_u = unit(ufl.as_vector([-r_l * ufl.sin(u), r_s * ufl.cos(u) * cos, r_s * ufl.cos(u) * sin]))
        e_v = ufl.as_vector([0 * x, -sin, cos])
        alpha = np.pi / 180 * alpha
        fiber = ufl.sin(alpha) * e_u + ufl.cos(alpha) * e_v
        sheet = ufl.cos(alpha) * e_u - ufl.sin(alpha) * e_v
        return at_quadrature(domain, fiber), at_quadrature(domain, sheet)


def share(domain: mesh.Mesh, facet_tags: mesh.MeshTags) -> fem.Function:
    """The quadratic function that is 0 on the endocardium, 1 on the epicardium and harmonic between them."""
    space = fem.functionspace(domain, ("Lagrange", 2))
    p, q = ufl.TrialFunction(space), ufl.TestFunction(space)
    bcs = [
        fem.dirichletbc(value, fem.locate_dofs_topological(space, 2, facet_tags.find(tag)), space)
        for tag, value in ((ENDOCARDIUM, 0.0), (EPICARDIUM, 1.0))
    ]
    options = {"ksp_type": "preonly", "pc_type": "lu", "pc_factor_mat_solver_type": "mumps"}
    form, none = ufl.inner(ufl.grad(p), ufl.grad(q)) * ufl.dx, fem.Constant(domain, 0.0) * q * ufl.dx
    return LinearProblem(form, none, bcs, petsc_options=options).solve()


def at_quadrature(domain: mesh.Mesh, direction: Expr) -> fem.Function:
    """A vector (3,) at the quadrature points of ``Motion``."""
    element = basix.ufl.quadrature_element(domain.basix_cell(), value_shape=(3,), degree=QUADRATURE)
    function = fem.Function(fem.functionspace(domain, element))
    function.interpolate(fem.Expression(direction, element.custom_quadrature()[0]))
    return function
