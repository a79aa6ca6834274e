"""What makes a mesh fit for mechanics."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..parameters import Mesh
from .measures import cell_volumes

Array = NDArray[np.float64]
EDGES = ((0, 1, 2, 3), (0, 2, 1, 3), (0, 3, 1, 2), (1, 2, 0, 3), (1, 3, 0, 2), (2, 3, 0, 1))


def dihedral_angles(points: Array, cells: NDArray[np.int64]) -> Array:
    """The six angles between faces of each tetrahedron, in degrees, shape (cell, 6)."""
    corners = points[cells]
    return np.stack([_dihedral(*(corners[:, k] for k in edge)) for edge in EDGES], axis=1)


def _dihedral(a: Array, b: Array, c: Array, d: Array) -> Array:
    """Angle at the edge ab between the faces abc and abd."""
    along = (b - a) / np.linalg.norm(b - a, axis=1, keepdims=True)
    c, d = (v - np.einsum("ij,ij->i", v, along)[:, None] * along for v in (c - a, d - a))
    cosine = np.einsum("ij,ij->i", c, d) / np.linalg.norm(c, axis=1) / np.linalg.norm(d, axis=1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def aspects(points: Array, cells: NDArray[np.int64]) -> Array:
    """Longest edge over 2√6 inscribed radii, 1 for the regular tetrahedron, shape (cell,)."""
    corners = points[cells]
    edges = np.linalg.norm(np.stack([corners[:, j] - corners[:, i] for i, j, *_ in EDGES]), axis=2)
    faces = [(1, 2, 3), (0, 2, 3), (0, 1, 3), (0, 1, 2)]
    area = sum(_area(*(corners[:, k] for k in face)) for face in faces)
    radius = 3 * np.abs(cell_volumes(points, cells)) / area
    return edges.max(axis=0) / (2 * np.sqrt(6) * radius)


def _area(a: Array, b: Array, c: Array) -> Array:
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


def faults(mesh: xr.Dataset, limits: Mesh) -> list[str]:
    """What is wrong with a mesh, in words; none when it passes all gates."""
    points, cells = mesh["points"].values, mesh["cells"].values
    inverted = int((cell_volumes(points, cells) <= 0).sum())
    angle, least = dihedral_angles(points, cells).min(), limits.minimum_dihedral
    aspect, most = aspects(points, cells).max(), limits.maximum_aspect
    found = [
        (inverted > 0, f"{inverted} inverted elements"),
        (angle < least, f"smallest dihedral angle {angle:.1f} degree, at least {least:g} expected"),
        (aspect > most, f"largest aspect ratio {aspect:.1f}, at most {most:g} expected"),
        (not watertight(mesh["facets"].values), "surface not closed"),
    ]
    return [words for wrong, words in found if wrong]


def watertight(facets: NDArray[np.int64]) -> bool:
    """Whether each edge lies between exactly two triangles, once in each direction (closed, manifold, oriented)."""
    edges = np.concatenate([facets[:, [0, 1]], facets[:, [1, 2]], facets[:, [2, 0]]])
    unique = np.unique(edges, axis=0)
    return len(unique) == len(edges) and np.array_equal(unique, np.unique(edges[:, ::-1], axis=0))
