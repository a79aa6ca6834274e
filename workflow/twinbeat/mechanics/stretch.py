"""A ventricle whose tension depends on its stretch: what holds a step to the tension that it will have in its end."""

from typing import Any

import basix
import basix.ufl
import numpy as np
import ufl
from dolfinx import fem, mesh

from ..kinematics import Expr, deformation_gradient
from .probe import everywhere
from .ventricle import Load, Ventricle

Array = np.ndarray


class Contractile(Ventricle):
    """A ventricle with the further energy D/2 (e - e0)^2, e = (|F f0|^2 - 1)/2: stress Ta + D (e - e0) along fibres.

    ``slope`` D (kPa, per cell) is how tension follows the strain e, ``anchor`` e0 the strain (at quadrature points) of
    the state at which ``tension`` was taken. Where e is e0 the ventricle is as without.
    """

    def __init__(self, domain: mesh.Mesh, facet_tags: mesh.MeshTags, fiber: fem.Function, *args: Any, **chosen: Any):
        self.slope = fem.Function(fem.functionspace(domain, ("DG", 0)))
        super().__init__(domain, facet_tags, fiber, *args, **chosen)

    def _build(self, external: Load | None) -> None:
        degree = self.pair.quadrature
        element = basix.ufl.quadrature_element("tetrahedron", value_shape=(), degree=degree)
        self.anchor = fem.Function(fem.functionspace(self.domain, element))
        points, weights = basix.make_quadrature(basix.CellType.tetrahedron, degree)
        self._shares = weights / weights.sum()
        G = ufl.Identity(3) + ufl.grad(ufl.split(self.reference)[0])
        F = deformation_gradient(ufl.split(self.state)[0], ufl.inv(G))
        self._strain = fem.Expression(along(F, self.axes(G)[0]), points)
        super()._build(external)

    def energy(self, F: Expr, p: Expr, f0: Expr, s0: Expr | None) -> Expr:
        """Energy per unloaded volume with the multiplier p, kPa."""
        return super().energy(F, p, f0, s0) + self.slope / 2 * (along(F, f0) - self.anchor) ** 2

    def strain(self) -> Array:
        """e (local cell, point) of the present state, from the unloaded shape, ghosts included."""
        return everywhere(self._strain, self.domain)

    def stretch(self, strain: Array) -> Array:
        """Stretch (local cell,) of the mean of a strain (local cell, point)."""
        return np.sqrt(1 + 2 * strain @ self._shares)

    def follow(self, tension: Array, slope: Array, strain: Array) -> None:
        """Let tension (local cell,) in kPa go with a ``slope`` from its value at a strain (local cell, point)."""
        self.tension.x.array[:], self.slope.x.array[:] = tension, slope
        self.anchor.x.array[self.anchor.function_space.dofmap.list] = strain


def along(F: Expr, f0: Expr) -> Expr:
    """Green-Lagrange strain along the unit vector f0 of the unloaded shape."""
    return (ufl.dot(F * f0, F * f0) - 1) / 2
