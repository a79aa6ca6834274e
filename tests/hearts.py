"""Both ventricles by hand: an ellipsoidal left one with a right one blown up from its side, at any density."""

import numpy as np
import xarray as xr

from twinbeat.fibers.regions import BASE, ENDOCARDIUM, EPICARDIUM, LEFT_WALL, RIGHT_ENDOCARDIUM, RIGHT_WALL
from twinbeat.mesh import synthetic, template

WIDTH, THICKNESS = 22.0, 6.0  # mm: largest width of the right cavity, its wall
REACH, GLUED = 62.0, 20.0  # degree: half of the right cavity's angle, and the band beyond it where the walls touch
LOWEST, BAND = 0.45, 0.2  # share of the arc above the apex where the right cavity begins, and the band below it


def biventricle(size: float, layers: int) -> xr.Dataset:
    """Tetrahedra of about ``size`` mm: the left wall in ``layers`` layers, the right one in one layer less, or one.

    The right wall is extruded from a patch of the left epicardium. Where the two touch they share nodes; elsewhere the
    right wall stands off by up to WIDTH mm, and the patch below it becomes the septum's right side.
    """
    shape = synthetic.ellipsoids(*synthetic.HUMAN)
    disk = template.disk(template.ring_counts(shape, size))
    nodes = len(disk.angle)
    left = template.wall_nodes(shape, disk, layers)
    triangles, gap = _patch(disk)
    right, renumber, many = _right(left[-1], triangles, gap, layers, max(1, layers - 1))
    points = np.concatenate([left.reshape(-1, 3), right])
    cells = [template.tetrahedra(disk.triangles, nodes, layers), renumber[template.tetrahedra(triangles, nodes, many)]]
    tags = np.repeat([LEFT_WALL, RIGHT_WALL], [len(part) for part in cells])
    cells = template.oriented(points, np.concatenate(cells))
    facets = template.boundary(cells, nodes, layers)[0]
    septum = np.sort(triangles + layers * nodes, axis=1)
    facet_tags = _tags(points, facets, nodes, septum, renumber[:nodes], renumber[many * nodes :])
    return xr.Dataset(
        {
            "points": (("point", "component"), points),
            "cells": (("cell", "corner"), cells),
            "cell_tags": (("cell",), tags),
            "facets": (("facet", "facet_corner"), facets),
            "facet_tags": (("facet",), facet_tags),
            "to_lps": (("row", "column"), synthetic_frame()),
        }
    )


def synthetic_frame() -> np.ndarray:
    """An oblique frame of the patient: a rotation (of determinant 1) and a shift."""
    return np.block([[synthetic.OBLIQUE, np.array([[12.0], [-34.0], [56.0]])], [np.zeros((1, 3)), np.ones((1, 1))]])


def _patch(disk: template.Disk) -> tuple[np.ndarray, np.ndarray]:
    """Triangles of the disk that the right wall covers, and per node the width of the cavity there."""
    angle = np.abs(np.degrees(np.angle(np.exp(1j * disk.angle))))
    covered = (angle < REACH + GLUED) & (disk.fraction > LOWEST - BAND)
    sideways = np.clip(1 - (angle / REACH) ** 2, 0, 1)
    upwards = np.clip((disk.fraction - LOWEST) / (1 - LOWEST), 0, 1)
    return disk.triangles[covered[disk.triangles].all(axis=1)], WIDTH * np.sqrt(sideways * upwards)


def _right(
    epi: np.ndarray, triangles: np.ndarray, gap: np.ndarray, below: int, layers: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """New points, the number in the whole mesh of each (layer, disk node), and the number of layers."""
    outward = epi * [1, 1, 0]
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
    nodes, used = len(epi), np.isin(np.arange(len(epi)), triangles)
    renumber = np.full((layers + 1, nodes), -1)
    glued = used & (gap == 0)
    renumber[0, glued] = below * nodes + np.flatnonzero(glued)
    fresh = used & ((np.arange(layers + 1)[:, None] > 0) | (gap > 0))
    renumber[fresh] = (below + 1) * nodes + np.arange(fresh.sum())
    height = gap + THICKNESS * np.linspace(0, 1, layers + 1)[:, None]
    return (epi + height[..., None] * outward)[fresh], renumber.ravel(), layers


def _tags(points, facets, nodes, septum, right_inner, right_outer) -> np.ndarray:
    """Tags of the boundary: base, left endocardium, right endocardium (septum and free wall), or epicardium."""
    inside = np.isin(facets, right_inner[right_inner >= 0]).all(axis=1) & ~np.isin(facets, right_outer).any(axis=1)
    sides = [
        (np.abs(points[facets, 2]) < 1e-9).all(axis=1),
        (facets < nodes).all(axis=1),
        (np.sort(facets, axis=1)[:, None] == septum).all(axis=2).any(axis=1) | inside,
    ]
    return np.select(sides, [BASE, ENDOCARDIUM, RIGHT_ENDOCARDIUM], EPICARDIUM)
