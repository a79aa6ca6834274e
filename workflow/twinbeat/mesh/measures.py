"""Volumes of a meshed ventricle."""

import numpy as np
from numpy.typing import NDArray

from ..units import MM3_PER_ML
from .surfaces import Surfaces
from .template import BASE, ENDOCARDIUM

Array = NDArray[np.float64]
Index = NDArray[np.int64]


def cavity_volume(points: Array, facets: Index, tags: Index) -> float:
    """Volume in mL between the endocardium, of facets (facet, 3) with tags (facet,), and a flat lid, for any positions
    (point, 3) in mm of the nodes.

    Divergence theorem: V = -1/3 ∮ (x - x₀)·n dA over the endocardium, whose normals point into the cavity. With x₀ the
    mean of the rim nodes, the lid is the fan of triangles from x₀ to the rim, which add nothing.
    """
    endo = facets[tags == ENDOCARDIUM]
    rim = np.intersect1d(endo, facets[tags == BASE])
    a, b, c = (points[endo[:, n]] - points[rim].mean(axis=0) for n in range(3))
    return float(-np.einsum("ij,ij->", a, np.cross(b, c)) / 6 / MM3_PER_ML)


def cell_volumes(points: Array, cells: Index) -> Array:
    """Volume (cell,) in mm³ of tetrahedra (cell, 4) of points (point, 3) in mm."""
    a, b, c, d = (points[cells[:, n]] for n in range(4))
    return np.einsum("ij,ij->i", np.cross(b - a, c - a), d - a) / 6


def wall_volume(points: Array, cells: Index) -> float:
    """Volume in mL of muscle, all tetrahedra (cell, 4) of points (point, 3) in mm."""
    return float(cell_volumes(points, cells).sum() / MM3_PER_ML)


def enclosed_volume(surfaces: Surfaces, wall: int) -> float:
    """Volume in mL inside a smooth wall and below the base plane, by Gauss quadrature around the centre.

    With d = diag(a) e, the cone up to the multiplier M is ∏a M³/3 sin θ dθ dφ below the rim; above it, the cone up to
    the base plane has the same form with the M of the plane.
    """
    nodes, weights = np.polynomial.legendre.leggauss(48)
    phi = 2 * np.pi * np.arange(96) / 96
    rim, scale = surfaces.rim(wall, phi), np.prod(surfaces.radii[0]) / MM3_PER_ML
    theta = rim + (np.pi - rim) * (nodes[:, None] + 1) / 2
    below = (surfaces.multiplier(wall, theta, phi[None, :] + 0 * theta) ** 3 * np.sin(theta)).T @ weights
    height = -surfaces.centre[2] / surfaces.radii[0, 2]  # the plane: M cos θ = height
    lid = height**3 * np.tan(rim) ** 2 / 2  # ∫ (height / cos θ)³ sin θ dθ up to the rim
    return float(scale / 3 * np.sum(below * (np.pi - rim) / 2 + lid) * 2 * np.pi / 96)


def volume_below(points: Array, facets: Index) -> float:
    """Volume in mL between facets (facet, 3) of points (point, 3) in mm and the plane z = 0, by ∮ z n_z dA; negative
    where they face what they enclose."""
    a, b, c = np.moveaxis(points[facets], 1, 0)
    across = np.cross(b - a, c - a)[:, 2] / 2
    return float(np.sum(across * points[facets, 2].mean(axis=1)) / MM3_PER_ML)


def bends(points: Array, facets: Index) -> Array:
    """Curvature (edge,) in 1/mm across each edge of a surface: angle between its two facets over their distance.

    On a sphere of radius R it is 1/R; at a step of a staircase, a right angle over an edge's length.
    """
    corners = points[facets]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    edges = np.sort(facets[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    codes = edges[:, 0] * len(points) + edges[:, 1]
    order = np.argsort(codes, kind="stable")
    same = codes[order[1:]] == codes[order[:-1]]
    one, two = order[:-1][same] // 3, order[1:][same] // 3
    angle = 2 * np.arcsin(np.clip(np.linalg.norm(normals[one] - normals[two], axis=1) / 2, 0, 1))
    return angle / np.linalg.norm(corners.mean(axis=1)[one] - corners.mean(axis=1)[two], axis=1)
