"""Universal ventricular coordinates (Bayer et al. 2018, doi 10.1016/j.media.2018.01.005).

Of each point: ``longitudinal`` 0 at the apex of the left ventricle to 1 at the base; ``depth`` 0 at the endocardium to
1 at the epicardium, or on the right side of the septum; ``ventricle`` -1 in the left one with the septum, 1 in the
right one; ``circumferential`` in rad. In the left ventricle this is the angle about the long axis from the middle of
the septum to the anterior wall, in the right one it runs from -π/2 to π/2, from the posterior to the anterior junction.
Coordinates are shares of distances (``Elements.relative``), so that they agree between meshes of any density. Points on
the border between the two walls have the coordinates of the left one.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .. import mesh
from .laplace import Elements
from .regions import (
    BASE,
    ENDOCARDIUM,
    EPICARDIUM,
    LEFT_WALL,
    RIGHT_ENDOCARDIUM,
    RIGHT_WALL,
    apex,
    biventricular,
    cell_tags,
    on,
    wall,
)

Array = NDArray[np.float64]
Index = NDArray[np.int64]
FLAT = 1e-6  # of the median cell's volume


def complete(anatomy: xr.Dataset) -> xr.Dataset:
    """The mesh with its coordinates at each point (0 in blood); one of the left ventricle that has them stays as is.

    Raises ValueError for a mesh with a right endocardium and no right wall.
    """
    if biventricular(anatomy):
        return anatomy.assign({name: (("point",), values) for name, values in _both(anatomy).items()})
    if "depth" in anatomy:
        return anatomy
    return anatomy.assign({name: (("point",), values) for name, values in _left(anatomy).items()})


def _left(anatomy: xr.Dataset) -> dict[str, Array]:
    elements = Elements(anatomy["points"].values, anatomy["cells"].values[wall(anatomy)])
    return {
        "depth": elements.relative(on(anatomy, ENDOCARDIUM), on(anatomy, EPICARDIUM)),
        "longitudinal": elements.relative(apex(anatomy), on(anatomy, BASE)),
        "circumferential": _about(anatomy),
    }


def _both(anatomy: xr.Dataset) -> dict[str, Array]:
    points, cells, tags = anatomy["points"].values, anatomy["cells"].values, cell_tags(anatomy)
    left, right = cells[tags == LEFT_WALL], cells[tags == RIGHT_WALL]
    if not len(right):
        found = np.unique(tags).tolist()
        raise ValueError(f"cell_tags: expected {RIGHT_WALL} in a mesh with a right endocardium, found {found}")
    in_left = np.isin(np.arange(len(points)), left)
    only_right = np.isin(np.arange(len(points)), right) & ~in_left
    border = np.intersect1d(left, right)
    endo, base = on(anatomy, ENDOCARDIUM), on(anatomy, BASE)
    inner, outer = Elements(points, left), Elements(points, right)
    shell = np.unique(_surface(left, [ENDOCARDIUM, BASE], anatomy))
    free = np.setdiff1d(np.intersect1d(on(anatomy, RIGHT_ENDOCARDIUM), right), on(anatomy, EPICARDIUM))
    along = inner.relative(apex(anatomy), base)
    edge = np.union1d(border, np.intersect1d(base, right))
    at_base = np.isin(edge, base)
    posterior, anterior = border[points[border, 1] < 0], border[points[border, 1] >= 0]
    about = np.pi * (outer.relative(posterior, anterior) - 0.5)
    return {
        "depth": np.where(in_left, inner.relative(endo, shell), outer.relative(free, on(anatomy, EPICARDIUM))),
        "longitudinal": np.where(only_right, outer.extended(edge, np.where(at_base, 1, along[edge])), along),
        "circumferential": np.where(in_left, _about(anatomy), np.where(only_right, about, 0)),
        "ventricle": np.where(only_right, 1.0, np.where(in_left, -1.0, 0.0)),
    }


def _about(anatomy: xr.Dataset) -> Array:
    x, y, _ = anatomy["points"].values.T
    return np.arctan2(y, x)


def _surface(cells: Index, without: list[int], anatomy: xr.Dataset) -> Index:
    """Triangles that bound these cells, but for those of some facet tags."""
    faces = np.sort(cells[:, [[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]]].reshape(-1, 3), axis=1)
    left_out = np.sort(anatomy["facets"].values[np.isin(anatomy["facet_tags"].values, without)], axis=1)
    found, count = np.unique(np.concatenate([faces, left_out]), axis=0, return_counts=True)
    return found[count == 1]


def correspondence(source: xr.Dataset, target: xr.Dataset) -> csr_array:
    """The matrix (target point, source point) that carries nodal values between hearts, to points of equal coordinates.

    Both need their coordinates. Coordinates are laid out as hemispherical shells, one per ventricle, in which a cell of
    the source is looked for; points beyond its border take a value on it. Raises ValueError where only one has a right
    ventricle.
    """
    if ("ventricle" in source) != ("ventricle" in target):
        raise ValueError("correspondence: one mesh has a right ventricle and the other has none; expected equal hearts")
    shells, sought = (_shell(*_coordinates(heart)) for heart in (source, target))
    sides = [_side(heart) for heart in (source, target)]
    cells = source["cells"].values[wall(source)]
    result = csr_array((target.sizes["point"], source.sizes["point"]))
    for side in np.unique(sides[0][sides[0] != 0]):
        at = np.flatnonzero(sides[1] == side)
        within = _solid(shells, cells[(sides[0][cells] == side).all(axis=1)])
        place = csr_array((np.ones(len(at)), (at, np.arange(len(at)))), shape=(target.sizes["point"], len(at)))
        result = result + place @ mesh.interpolation(shells, within, sought[at])
    return result


def _side(heart: xr.Dataset) -> Array:
    return heart["ventricle"].values if "ventricle" in heart else -np.ones(heart.sizes["point"])


def _solid(points: Array, cells: Index) -> Index:
    """The cells that have a volume: one with all its nodes on one surface has none in coordinates."""
    volumes = np.abs(mesh.cell_volumes(points, cells))
    return cells[volumes > FLAT * np.median(volumes)]


def nearest(heart: xr.Dataset, coordinates: tuple[float, float, float], ventricle: float) -> int:
    """The point nearest to ``depth``, ``longitudinal`` and ``circumferential`` in a ventricle, laid out as shells."""
    away = np.linalg.norm(_shell(*_coordinates(heart)) - _shell(*coordinates), axis=1)
    return int(np.argmin(np.where(_side(heart) == ventricle, away, np.inf)))


def _coordinates(heart: xr.Dataset) -> tuple[Array, Array, Array]:
    return tuple(heart[name].values for name in ("depth", "longitudinal", "circumferential"))


def _shell(depth: Array, longitudinal: Array, circumferential: Array) -> Array:
    """Coordinates (point,) as places (point, 3) in a hemispherical shell about its apex, of radius 1 to 1.5."""
    polar = np.pi / 2 * longitudinal
    across = np.sin(polar)
    place = [across * np.cos(circumferential), across * np.sin(circumferential), -np.cos(polar)]
    return ((1 + depth / 2) * np.stack(place)).T
