"""The ventricle of an anatomy store."""

import basix.ufl
import numpy as np
import xarray as xr
from dolfinx import fem, mesh
from mpi4py import MPI

from ..fibers import SCAR
from ..mesh.distribute import Mapping, to_dolfinx
from ..parameters import Mechanics
from .elements import PAIRS
from .ventricle import Ventricle


def from_anatomy[Solid: Ventricle](
    anatomy: xr.Dataset, mechanics: Mechanics, comm: MPI.Comm, solid: type[Solid] = Ventricle
) -> tuple[Solid, Mapping]:
    """The anatomy, its fibres included, as a ventricle over the ranks of ``comm``; with the mapping of its entities."""
    domain, tags, mapping = to_dolfinx(anatomy, comm)
    fiber, sheet = directions(domain, mapping, anatomy, PAIRS[mechanics.elements].quadrature)
    return solid(domain, tags, fiber, mechanics, sheet=sheet), mapping


def directions(
    domain: mesh.Mesh, mapping: Mapping, anatomy: xr.Dataset, degree: int
) -> tuple[fem.Function, fem.Function]:
    """Fibres and sheets at the points of a rule of this degree.

    Fibres turn with the depth of the point about their cell's sheet.

    One direction per cell would lose the turn within a cell: on one layer of tetrahedra that costs 5 % of the pressure
    that contraction holds.
    """
    element = basix.ufl.quadrature_element("tetrahedron", value_shape=(3,), degree=degree)
    space = fem.functionspace(domain, element)
    fiber, sheet = fem.Function(space), fem.Function(space)
    x = element.custom_quadrature()[0]
    corners = np.column_stack([1 - x.sum(axis=1), x])
    nodes = domain.geometry.input_global_indices[domain.geometry.dofmap]
    depth = anatomy["depth"].values[nodes]
    turn = turning(anatomy) * (depth @ corners.T - depth.mean(axis=1)[:, None])
    f, axis = (anatomy[name].values[mapping.cells][:, None] for name in ("fiber", "sheet"))
    turned = np.cos(turn)[..., None] * f + np.sin(turn)[..., None] * np.cross(axis, f)
    fiber.x.array.reshape(-1, 3)[space.dofmap.list] = turned
    sheet.x.array.reshape(-1, 3)[space.dofmap.list] = axis
    return fiber, sheet


def turning(anatomy: xr.Dataset) -> float:
    """Angle (rad) by which fibres turn about the transmural axis from endocardium to epicardium, by linear regression.

    Counted from the circumferential direction, away from the apex where there is none.
    """
    corners = anatomy["cells"].values
    away = anatomy["longitudinal"].values[corners].mean(axis=1) > 0.4
    depth = anatomy["depth"].values[corners].mean(axis=1)[away]
    f, axis = (anatomy[name].values[away] for name in ("fiber", "sheet"))
    around = np.cross([0.0, 0.0, 1.0], axis)
    up = np.cross(axis, around)
    angle = np.arctan2(np.sum(f * up, axis=1), np.sum(f * around, axis=1))
    return float(np.polyfit(depth, angle, 1)[0])


def contractile(tissue: np.ndarray) -> np.ndarray:
    """Share of the tension that each cell (cell,) develops: none in scar."""
    return np.where(tissue == SCAR, 0.0, 1.0)


def at_points(ventricle: Ventricle, mapping: Mapping, state: np.ndarray) -> np.ndarray | None:
    """Displacement (point, 3) in mm of a mixed state at the points of the anatomy, on rank 0; None on the others."""
    mixed = fem.Function(ventricle.space)
    mixed.x.array[:] = state
    linear = fem.Function(fem.functionspace(ventricle.domain, ("Lagrange", 1, (3,))))
    linear.interpolate(mixed.sub(0).collapse())
    return mapping.gather(linear.x.array.reshape(-1, 3))
