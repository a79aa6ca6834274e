"""The mesh between two surfaces, at any element size."""

import numpy as np
import xarray as xr

from . import template
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
    """The same ventricle meshed at another density (geometry and wall coordinates; ``fibers.assign`` adds the rest)."""
    return generate(Surfaces.of(anatomy), size, layers, anatomy["to_lps"].values)
