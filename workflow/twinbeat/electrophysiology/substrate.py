"""What the wave runs in: which muscle conducts, how fast, and with which cells."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from .. import fibers, ionic, mesh
from ..fibers.regions import ENDOCARDIUM, RIGHT_ENDOCARDIUM, on
from ..fibers.scar import BORDER, HEALTHY, SCAR
from ..mesh.boundary import components
from ..parameters import Electrophysiology, Fibers
from ..parameters.electrophysiology import Bidomain
from ..verdicts import Quarantined
from . import block
from .assembly import Array, Discretisation, Index, conductivity, tetrahedra
from .monodomain import Cell
from .mosaic import Passive, Patch
from .velocity import Directions

COORDINATES = ("depth", "longitudinal", "circumferential", "ventricle")
FIELDS = ("points", "cells", *COORDINATES, "fiber", "sheet", "sheet_normal", "segment", "endocardial")
log = logging.getLogger("twinbeat")
Labels = tuple[xr.Dataset, Sequence[int]]
"""The labels, which may hold late enhancement, and the AHA segments that are scar where they do not."""


@dataclass(frozen=True)
class Substrate:
    """The electrical mesh ``whole`` with its ``tissue`` (cell,), and the ``muscle`` of it that conducts.

    ``endocardial`` (cell,) of both meshes says which elements stand for the Purkinje network.

    ``points`` are those of the whole that the muscle has; ``fires`` (point of the muscle,) is false in passive scar.
    """

    whole: xr.Dataset
    tissue: Index
    muscle: xr.Dataset
    kind: Index
    points: Index
    fires: NDArray[np.bool_]

    @property
    def normal(self) -> NDArray[np.bool_]:
        """The cells (cell of the muscle,) of healthy muscle beyond the endocardial layer."""
        firing = self.fires[self.muscle["cells"].values].all(axis=1)
        return (self.kind == HEALTHY) & firing & ~self.muscle["endocardial"].values

    def spread(self, values: Array, known: NDArray[np.bool_]) -> Array:
        """Values (..., point) of the whole mesh from those of the muscle: elsewhere that of the nearest ``known`` one.

        ``known`` (point of the muscle,).
        """
        points, have = self.whole["points"].values, self.points[known]
        if len(have) == len(points):
            return values
        _, nearest = cKDTree(points[have]).query(points)
        return values[..., known][..., nearest]


def build(
    anatomy: xr.Dataset, parameters: Electrophysiology, fiber_angles: Fibers, scar: Labels | None = None
) -> Substrate:
    """The ventricle, or both, meshed for activation; ``scar`` of the left wall is heeded where the parameters say what
    scar does."""
    layers = max(2, round(thickness(anatomy) / parameters.size))
    whole = fibers.refine(anatomy, parameters.size, layers, fiber_angles)
    whole = whole.assign(endocardial=("cell", endocardial(whole)))
    tissue = np.full(whole.sizes["cell"], HEALTHY)
    if scar and parameters.scar.kind != "muscle":
        shifts = {name: anatomy[name] for name in ("slice_position", "slice_shift") if name in anatomy}
        scarred = fibers.scarred(whole.assign(shifts), *scar) & (whole["segment"].values > 0)
        tissue = fibers.tissue(whole, scarred, fiber_angles.border_zone)
    return divide(whole, tissue, parameters.scar.kind == "insulating" or parameters.method == "eikonal")


def divide(whole: xr.Dataset, tissue: Index, insulating: bool) -> Substrate:
    """The substrate of a mesh with its tissue (cell,), whose scar is left out or passive.

    Muscle that scar cuts off from the rest, as voxels of late enhancement do, counts as scar: no wave comes there.
    Raises Quarantined("all-scar") where nothing is left.
    """
    if (tissue == SCAR).all():
        raise Quarantined("all-scar", "the whole wall is scar; expected muscle that can be activated")
    tissue = connected(whole["cells"].values, tissue)
    conducting = (tissue != SCAR) | (not insulating)
    muscle, points = part(whole, conducting)
    kind = tissue[conducting]
    return Substrate(whole, tissue, muscle, kind, points, of_nodes(muscle, kind) != SCAR)


def connected(cells: Index, tissue: Index) -> Index:
    """The tissue (cell,) with muscle that no faces join to its largest part as scar."""
    muscle = np.flatnonzero(tissue != SCAR)
    if len(muscle) == len(cells):
        return tissue
    piece = components(cells[muscle])
    lost = muscle[piece != np.bincount(piece).argmax()]
    if len(lost):
        log.info("electrophysiology: %d elements of muscle are cut off by scar, and count as scar", len(lost))
    found = tissue.copy()
    found[lost] = SCAR
    return found


def thickness(anatomy: xr.Dataset) -> float:
    """Mean distance in mm of epicardial points to the endocardium."""
    points, depth = anatomy["points"].values, anatomy["depth"].values
    distance, _ = cKDTree(points[depth == 0]).query(points[depth == 1])
    return float(distance.mean())


def part(whole: xr.Dataset, cells: NDArray[np.bool_]) -> tuple[xr.Dataset, Index]:
    """The mesh of some cells (cell,) alone, and which points of the whole it has."""
    if cells.all():
        return whole, np.arange(whole.sizes["point"])
    points = np.unique(whole["cells"].values[cells])
    some = whole[[name for name in FIELDS if name in whole]].isel(cell=cells, point=points)
    return some.assign(cells=(some["cells"].dims, np.searchsorted(points, some["cells"].values))), points


def within(anatomy: xr.Dataset, muscle: xr.Dataset) -> csr_array:
    """The weights (cell, point) of the anatomy's points at the centres of the cells of a muscle."""
    centres = muscle["points"].values[muscle["cells"].values].mean(axis=1)
    return mesh.interpolation(anatomy["points"].values, anatomy["cells"].values, centres)


