"""Virtual work (mN mm) that is proportional to a property of a ventricle: the derivative of the whole by its logarithm.

As in ``ventricle``, w leads from the mesh to the deformed shape and U to the unloaded one; linear forms in the test
functions of the ventricle's ``space``.
"""

from typing import TYPE_CHECKING

import ufl

from ..kinematics import Expr, deformation_gradient
from . import springs

if TYPE_CHECKING:
    from .ventricle import Ventricle


def passive(ventricle: "Ventricle", w: Expr, U: Expr, within: Expr | None = None) -> Expr:
    """Of the passive stress, whose property is the stiffness; ``within`` (0 or 1): the stiffness there."""
    v, G = ufl.TestFunctions(ventricle.space)[0], ufl.Identity(3) + ufl.grad(U)
    F = ufl.variable(deformation_gradient(w, ufl.inv(G)))
    P = ufl.diff(ventricle.muscle().stored(F, *ventricle.axes(G)), F)
    work = ufl.inner(P, ufl.grad(v) * ufl.inv(G)) * ufl.det(G)
    return (work if within is None else within * work) * ventricle.dx


def enclosing(ventricle: "Ventricle", w: Expr, U: Expr) -> Expr:
    """Of the pericardium, whose property is the stiffness of its spring."""
    v, G = ufl.TestFunctions(ventricle.space)[0], ufl.Identity(3) + ufl.grad(U)
    return springs.pericardium(ventricle.pericardium, w - U, v, G, ventricle.ds)
