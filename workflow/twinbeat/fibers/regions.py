"""Where the nodes and cells of a mesh lie: on which surface, in the wall of which ventricle, at the apex.

A mesh of both ventricles has ``facet_tags`` 4 on the right endocardium, and ``cell_tags``: 1 wall of the left ventricle
with the septum, 2 wall of the right ventricle, 3 and 4 blood.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..mesh import BASE, ENDOCARDIUM, EPICARDIUM
from ..mesh.boundary import RIGHT_ENDOCARDIUM
from ..mesh.levels import LEFT_WALL, RIGHT_WALL

Index = NDArray[np.int64]
STEPS = 200  # along the apical line; a tetrahedron is longer than a two-hundredth of a wall
__all__ = ["BASE", "ENDOCARDIUM", "EPICARDIUM", "LEFT_WALL", "RIGHT_ENDOCARDIUM", "RIGHT_WALL"]


def on(anatomy: xr.Dataset, tag: int) -> Index:
    """The nodes of the facets with this tag."""
    return np.unique(anatomy["facets"].values[anatomy["facet_tags"].values == tag])


def biventricular(anatomy: xr.Dataset) -> bool:
    """Whether the mesh has a right ventricle."""
    return bool((anatomy["facet_tags"] == RIGHT_ENDOCARDIUM).any())


def cell_tags(anatomy: xr.Dataset) -> Index:
    """Tag of each cell (cell,); all are wall of the left ventricle where the mesh says nothing."""
    if "cell_tags" in anatomy:
        return anatomy["cell_tags"].values
    return np.full(anatomy.sizes["cell"], LEFT_WALL)


def wall(anatomy: xr.Dataset) -> Index:
    """The cells (indices) that are muscle."""
    return np.flatnonzero(np.isin(cell_tags(anatomy), (LEFT_WALL, RIGHT_WALL)))


def apex(anatomy: xr.Dataset) -> Index:
    """The line of apical nodes through the left wall, from the endocardium to the epicardium.

    On a mesh without ``longitudinal``: the nodes nearest to the straight line from the endocardial node farthest below
    the base to the epicardial node that continues the line from the middle of the base to it.
    """
    if "longitudinal" in anatomy:
        return np.flatnonzero(anatomy["longitudinal"].values == 0)
    points, endo, epi = anatomy["points"].values, on(anatomy, ENDOCARDIUM), on(anatomy, EPICARDIUM)
    inner = points[endo[np.argmin(points[endo, 2])]]
    axis = inner / np.linalg.norm(inner)
    aside = np.linalg.norm(np.cross(points[epi], axis), axis=1)
    outer = points[epi[np.argmin(np.where(points[epi] @ axis > 0, aside, np.inf))]]
    muscle = np.unique(anatomy["cells"].values[cell_tags(anatomy) == LEFT_WALL])
    line = inner + np.linspace(0, 1, STEPS)[:, None] * (outer - inner)
    return np.unique(muscle[cKDTree(points[muscle]).query(line)[1]])
