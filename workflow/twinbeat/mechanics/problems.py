"""Problems with a known answer: Land et al. 2015 (doi 10.1098/rspa.2015.0641) and a manufactured solution.

Tests run them coarse, ``twinbeat.evidence.mechanics`` as fine as their published gates need.
"""

from typing import NamedTuple

import basix.ufl
import dolfinx
import numpy as np
import ufl
import xarray as xr
from dolfinx import fem
from mpi4py import MPI

from .. import fibers
from ..kinematics import Expr
from ..materials import Guccione, incompressible
from ..mesh import synthetic
from ..mesh.distribute import Mapping, to_dolfinx
from ..parameters import Fibers, Mechanics
from .anatomy import from_anatomy
from .elements import PAIRS
from .ventricle import Ventricle

FREE = {"pericardium": "0 kPa/mm", "base": "0 kPa/mm", "base_tangential": "0 kPa/mm"}
CLAMPED = 4  # tag of the clamped face of a box
TIP = np.array([10.0, 0.5, 1.0])  # of problem 1, mm


def box(
    comm: MPI.Comm, corner: tuple[float, float, float], counts: tuple[int, int, int], cell: str
) -> tuple[dolfinx.mesh.Mesh, dolfinx.mesh.MeshTags]:
    """A box from the origin, of ``cell`` "tetrahedron" or "hexahedron"; z = 0 is tag 1, x = 0 tag 4, the rest tag 5."""
    domain = dolfinx.mesh.create_box(comm, [np.zeros(3), np.array(corner)], counts, dolfinx.mesh.CellType[cell])
    domain.topology.create_connectivity(2, 3)
    facets = dolfinx.mesh.exterior_facet_indices(domain.topology)
    middles = dolfinx.mesh.compute_midpoints(domain, 2, facets)
    tags = np.where(middles[:, 0] < 1e-9, CLAMPED, np.where(middles[:, 2] < 1e-9, 1, 5)).astype(np.int32)
    return domain, dolfinx.mesh.meshtags(domain, 2, facets, tags)


def along_x(domain: dolfinx.mesh.Mesh) -> fem.Function:
    """Fibres along x."""
    fiber = fem.Function(fem.functionspace(domain, ("DG", 0, (3,))))
    fiber.x.array.reshape(-1, 3)[:, 0] = 1.0
    return fiber


def beam(comm: MPI.Comm, counts: tuple[int, int, int], cell: str, **chosen: str) -> float:
    """Problem 1: deformed z in mm of the point (10, 0.5, 1) of a beam under a follower pressure from below."""
    return bent(*box(comm, (10.0, 1.0, 1.0), counts, cell), **chosen)


def bent(domain: dolfinx.mesh.Mesh, tags: dolfinx.mesh.MeshTags, **chosen: str) -> float:
    """Problem 1 on a mesh of the beam (``box``); ``chosen`` are entries of ``mechanics``.

    Nothing contracts or is stretched far here, so that the multiplier alone is stable. A bulk term of 10 kPa beside it
    would make coarse elements, in which J is one only on average, stiffer by 2 %.
    """
    mechanics = Mechanics(fiber_exponent=8, transverse_exponent=2, shear_exponent=4, bulk="0 kPa", **FREE, **chosen)
    solid = Ventricle(domain, tags, along_x(domain), mechanics, clamped=CLAMPED, lid=False)
    solid.stiffness.value, solid.pressure.value = 2.0, 0.004
    solid.solve()
    return deformed(solid.displacement(), TIP)[2]


class Ellipsoid(NamedTuple):
    """Deformed z (mm, in the paper's frame) of the endocardial and the epicardial apex; cavity volume in mL."""

    endocardium: float
    epicardium: float
    volume: float


def ellipsoid(comm: MPI.Comm, problem: int, size: float, layers: int, **chosen: str) -> Ellipsoid:
    """Problem 2 or 3 on flat tetrahedra of ``size`` mm."""
    return loaded(*to_dolfinx(synthetic.ellipsoid(size, layers, *synthetic.LAND), comm)[:2], problem, **chosen)


