"""Fibres: the biventricular mesh of the 2025 elastodynamics benchmark, and spheroids whose fibres are known."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dolfinx
import meshio
import numpy as np
import xarray as xr
from mpi4py import MPI
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .. import fibers
from ..fibers import both, coordinates, left, regions
from ..fibers.laplace import Elements, unit
from ..mesh import synthetic, template
from ..parameters import Fibers
from .row import Row, timed

Array = NDArray[np.float64]
MESHES = "data/mesh_fibres"
BIVENTRICLE, ELLIPSOID = "cardiac_benchmark_biv_coarse_fibers.vtk", "cardiac_benchmark_ellipsoid_0.005.h5"
AXES = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])  # from their x (base to apex) and z (to the RV) to our frame
UPRIGHT = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])  # from the ellipsoid's x (apex to base) to ours
SHORT, LONG, HEIGHT = (25.0, 35.0), (90.0, 97.0), 25.0  # mm: its semi-axes, and its base above its centre
LEFT_RADII = np.array([39.0, 39.0, 79.95])  # mm: the epicardium of their left ventricle is an ellipsoid
PAIRS = [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
EIGHT = [[0, 4, 5, 6], [1, 4, 7, 8], [2, 5, 7, 9], [3, 6, 8, 9], [4, 5, 6, 8], [4, 5, 7, 8], [5, 6, 8, 9], [5, 7, 8, 9]]
"""Corners and middles of edges, in the order of PAIRS, of the parts of a tetrahedron."""
NAMES = {"fiber": "f0", "sheet": "n0", "sheet_normal": "s0"}
"""Our directions and theirs, who call the one across the wall normal."""
SOURCE = "Arostica et al. 2025, doi 10.1016/j.cma.2024.117485; helix 60 to -60 degree, sheet 0"
INNER, OUTER = 0.45, 0.75  # prolate coordinate of the confocal walls
FOCUS = 60.0  # mm from the centre
BODY = 20.0  # mm below which the axes of the spheroid turn within one element


def rows() -> Iterator[Row]:
    """Angles to the published directions where the folder of shared data is there; error and order on a spheroid."""
    analytic = "Laplace between confocal spheroids by hand"
    yield timed("fibers: spheroid at 3 mm, degree off in the mean", 0.0, 1.0, analytic, lambda: spheroid_error(3.0, 4))
    yield timed("fibers: order on the spheroid", 2.0, 0.5, analytic, spheroid_order)
    if folder().is_dir():
        for name, off in angles(published(folder()), Fibers(rotation="bayer")).items():
            yield timed(f"fibers: {name}, degree off in the median", 0.0, 1.0, SOURCE, lambda off=off: np.median(off))
            words = f"fibers: {name}, degree off at the 95th percentile"
            yield timed(words, 0.0, 5.0, SOURCE, lambda off=off: np.quantile(off, 0.95))
        words = "fibers: coordinates, mm off at the 95th percentile"
        yield timed(words, 0.0, 2.0, "the same heart in eight times as many cells", misplaced)
        words = "fibers: ellipsoid, degree off in the median"
        yield timed(words, 0.0, 1.0, SOURCE, lambda: np.median(ellipsoid_angles(folder())))


def folder() -> Path:
    """Where the published meshes lie, if they are there."""
    return Path(os.environ.get("TWINBEAT_SHARED", "../shared")) / MESHES


def published(folder: Path, name: str = BIVENTRICLE) -> xr.Dataset:
    """The biventricular mesh in mm in our heart frame, with tags, and its directions ``f0``, ``s0`` and ``n0``.

    The file has no tags: the base is flat, and without it the boundary falls into three parts.
    """
    found = meshio.read(folder / name)
    points = 1000 * found.points @ AXES.T
    cells = template.oriented(points, found.cells_dict["tetra"].astype(np.int64))
    facets, _ = template.boundary(cells, len(points), 1)
    inside = np.linalg.norm(points[cells].mean(axis=1) / LEFT_RADII, axis=1) <= 1
    return xr.Dataset(
        {
            "points": (("point", "component"), points),
            "cells": (("cell", "corner"), cells),
            "cell_tags": (("cell",), np.where(inside, regions.LEFT_WALL, regions.RIGHT_WALL)),
            "facets": (("facet", "facet_corner"), facets),
            "facet_tags": (("facet",), _tags(points, facets)),
            "to_lps": (("row", "column"), np.eye(4)),
            **{name: (("point", "component"), found.point_data[name] @ AXES.T) for name in NAMES.values()},
        }
    )


def _tags(points: Array, facets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Base; the largest of the parts that are left is the epicardium, the one farther along the first axis the RV."""
    base = (points[facets, 2] > -1e-3).all(axis=1)
    rest = facets[~base]
    edges = np.concatenate([rest[:, :2], rest[:, 1:]])
    size = len(points)
    _, part = connected_components(coo_array((np.ones(len(edges)), edges.T), shape=(size, size)), directed=False)
    parts = sorted(np.unique(part[rest]), key=lambda one: np.ptp(points[part == one], axis=0).prod())
    *cavities, epi = parts
    left, right = sorted(cavities, key=lambda one: points[part == one, 0].mean())
    kinds = {left: regions.ENDOCARDIUM, right: regions.RIGHT_ENDOCARDIUM, epi: regions.EPICARDIUM}
    return np.where(base, regions.BASE, [kinds.get(one, 0) for one in part[facets[:, 0]]])


