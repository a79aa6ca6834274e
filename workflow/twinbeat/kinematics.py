"""Kinematics of finite deformation, in UFL (Holzapfel 2000, chapter 2)."""

from typing import Any

import ufl

Expr = Any
"""A UFL expression."""


def deformation_gradient(displacement: Expr, prestrain: Expr | None = None) -> Expr:
    """F = (I + grad w) F0, (3, 3): from the unloaded shape, through the shape of the mesh (F0), to the deformed one."""
    step = ufl.Identity(3) + ufl.grad(displacement)
    return step if prestrain is None else step * prestrain


def green_lagrange(F: Expr) -> Expr:
    """E = (F^T F - I) / 2, (3, 3)."""
    return (F.T * F - ufl.Identity(3)) / 2


def strain_rate(F: Expr, rate: Expr) -> Expr:
    """Edot = sym(F^T Fdot), (3, 3), for the rate Fdot of F."""
    return ufl.sym(F.T * rate)


def cofactor(F: Expr) -> Expr:
    """cof F = det F F^-T, (3, 3); n da = cof F N dA (Nanson)."""
    return ufl.det(F) * ufl.inv(F).T


def unit(a: Expr) -> Expr:
    """a / |a|, (3,)."""
    return a / ufl.sqrt(ufl.dot(a, a))


def across(a: Expr, f: Expr) -> Expr:
    """The unit vector along the part of a that is perpendicular to the unit vector f, (3,)."""
    return unit(a - ufl.dot(a, f) * f)