def loaded(domain: dolfinx.mesh.Mesh, tags: dolfinx.mesh.MeshTags, problem: int, **chosen: str) -> Ellipsoid:
    """Problem 2 (passive inflation) or 3 (inflation and contraction) on a mesh whose base plane is z = 0.

    ``chosen`` are entries of ``mechanics``.

    Without tension a quarter of the default bulk term is stable too, and takes half as many Newton steps.
    """
    exponents = (1.0, 1.0, 1.0) if problem == 2 else (8.0, 2.0, 4.0)
    names = ("fiber_exponent", "transverse_exponent", "shear_exponent")
    bulk = "50 kPa" if problem == 2 else "200 kPa"
    mechanics = Mechanics(**dict(zip(names, exponents, strict=True)), bulk=bulk, **FREE, **chosen)
    fiber = land_fibres(domain, PAIRS[mechanics.elements].quadrature)
    solid = Ventricle(domain, tags, fiber, mechanics, clamped=3)
    solid.stiffness.value = 10.0 if problem == 2 else 2.0
    solid.pressure.value = 10.0 if problem == 2 else 15.0
    solid.tension.x.array[:] = 0.0 if problem == 2 else 60.0
    solid.solve()
    heights = apices(solid.displacement())
    return Ellipsoid(*heights, solid.cavity_volume())


def land_fibres(domain: dolfinx.mesh.Mesh, degree: int) -> fem.Function:
    """Fibres of problem 3 at the points of a rule of this degree: 90 degrees at the endocardium, -90 at the epicardium.

    On the ellipsoid of relative depth t, with short radius 7 + 3 t and long radius 17 + 3 t mm, the fibre is
    cos(a) e_v + sin(a) e_u (Land et al. 2015, eq. 2.6): e_u from the apex to the base, e_v around.
    """
    element = basix.ufl.quadrature_element(domain.basix_cell(), value_shape=(3,), degree=degree)
    fiber = fem.Function(fem.functionspace(domain, element))
    points = fem.Expression(ufl.SpatialCoordinate(domain), element.custom_quadrature()[0])
    x, y, z = np.moveaxis(points.eval(domain, np.arange(len(domain.geometry.dofmap))).reshape(-1, 3), -1, 0)
    dofs = fiber.function_space.dofmap.list.ravel()
    fiber.x.array.reshape(-1, 3)[dofs] = _land_fibre(x, y, z + synthetic.LAND[2]).T
    return fiber