def discretise(muscle: xr.Dataset, values: Array) -> Discretisation:
    """The tissue from conductivities (cell, axis) in mS/mm along the axes."""
    return tetrahedra(muscle["points"].values, muscle["cells"].values, conductivity(axes(muscle), values))


def domains(values: Array, ratios: Bidomain) -> tuple[Array, Array]:
    """Conductivities (cell, axis) inside and outside of cells whose harmonic composition σ_i σ_e/(σ_i + σ_e) has the
    given values; the axes are those of ``along``."""
    ratio = np.array([ratios.ratio_fiber, ratios.ratio_transverse, ratios.ratio_transverse])
    return values * (1 + ratio) / ratio, values * (1 + ratio)


def axes(muscle: xr.Dataset) -> Array:
    """Unit axes (cell, axis, 3): fibre, across it within a layer of the mesh, and through the layers."""
    return np.stack([muscle[name].values for name in ("fiber", "sheet_normal", "sheet")], axis=1)


def along(muscle: xr.Dataset, kind: Index, of_kind: Sequence[Directions]) -> Array:
    """Velocities or conductivities (cell, axis) along the axes; one value within the endocardial layer."""
    values = np.array([one[:3] for one in of_kind])[kind]
    inner = muscle["endocardial"].values
    values[inner, :2] = np.array([one.endocardium for one in of_kind])[kind[inner], None]
    return values


def endocardial(whole: xr.Dataset) -> NDArray[np.bool_]:
    """Whether a cell (cell,) belongs to the layer of elements at an endocardium."""
    inner = np.union1d(on(whole, ENDOCARDIUM), on(whole, RIGHT_ENDOCARDIUM))
    return np.isin(whole["cells"].values, inner).any(axis=1)


def of_nodes(muscle: xr.Dataset, kind: Index) -> Index:
    """The kind (point,) that most of the volume about a point is of."""
    cells = muscle["cells"].values
    _, volumes = fibers.shape_gradients(muscle["points"].values, cells)
    shares = [np.bincount(cells.ravel(), np.repeat(volumes * (kind == one), 4)) for one in (HEALTHY, BORDER, SCAR)]
    return np.argmax(shares, axis=0)


def patches(muscle: xr.Dataset, kind: Index, parameters: Electrophysiology) -> list[Patch]:
    """The kinds of cells at the points of a mesh: by depth, of the border zone, of passive scar; ``kind`` (cell,) is
    the tissue of its elements."""
    layer = np.searchsorted([end for end, _ in parameters.layers], muscle["depth"].values - 1e-9)
    kind = of_nodes(muscle, kind)
    found = []
    for index, name in enumerate(parameters.kinds):
        cell, here = ionic.load(name), layer == index
        open_ = block.left(cell, parameters.drugs) if parameters.drugs else {}
        found += [
            (cell, block.scaled(cell, open_), here & (kind == HEALTHY)),
            (cell, block.scaled(cell, open_, parameters.scar.border_currents), here & (kind == BORDER)),
        ]
    fibroblast = Passive(resting(parameters), parameters.scar.time_constant)
    found.append((fibroblast, fibroblast.values(), kind == SCAR))
    return [Patch(cell, values, np.flatnonzero(nodes)) for cell, values, nodes in found if nodes.any()]


def resting(parameters: Electrophysiology) -> float:
    """Initial voltage in mV of the study's cell."""
    cell: Cell = ionic.load(parameters.cell)
    return float(cell.initial(1)[cell.voltage, 0])