def angles(anatomy: xr.Dataset, parameters: Fibers) -> dict[str, Array]:
    """Angle (point,) in degree between the directions at the nodes of the published mesh and ours, by our name."""
    elements = Elements(anatomy["points"].values, anatomy["cells"].values)
    frames = both.blended(both.Shares.at_points(anatomy, elements), parameters)
    return {
        name: between(frames[:, :, axis], unit(anatomy[theirs].values))
        for axis, (name, theirs) in enumerate(NAMES.items())
    }


def between(one: Array, other: Array) -> Array:
    """Angle (n,) in degree, 0 to 90, between unit vectors (n, 3) of any sense."""
    return np.degrees(np.arccos(np.clip(np.abs(np.sum(one * other, axis=1)), 0, 1)))


def ellipsoid(folder: Path) -> xr.Dataset:
    """The published mesh of a left ventricle in mm in our heart frame, with tags; its base is not quite flat."""
    text = """<Xdmf><Domain><Grid Name="mesh">
        <Topology TopologyType="Tetrahedron" NumberOfElements="17625">
        <DataItem Format="HDF" NumberType="UInt" Dimensions="17625 4">mesh.h5:/Mesh/mesh/topology</DataItem></Topology>
        <Geometry GeometryType="XYZ">
        <DataItem Format="HDF" Dimensions="4577 3">mesh.h5:/Mesh/mesh/geometry</DataItem></Geometry>
        </Grid></Domain></Xdmf>"""
    with tempfile.TemporaryDirectory() as place:
        (Path(place) / "mesh.xdmf").write_text(text)
        (Path(place) / "mesh.h5").symlink_to((folder / ELLIPSOID).resolve())
        return ellipsoidal(Path(place) / "mesh.xdmf")


def ellipsoidal(path: Path) -> xr.Dataset:
    """Tetrahedra of that ellipsoid in an XDMF file, in m."""
    with dolfinx.io.XDMFFile(MPI.COMM_SELF, path, "r") as file:
        x, cells = file.read_geometry_data(name="mesh"), file.read_topology_data(name="mesh")
    x = 1000 * x @ UPRIGHT.T
    cells = template.oriented(x, cells)
    facets, _ = template.boundary(cells, len(x), 1)
    inner, outer = (
        (np.abs(np.linalg.norm(x / [a, a, c], axis=1) - 1) < 1e-4)[facets].all(axis=1)
        for a, c in zip(SHORT, LONG, strict=True)
    )
    tags = np.select([inner, outer], [regions.ENDOCARDIUM, regions.EPICARDIUM], regions.BASE)
    return xr.Dataset(
        {
            "points": (("point", "component"), x - [0, 0, HEIGHT]),
            "cells": (("cell", "corner"), cells),
            "facets": (("facet", "facet_corner"), facets),
            "facet_tags": (("facet",), tags),
        }
    )


def ellipsoid_angles(folder: Path) -> Array:
    """Angle (cell,) in degree between our fibres on the published ellipsoid and the benchmark's formula.

    At the harmonic share t of the wall, semi-axes r(t) are linear in t, x = (r_s sin u cos v, r_s sin u sin v,
    r_l cos u), and the fibre is cos α e_v - sin α e_u with α from 60 to -60 degree.
    """
    anatomy = ellipsoid(folder)
    elements = Elements(anatomy["points"].values, anatomy["cells"].values)
    share = elements.harmonic(*(regions.on(anatomy, tag) for tag in (regions.ENDOCARDIUM, regions.EPICARDIUM)))
    t, x = elements.to_cells(share), elements.to_cells(anatomy["points"].values + np.array([0, 0, HEIGHT]))
    short, long = (r[0] + (r[1] - r[0]) * t for r in (SHORT, LONG))
    around = np.arctan2(x[:, 1], x[:, 0])
    u = np.arctan2(np.hypot(x[:, 0], x[:, 1]) / short, x[:, 2] / long)
    down = np.stack([short * np.cos(u) * np.cos(around), short * np.cos(u) * np.sin(around), -long * np.sin(u)], axis=1)
    circumferential = np.stack([-np.sin(around), np.cos(around), np.zeros(len(u))], axis=1)
    theirs = fibers.turned(circumferential, -unit(down), fibers.helix(t, Fibers()))
    return between(left.frames(anatomy.assign(depth=("point", share)), Fibers())[:, :, 0], theirs)