def _land_fibre(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    r = np.maximum(np.hypot(x, y), 1e-9)
    low, high = np.full_like(r, -0.2), np.full_like(r, 1.2)
    for _ in range(50):
        t = (low + high) / 2
        outside = (r / (7 + 3 * t)) ** 2 + (z / (17 + 3 * t)) ** 2 > 1
        low, high = np.where(outside, t, low), np.where(outside, high, t)
    angle = np.radians(90 - 180 * np.clip(t, 0, 1))
    v = np.arctan2(y, x)
    cosine, sine = np.clip(z / (17 + 3 * t), -1, 1), np.clip(r / (7 + 3 * t), 0, 1)
    up = np.array([(7 + 3 * t) * cosine * np.cos(v), (7 + 3 * t) * cosine * np.sin(v), -(17 + 3 * t) * sine])
    up = -up / np.linalg.norm(up, axis=0)
    around = np.array([-np.sin(v), np.cos(v), np.zeros_like(v)])
    return np.cos(angle) * around + np.sin(angle) * up


def apices(w: fem.Function) -> tuple[float, float]:
    """Deformed z (mm, in the paper's frame) of the endocardial and the epicardial apex of a displaced ellipsoid."""
    base, depths = synthetic.LAND[2], synthetic.LAND[1]
    endo, epi = (deformed(w, np.array([0.0, 0.0, -base - depth]))[2] + base for depth in depths)
    return float(endo), float(epi)


def deformed(w: fem.Function, point: np.ndarray) -> np.ndarray:
    """Position (3,) in mm, displaced by ``w``, of the node nearest to ``point``, on all ranks."""
    nodes = w.function_space.tabulate_dof_coordinates()
    nearest = int(np.linalg.norm(nodes - point, axis=1).argmin())
    distance = float(np.linalg.norm(nodes[nearest] - point))
    found = w.function_space.mesh.comm.allgather((distance, nodes[nearest] + w.x.array.reshape(-1, 3)[nearest]))
    return min(found, key=lambda pair: pair[0])[1]


def manufactured(comm: MPI.Comm, count: int, cell: str, **chosen: str) -> tuple[float, float, float]:
    """Errors of a solution that is put in: L2 and H1 of the displacement, L2 of the multiplier, relative.

    In the unit cube, w = (0, 0, a x^2 (1 + sin(pi y / 2)) / 2) shears without changing volume, p = b cos(x + z); body
    force -Div P and surface traction P N follow from them by differentiation. The face x = 0 does not move.
    """
    domain, tags = box(comm, (1.0, 1.0, 1.0), (count, count, count), cell)
    x = ufl.SpatialCoordinate(domain)
    exact = ufl.as_vector([0.0 * x[0], 0.0 * x[0], 0.1 * x[0] ** 2 * (1 + ufl.sin(ufl.pi * x[1] / 2))])
    multiplier = 0.5 * ufl.cos(x[0] + x[2])
    mechanics = Mechanics(**FREE, **chosen)
    law = Guccione(2.0, mechanics.fiber_exponent, mechanics.transverse_exponent, mechanics.shear_exponent)
    F = ufl.variable(ufl.Identity(3) + ufl.grad(exact))
    bulk = PAIRS[mechanics.elements].bulk(mechanics)
    energy = law.energy(F, ufl.as_vector([1.0, 0.0, 0.0])) + incompressible(multiplier, bulk, F)
    P = ufl.diff(energy, F)

    def loads(solid: Ventricle) -> Expr:
        v = ufl.TestFunctions(solid.space)[0]
        return ufl.dot(-ufl.div(P), v) * solid.dx + ufl.dot(P * ufl.FacetNormal(domain), v) * solid.ds

    fiber = along_x(domain)
    solid = Ventricle(domain, tags, fiber, mechanics, clamped=CLAMPED, lid=False, external=loads, quadrature=6)
    solid.stiffness.value = 2.0
    points = solid.space.sub(0).collapse()[0].element.interpolation_points()
    solid.state.sub(0).interpolate(fem.Expression(exact, points))  # the load cannot be ramped
    solid.solve()
    w, p = ufl.split(solid.state)
    pairs = [(w, exact), (ufl.grad(w), ufl.grad(exact)), (p, multiplier)]
    return tuple(_distance(domain, found, wanted) for found, wanted in pairs)


def _distance(domain: dolfinx.mesh.Mesh, found: Expr, wanted: Expr) -> float:
    """Relative L2 norm of the difference."""
    dx = ufl.dx(domain, metadata={"quadrature_degree": 8})
    squares = [fem.form(ufl.inner(e, e) * dx) for e in (found - wanted, wanted)]
    off, size = (domain.comm.allreduce(fem.assemble_scalar(form), op=MPI.SUM) for form in squares)
    return float(np.sqrt(off / size))


def human(comm: MPI.Comm, size: float, layers: int, **chosen: str) -> tuple[Ventricle, Mapping, xr.Dataset]:
    """A human-sized ellipsoid with fibres from +60 to -60 degrees: solid, mapping and anatomy; ``chosen`` are
    entries of ``mechanics``."""
    anatomy = fibers.assign(synthetic.ellipsoid(size, layers), Fibers())
    return *from_anatomy(anatomy, Mechanics(**chosen), comm), anatomy
