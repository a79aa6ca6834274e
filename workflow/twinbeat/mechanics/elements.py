"""Pairs of elements for displacement w and multiplier p, by their names in ``mechanics.elements``, and their clamps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import basix.ufl
import numpy as np
import ufl
from dolfinx import fem, mesh

from ..kinematics import Expr
from ..parameters import Mechanics

SPREAD = (4 * np.eye(3) - np.ones((3, 3))) / 80
"""Mean of (X - C) (X - C)^T over the reference tetrahedron with centroid C."""


class Pair(Protocol):
    """Two elements, the degree of the quadrature that they need, and what keeps them stable."""

    quadrature: int
    direct: int
    """Unknowns up to which a factorisation costs less than iterations."""

    def element(self, domain: mesh.Mesh) -> basix.ufl._MixedElement:
        """The mixed element of (w, p); ValueError for cells that the pair does not have."""

    def bulk(self, mechanics: Mechanics) -> float:
        """Modulus (kPa) of k (J - 1)^2 beside the multiplier."""

    def compliance(self, mechanics: Mechanics) -> float:
        """1/kPa: scale of what is taken from the energy for multipliers that vary within elements."""

    def variation(self, domain: mesh.Mesh, p: Expr, q: Expr) -> Expr:
        """(p - mean p) (q - mean q), mean over each element."""


@dataclass(frozen=True)
class TaylorHood:
    """P2/P1 on tetrahedra, Q2/Q1 on hexahedra: stable by itself."""

    quadrature: int = 4
    direct: int = 100_000

    def element(self, domain: mesh.Mesh) -> basix.ufl._MixedElement:
        return _mixed(domain, 2)

    def bulk(self, mechanics: Mechanics) -> float:
        return mechanics.bulk

    def compliance(self, mechanics: Mechanics) -> float:
        return 0.0

    def variation(self, domain: mesh.Mesh, p: Expr, q: Expr) -> Expr:
        return ufl.zero()


@dataclass(frozen=True)
class EqualOrder:
    """P1/P1 on straight tetrahedra with the polynomial pressure projection of Dohrmann and Bochev (2004, doi
    10.1002/fld.752), as Karabelas et al. (2020, doi 10.1007/s00466-019-01760-w) have it for finite strains.

    |p - mean p|^2 / (2 mu) is taken from the energy. On a straight tetrahedron p - mean p = (grad p) . (x - centre),
    so its square has the mean (J^T grad p) . SPREAD (J^T grad p) with the cell's Jacobian J. There is no bulk term:
    det F is constant in an element, where the term would lock (it works against the mean of J, not its variation).
    """

    quadrature: int = 2
    direct: int = 50_000

    def element(self, domain: mesh.Mesh) -> basix.ufl._MixedElement:
        if domain.basix_cell() != basix.CellType.tetrahedron or domain.geometry.cmap.degree != 1:
            raise ValueError(f"equal-order elements are straight tetrahedra: got {domain.ufl_cell()}s of another kind")
        return _mixed(domain, 1)

    def bulk(self, mechanics: Mechanics) -> float:
        return 0.0

    def compliance(self, mechanics: Mechanics) -> float:
        return 1 / mechanics.stabilisation

    def variation(self, domain: mesh.Mesh, p: Expr, q: Expr) -> Expr:
        J = ufl.Jacobian(domain)
        return ufl.dot(J.T * ufl.grad(p), ufl.as_matrix(SPREAD.tolist()) * (J.T * ufl.grad(q)))


PAIRS: dict[str, Pair] = {"taylor-hood": TaylorHood(), "equal-order": EqualOrder()}


def _mixed(domain: mesh.Mesh, degree: int) -> basix.ufl._MixedElement:
    cell = domain.basix_cell()
    return basix.ufl.mixed_element(
        [basix.ufl.element("Lagrange", cell, degree, shape=(3,)), basix.ufl.element("Lagrange", cell, 1)]
    )


def clamp(space: fem.FunctionSpace, tags: mesh.MeshTags, tag: int | None) -> Sequence[fem.DirichletBC]:
    """No displacement on the facets of a tag; nothing for None."""
    if tag is None:
        return []
    collapsed, _ = space.sub(0).collapse()
    dofs = fem.locate_dofs_topological((space.sub(0), collapsed), 2, tags.find(tag))
    return [fem.dirichletbc(fem.Function(collapsed), dofs, space.sub(0))]