def misplaced() -> float:
    """95th percentile of ``misfit`` from the published heart to itself with all edges halved."""
    heart = published(folder())
    return float(np.quantile(misfit(*map(coordinates.complete, (heart, halved(heart)))), 0.95))


def misfit(source: xr.Dataset, target: xr.Dataset) -> Array:
    """Distance (point,) in mm of the target's points from where the source has the same coordinates."""
    found = fibers.correspondence(source, target) @ source["points"].values
    return np.linalg.norm(found - target["points"].values, axis=1)


def spheroid(size: float, layers: int) -> xr.Dataset:
    """A wall between confocal prolate spheroids, cut at their equator: no normal flow there, by symmetry."""
    short, long = ((FOCUS * of(INNER), FOCUS * of(OUTER)) for of in (np.sinh, np.cosh))
    return synthetic.ellipsoid(size, layers, short, long, 0.0)


def spheroid_error(size: float, layers: int) -> float:
    """Mean angle in degree over cells between the fibres on a spheroid and the exact ones.

    In prolate coordinates, ln tanh(μ/2) is harmonic (Moon and Spencer, Field Theory Handbook): the share of the
    epicardium is linear in it, the transmural axis is grad μ, and the circumferential one is about the long axis.
    """
    anatomy, parameters = spheroid(size, layers), Fibers()
    cells = anatomy["points"].values[anatomy["cells"].values].mean(axis=1)
    body = cells[:, 2] > -FOCUS * np.cosh(INNER) + BODY
    from_foci = [cells - np.array([0, 0, z]) for z in (-FOCUS, FOCUS)]
    mu = np.arccosh(sum(np.linalg.norm(x, axis=1) for x in from_foci) / (2 * FOCUS))
    outward = unit(unit(from_foci[0]) + unit(from_foci[1]))
    share = np.log(np.tanh(mu / 2) / np.tanh(INNER / 2)) / np.log(np.tanh(OUTER / 2) / np.tanh(INNER / 2))
    around = unit(np.cross([0.0, 0, 1], cells))
    exact = fibers.turned(around, np.cross(outward, around), fibers.helix(share, parameters))
    return float(between(both.frames(anatomy, parameters)[:, :, 0], exact)[body].mean())


def spheroid_order() -> float:
    """Order in the element size, fitted to three meshes with layers as thick as elements are long."""
    meshes = ((8.0, 2), (4.0, 4), (2.0, 8))
    errors = [spheroid_error(*one) for one in meshes]
    return float(np.polyfit(np.log([size for size, _ in meshes]), np.log(errors), 1)[0])


def halved(heart: xr.Dataset) -> xr.Dataset:
    """The same heart, with each edge halved: eight tetrahedra for one and four triangles for one."""
    points, cells, facets = (heart[name].values for name in ("points", "cells", "facets"))
    edges = np.sort(np.concatenate([cells[:, pair] for pair in PAIRS]), axis=1)
    pairs, which = np.unique(edges, axis=0, return_inverse=True)
    middle = dict(zip(map(tuple, pairs.tolist()), range(len(points), len(points) + len(pairs)), strict=True))
    nodes = np.concatenate([cells, len(points) + which.reshape(6, -1).T], axis=1)
    between = np.array(
        [[middle[tuple(sorted((f[i], f[j])))] for i, j in ((0, 1), (1, 2), (0, 2))] for f in facets.tolist()]
    )
    fine = nodes[:, EIGHT].reshape(-1, 4)
    points = np.concatenate([points, points[pairs].mean(axis=1)])
    triangles = np.concatenate([facets, between], axis=1)[:, [[0, 3, 5], [3, 1, 4], [5, 4, 2], [3, 4, 5]]]
    return xr.Dataset(
        {
            "points": (("point", "component"), points),
            "cells": (("cell", "corner"), template.oriented(points, fine)),
            "cell_tags": (("cell",), np.repeat(heart["cell_tags"].values, 8)),
            "facets": (("facet", "facet_corner"), triangles.reshape(-1, 3)),
            "facet_tags": (("facet",), np.repeat(heart["facet_tags"].values, 4)),
            "to_lps": heart["to_lps"],
        }
    )
