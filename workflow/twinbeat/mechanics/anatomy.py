"""The ventricle, or both, of an anatomy store."""

import basix.ufl
import numpy as np
import xarray as xr
from dolfinx import fem, mesh
from mpi4py import MPI

from ..fibers import SCAR
from ..fibers.regions import LEFT_WALL, RIGHT_WALL, biventricular, cell_tags
from ..mesh.distribute import Mapping, to_dolfinx
from ..parameters import Mechanics
from .elements import PAIRS
from .ventricle import Load, Ventricle

STRAIGHT = 0.9
"""Cosine between sheet and depth from which on a cell tells how fibres turn."""


def from_anatomy[Solid: Ventricle](
    anatomy: xr.Dataset,
    mechanics: Mechanics,
    comm: MPI.Comm,
    solid: type[Solid] = Ventricle,
    external: Load | None = None,
) -> tuple[Solid, Mapping]:
    """The anatomy, its fibres included, as a ventricle over the ranks of ``comm``; with the mapping of its entities.

    Of both ventricles where the anatomy has both.
    """
    domain, tags, mapping = to_dolfinx(anatomy, comm)
    fiber, sheet = directions(domain, mapping, anatomy, PAIRS[mechanics.elements].quadrature)
    right = in_right_wall(domain, mapping, anatomy) if biventricular(anatomy) else None
    return solid(domain, tags, fiber, mechanics, sheet=sheet, right=right, external=external), mapping


def in_right_wall(domain: mesh.Mesh, mapping: Mapping, anatomy: xr.Dataset) -> fem.Function:
    """1 in the wall of the right ventricle, 0 in that of the left one with the septum."""
    inside = fem.Function(fem.functionspace(domain, ("DG", 0)))
    inside.x.array[:] = cell_tags(anatomy)[mapping.cells] == RIGHT_WALL
    return inside


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
    turn = turning(anatomy)[mapping.cells][:, None] * (depth @ corners.T - depth.mean(axis=1)[:, None])
    f, axis = (anatomy[name].values[mapping.cells][:, None] for name in ("fiber", "sheet"))
    turned = np.cos(turn)[..., None] * f + np.sin(turn)[..., None] * np.cross(axis, f)
    fiber.x.array.reshape(-1, 3)[space.dofmap.list] = turned
    sheet.x.array.reshape(-1, 3)[space.dofmap.list] = axis
    return fiber, sheet


def turning(anatomy: xr.Dataset) -> np.ndarray:
    """Angle (cell,) in rad by which fibres turn about the transmural axis from endocardium to epicardium.

    By linear regression over each wall, counted from the circumferential direction, away from the apex where there is
    none. Nothing in cells of the right wall that touch the left one: its depth is what their common points have. Where
    the walls meet, sheets are not along the depth, and fibres turn as far as they are.
    """
    corners, tags, along = anatomy["cells"].values, cell_tags(anatomy), _along(anatomy)
    away = (anatomy["longitudinal"].values[corners].mean(axis=1) > 0.4) & (along > STRAIGHT)
    bordering = np.isin(corners, corners[tags == LEFT_WALL]).any(axis=1) & (tags == RIGHT_WALL)
    turn = np.zeros(len(corners))
    for wall in np.unique(tags):
        inside = (tags == wall) & ~bordering
        turn[inside] = _regression(anatomy.isel(cell=inside & away))
    return turn * along


def _along(anatomy: xr.Dataset) -> np.ndarray:
    """Cosine (cell,) between the sheet and the gradient of the depth: 1 on the left ventricle alone by its template."""
    if not biventricular(anatomy):
        return np.ones(anatomy.sizes["cell"])
    corners = anatomy["cells"].values
    edges, rise = (np.diff(anatomy[name].values[corners], axis=1) for name in ("points", "depth"))
    gradient = np.linalg.solve(edges, rise[..., None])[..., 0]
    size = np.maximum(np.linalg.norm(gradient, axis=1), np.finfo(float).tiny)
    return np.sum(gradient * anatomy["sheet"].values, axis=1) / size


def _regression(wall: xr.Dataset) -> float:
    depth = wall["depth"].values[wall["cells"].values].mean(axis=1)
    axis = wall["sheet"].values
    around = np.cross([0.0, 0.0, 1.0], axis)
    up = np.cross(axis, around)
    along, across = (np.sum(wall["fiber"].values * way, axis=1) for way in (up, around))
    sense = np.where(across < 0, -1.0, 1.0)  # a fibre has none
    return float(np.polyfit(depth, np.arctan2(sense * along, sense * across), 1)[0])


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
