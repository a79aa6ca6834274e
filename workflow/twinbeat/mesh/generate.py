"""The mesh between two surfaces, at any element size."""

import numpy as np
import xarray as xr

from . import template
from .measures import cavity_volume, enclosed_volume, wall_volume
from .surfaces import Surfaces


def generate(surfaces: Surfaces, size: float, layers: int, to_lps: np.ndarray) -> xr.Dataset:
    """Tetrahedra of about ``size`` mm in ``layers`` layers, with tagged facets, wall coordinates and the surfaces."""
    disk = template.disk(template.ring_counts(surfaces, size))
    nodes = len(disk.angle)
    points = template.wall_nodes(surfaces, disk, layers).reshape(-1, 3)
    cells = template.oriented(points, template.tetrahedra(disk.triangles, nodes, layers))
    facets, tags = template.boundary(cells, nodes, layers)
    return xr.Dataset(
        {
            "points": (("point", "component"), points),
            "cells": (("cell", "corner"), cells),
            "facets": (("facet", "facet_corner"), facets),
            "facet_tags": (("facet",), tags),
            "depth": (("point",), np.repeat(np.linspace(0, 1, layers + 1), nodes)),
            "longitudinal": (("point",), np.tile(disk.fraction, layers + 1)),
            "circumferential": (("point",), np.arctan2(points[:, 1], points[:, 0])),
            "to_lps": (("row", "column"), to_lps),
            **surfaces.variables(),
        }
    )


def refine(anatomy: xr.Dataset, size: float, layers: int) -> xr.Dataset:
    """The same ventricle meshed at another density (geometry and wall coordinates; ``fibers.refine`` adds the rest)."""
    return conserving(generate(Surfaces.of(anatomy), size, layers, anatomy["to_lps"].values))


def conserving(mesh: xr.Dataset) -> xr.Dataset:
    """The mesh with its walls scaled about the origin so that they enclose the exact volumes.

    Flat triangles cut a curved wall by chords: 8 mm edges lose 2 % of the cavity. The base plane stays in place.
    """
    points, facets, tags = (mesh[name].values for name in ("points", "facets", "facet_tags"))
    endo, wall = cavity_volume(points, facets, tags), wall_volume(points, mesh["cells"].values)
    exact = [enclosed_volume(Surfaces.of(mesh), surface) for surface in (0, 1)]
    inner, outer = np.cbrt(exact[0] / endo), np.cbrt(exact[1] / (endo + wall))
    depth = mesh["depth"].values[:, None]
    return mesh.assign(points=(("point", "component"), points * ((1 - depth) * inner + depth * outer)))
