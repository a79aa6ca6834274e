"""Springs about the heart, relaxed in its unloaded shape: virtual work (mN mm) of a displacement d from there.

They act along the normal N of the unloaded shape (epicardium, base) and across it (base); G = I + grad U maps the mesh
to that shape, ``v`` is the test displacement.
"""

import ufl
from dolfinx import fem

from ..kinematics import Expr, cofactor
from ..parameters import Mechanics
from .cavity import BASE, EPICARDIUM


def pericardium(stiffness: fem.Constant, d: Expr, v: Expr, G: Expr, ds: ufl.Measure) -> Expr:
    """Along the normal of the epicardium; stiffness in kPa/mm."""
    N, scale = _unloaded_normal(G, ds)
    return stiffness * ufl.dot(d, N) * ufl.dot(v, N) * scale * ds(EPICARDIUM)


def base(mechanics: Mechanics, d: Expr, v: Expr, G: Expr, ds: ufl.Measure) -> Expr:
    """Along the normal of the base and in its plane."""
    m, (N, scale) = mechanics, _unloaded_normal(G, ds)
    normal, everywhere = ufl.dot(d, N) * ufl.dot(v, N), ufl.dot(d, v)
    return ((m.base - m.base_tangential) * normal + m.base_tangential * everywhere) * scale * ds(BASE)


def _unloaded_normal(G: Expr, ds: ufl.Measure) -> tuple[Expr, Expr]:
    """Unit normal of the unloaded shape, and its area per area of the mesh."""
    area = cofactor(G) * ufl.FacetNormal(ds.ufl_domain())
    scale = ufl.sqrt(ufl.dot(area, area))
    return area / scale, scale
