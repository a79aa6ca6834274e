"""What makes a mesh fit for mechanics."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..parameters import Mesh
from .boundary import LEFT_LID, RIGHT_ENDOCARDIUM, RIGHT_LID, components
from .measures import cell_volumes
from .template import ENDOCARDIUM

Array = NDArray[np.float64]
Index = NDArray[np.int64]
EDGES = ((0, 1, 2, 3), (0, 2, 1, 3), (0, 3, 1, 2), (1, 2, 0, 3), (1, 3, 0, 2), (2, 3, 0, 1))
PERCENTILE = 1  # of the smallest dihedral angles of the elements


def dihedral_angles(points: Array, cells: Index) -> Array:
    """The six angles between faces of each tetrahedron, in degrees, shape (cell, 6)."""
    corners = points[cells]
    return np.stack([_dihedral(*(corners[:, k] for k in edge)) for edge in EDGES], axis=1)


def _dihedral(a: Array, b: Array, c: Array, d: Array) -> Array:
    """Angle at the edge ab between the faces abc and abd."""
    along = (b - a) / np.linalg.norm(b - a, axis=1, keepdims=True)
    c, d = (v - np.einsum("ij,ij->i", v, along)[:, None] * along for v in (c - a, d - a))
    cosine = np.einsum("ij,ij->i", c, d) / np.linalg.norm(c, axis=1) / np.linalg.norm(d, axis=1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def aspects(points: Array, cells: Index) -> Array:
    """Longest edge over 2√6 inscribed radii, 1 for the regular tetrahedron, shape (cell,)."""
    corners = points[cells]
    edges = np.linalg.norm(np.stack([corners[:, j] - corners[:, i] for i, j, *_ in EDGES]), axis=2)
    faces = [(1, 2, 3), (0, 2, 3), (0, 1, 3), (0, 1, 2)]
    area = sum(_area(*(corners[:, k] for k in face)) for face in faces)
    radius = 3 * np.abs(cell_volumes(points, cells)) / area
    return edges.max(axis=0) / (2 * np.sqrt(6) * radius)


def _area(a: Array, b: Array, c: Array) -> Array:
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


def figures(points: Array, cells: Index) -> dict[str, float]:
    """Smallest dihedral angle, first percentile of the elements' smallest ones (degree), and largest aspect ratio."""
    smallest = dihedral_angles(points, cells).min(axis=1)
    return {
        "minimum_dihedral": float(smallest.min()),
        "percentile_dihedral": float(np.percentile(smallest, PERCENTILE)),
        "maximum_aspect": float(aspects(points, cells).max()),
    }


def faults(mesh: xr.Dataset, limits: Mesh) -> list[str]:
    """What is wrong with the elements and the surface of a mesh, in words; none when it passes these gates.

    Every label (``cell_tags``; without them all is one) has to be in one piece, and each body of muscle or blood to
    have a closed surface without handles.
    """
    points, cells = mesh["points"].values, mesh["cells"].values
    labels = mesh["cell_tags"].values if "cell_tags" in mesh else np.ones(len(cells), np.int64)
    pieces = {int(label): int(components(cells[labels == label]).max()) + 1 for label in np.unique(labels)}
    parts = [f"label {label} in {count} pieces" for label, count in pieces.items() if count > 1]
    return element_faults(points, cells, limits) + parts + surface_faults(mesh)


def element_faults(points: Array, cells: Index, limits: Mesh) -> list[str]:
    """What is wrong with elements (cell, 4) of points (point, 3) in mm, in words."""
    inverted, found = int((cell_volumes(points, cells) <= 0).sum()), figures(points, cells)
    angle, percentile, aspect = found.values()
    least, fewest, most = limits.minimum_dihedral, limits.percentile_dihedral, limits.maximum_aspect
    gates = [
        (inverted > 0, f"{inverted} inverted elements"),
        (angle < least, f"smallest dihedral angle {angle:.1f} degree, at least {least:g} expected"),
        (percentile < fewest, f"first percentile of dihedral angles {percentile:.1f}, at least {fewest:g} expected"),
        (aspect > most, f"largest aspect ratio {aspect:.1f}, at most {most:g} expected"),
    ]
    return [words for wrong, words in gates if wrong]


def surface_faults(mesh: xr.Dataset) -> list[str]:
    """What is wrong with the surfaces of muscle and of meshed blood, in words."""
    found = []
    for name, facets in _bodies(mesh["facets"].values, mesh["facet_tags"].values).items():
        if not watertight(facets):
            found.append(f"surface{name} not closed")
        elif (characteristic := euler(facets)) != 2:
            found.append(f"surface{name} of Euler characteristic {characteristic}, 2 of a ball expected")
    return found


def _bodies(facets: Index, tags: Index) -> dict[str, Index]:
    """The outward surfaces: of the muscle, and of the blood of each ventricle that has a lid."""
    found = {"": facets[tags < LEFT_LID]}
    for name, wall, lid in ((" of LV blood", ENDOCARDIUM, LEFT_LID), (" of RV blood", RIGHT_ENDOCARDIUM, RIGHT_LID)):
        if (tags == lid).any():
            found[name] = np.concatenate([facets[tags == wall][:, ::-1], facets[tags == lid]])
    return found


def watertight(facets: Index) -> bool:
    """Whether each edge lies between exactly two of the triangles (n, 3), once in each direction (closed, manifold,
    oriented)."""
    a, b = facets[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2).T
    size = facets.max() + 1
    there, back = np.sort(a * size + b), np.sort(b * size + a)
    return bool((np.diff(there) > 0).all() and np.array_equal(there, back))


def euler(facets: Index) -> int:
    """Euler characteristic of a closed surface (n, 3): 2 for a sphere, 2 less for each handle; a pinched node takes
    one."""
    return len(np.unique(facets)) - len(facets) // 2


def volume_faults(found: Mapping[str, float], expected: Mapping[str, float], limits: Mesh) -> list[str]:
    """Which volumes (mL, by name) of a mesh are too far from those of the smooth anatomy, in words."""
    off = {name: abs(found[name] / expected[name] - 1) for name in expected}
    most = limits.maximum_volume_error
    return [f"volume of {name} {off[name]:.1%} off, at most {most:.1%} expected" for name in off if off[name] > most]
