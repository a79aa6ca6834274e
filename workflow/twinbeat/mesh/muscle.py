"""The muscle of both ventricles in edges of another length."""

from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .boundary import MUSCLE, RIGHT_ENDOCARDIUM, neighbours
from .interpolate import interpolation
from .levels import LEFT_WALL, RIGHT_WALL
from .remesh import Tagged, adapted
from .template import BASE, ENDOCARDIUM, EPICARDIUM
from .tetrahedra import whole

Index = NDArray[np.int64]
PLACED = ("to_lps", "slice_position", "slice_shift")
"""What a mesh says of its place in the image."""


def remeshed(heart: xr.Dataset, size: float) -> xr.Dataset:
    """The muscle of a mesh of both ventricles in edges of about ``size`` mm, with tagged cells and surfaces.

    The border between the walls follows other elements than there. Raises RuntimeError where Mmg fails.
    """
    start = _muscle(heart)
    unparted = replace(start, labels=np.full(len(start.cells), MUSCLE))
    mesh = adapted(unparted, lambda points: np.full(len(points), size), chord=size)
    fields = {
        "points": (("point", "component"), mesh.points),
        "cells": (("cell", "corner"), mesh.cells),
        "cell_tags": (("cell",), _walls(start, mesh)),
        "facets": (("facet", "facet_corner"), mesh.facets),
        "facet_tags": (("facet",), mesh.tags),
    }
    return xr.Dataset(fields | {name: heart[name] for name in PLACED if name in heart})


def _muscle(heart: xr.Dataset) -> Tagged:
    """Its cells of muscle with their walls as labels, and the surfaces of muscle."""
    tags, facet_tags = heart["cell_tags"].values, heart["facet_tags"].values
    muscle = np.isin(tags, (LEFT_WALL, RIGHT_WALL))
    surface = np.isin(facet_tags, (ENDOCARDIUM, EPICARDIUM, BASE, RIGHT_ENDOCARDIUM))
    used, cells = np.unique(heart["cells"].values[muscle], return_inverse=True)
    facets = np.searchsorted(used, heart["facets"].values[surface])
    return Tagged(heart["points"].values[used], cells.reshape(-1, 4), tags[muscle], facets, facet_tags[surface])


def _walls(start: Tagged, mesh: Tagged) -> Index:
    """The wall of each cell of a mesh, the one that most of the starting mesh about its middle is of."""
    near = np.bincount(start.cells.ravel())
    share = np.bincount(start.cells.ravel(), np.repeat(start.labels == LEFT_WALL, 4)) / near
    middles = mesh.points[mesh.cells].mean(axis=1)
    left = interpolation(start.points, start.cells, middles) @ share > 0.5
    return np.where(whole(neighbours(mesh.cells), left), LEFT_WALL, RIGHT_WALL)
