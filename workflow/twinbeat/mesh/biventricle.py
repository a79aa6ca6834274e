"""From labels to a mesh of both ventricles that passes the quality gates, or a verdict."""

import logging
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..parameters import Mesh
from ..parameters.anatomy import Biventricle
from ..units import MM3_PER_ML
from ..verdicts import Quarantined
from . import cgal, fit, from_labels, quality, right
from .contours import Contours
from .levels import LABELS, LEFT_BLOOD, LEFT_WALL, RIGHT_BLOOD, RIGHT_WALL, Levels
from .measures import bends, cell_volumes, volume_below
from .reformat import short_axis
from .tetrahedra import SURFACES, resized, stuffed, walls

Array = NDArray[np.float64]
Index = NDArray[np.int64]
APEX = 15.0  # mm above the tip of the LV cavity that count as its apex
NEAR = 5.0  # mm around scar that are meshed like it
BENT = 99  # percentile of the curvature that is stored
RESOLVED = 1.5  # lattice steps across the right wall, at least: no edge, of √2 steps in the base, may jump over it
NOTHING = np.empty((0, 3))
log = logging.getLogger("twinbeat")


class Attempt(NamedTuple):
    """By how much surfaces are smoother and edges shorter than the parameters say, and the lattice's shift in edges."""

    smoother: float
    shorter: float
    shift: float


ATTEMPTS = (Attempt(1, 1, 0), Attempt(1, 0.9, 0.3), Attempt(1, 0.8, 0.6), Attempt(4, 0.9, 0.5), Attempt(10, 0.7, 0.4))


def build_biventricle(labels: xr.Dataset, parameters: Mesh, scar: Array = NOTHING) -> xr.Dataset:
    """Tetrahedra of both ventricles at end-diastole in the heart frame, with tagged cells and surfaces, and figures.

    ``scar`` (n, 3): points of the heart frame around which edges are shorter. Raises Quarantined: those of
    ``contours.extract``, mesh-quality.
    """
    labels = short_axis(labels)
    outlines = from_labels.steady(labels, parameters.smoothness)
    found: list[str] = []
    for attempt in ATTEMPTS:
        misfit = attempt.smoother * parameters.misfit
        shape = fit.surfaces(outlines, attempt.smoother * parameters.smoothness, misfit)
        levels = right.levels(labels, outlines, shape, parameters.biventricle.wall, attempt.smoother, misfit)
        try:
            mesh = meshed(levels, parameters, attempt, scar)
        except RuntimeError as error:
            found = [str(error)]
        else:
            found = from_labels.implausible(shape, outlines) + faults(mesh, levels, parameters)
            if not found:
                return mesh.assign(_figures(mesh, labels, outlines, levels))
        log.info("biventricle: %s: %s; trying again", attempt, "; ".join(found))
    raise Quarantined("mesh-quality", "; ".join(found))


def meshed(levels: Levels, parameters: Mesh, attempt: Attempt = ATTEMPTS[0], scar: Array = NOTHING) -> xr.Dataset:
    """The mesh of an attempt, with shorter edges about points (n, 3) of scar, whatever its quality. Raises RuntimeError
    where Mmg fails."""
    section = parameters.biventricle
    sizes = wanted(levels, parameters, attempt.shorter, scar)
    mesh = resized(levels, sizes, section.chord, *started(levels, section, attempt))
    return xr.Dataset(
        {
            "points": (("point", "component"), mesh.points),
            "cells": (("cell", "corner"), mesh.cells),
            "cell_tags": (("cell",), walls(mesh, levels)),
            "facets": (("facet", "facet_corner"), mesh.facets),
            "facet_tags": (("facet",), mesh.tags),
        }
    )


def started(levels: Levels, section: Biventricle, attempt: Attempt) -> tuple[Array, Index, Index]:
    """The first mesh, before its edges are made as long as they are wanted, by the generator of the parameters."""
    if section.generator == "cgal":
        return cgal.start(levels, attempt.shorter * min(section.size, section.wall), ATTEMPTS.index(attempt))
    step = attempt.shorter * min(section.size, section.wall / max(section.edges_across(), RESOLVED))
    return stuffed(levels, step, attempt.shift, section.blood)


def wanted(levels: Levels, parameters: Mesh, shorter: float, scar: Array) -> Callable[[Array], Array]:
    """The edge length in mm of points (n, 3): shorter where walls are thin, at the apex and near scar."""
    section, tree = parameters.biventricle, cKDTree(scar) if len(scar) else None
    tip = _tip(levels)

    def sizes(points: Array) -> Array:
        apical = np.clip((np.linalg.norm(points - tip, axis=1) / APEX - 1), 0, 1)
        share = section.apex + (1 - section.apex) * apical
        if tree is not None:
            far = np.clip(tree.query(points)[0] / NEAR - 1, 0, 1)
            share = np.minimum(share, section.scar + (1 - section.scar) * far)
        return shorter * np.minimum(section.size * share, levels.thickness(points) / section.edges_across())

    return sizes


def _tip(levels: Levels) -> Array:
    """The lowest node of the grid within the LV cavity."""
    points = levels.grid.points()
    inside = points[levels.at("left", points) < 0]
    return inside[inside[:, 2].argmin()]


def faults(mesh: xr.Dataset, levels: Levels, limits: Mesh) -> list[str]:
    """What is wrong with a mesh, in words; none when it passes all gates."""
    expected = levels.volumes
    found = volumes(mesh)
    named = [{name: volume[label] for name, label in LABELS.items()} for volume in (found, expected)]
    return quality.faults(mesh, limits) + quality.volume_faults(*named, limits)


def volumes(mesh: xr.Dataset) -> dict[int, float]:
    """Volume in mL of each label: of the cells of muscle, and of what the endocardia enclose under the base plane."""
    points, facets, tags = (mesh[name].values for name in ("points", "facets", "facet_tags"))
    cells = np.bincount(mesh["cell_tags"].values, cell_volumes(points, mesh["cells"].values)) / MM3_PER_ML
    pools = {name: -volume_below(points, facets[tags == tag]) for tag, name in SURFACES.items()}
    return {
        LEFT_WALL: float(cells[LEFT_WALL]),
        RIGHT_WALL: float(cells[RIGHT_WALL]),
        LEFT_BLOOD: pools["left"],
        RIGHT_BLOOD: pools["right"],
    }


def _figures(mesh: xr.Dataset, labels: xr.Dataset, outlines: Contours, levels: Levels) -> dict[str, object]:
    points, cells, facets, tags = (mesh[name].values for name in ("points", "cells", "facets", "facet_tags"))
    drawn = {"left": outlines.walls[0], "right": right.contours(labels, outlines), "septum": outlines.walls[1]}
    rms = [levels.rms(name, found) for name, found in drawn.items()]
    bent = [float(np.percentile(bends(points, facets[tags == tag]), BENT)) for tag in SURFACES]
    figures, found, smooth = quality.figures(points, cells), volumes(mesh), levels.volumes
    text = "biventricle: %d cells, contour rms %.2f, %.2f and %.2f mm, dihedral angles from %.1f degree"
    log.info(text, len(cells), *rms, figures["minimum_dihedral"])
    return {
        **{name: ((), value) for name, value in figures.items()},
        "to_lps": (("row", "column"), outlines.to_lps),
        "contour_rms": (("surface",), np.array(rms)),
        "curvature": (("surface",), np.array(bent)),
        "volume": (("tissue",), np.array([found[label] for label in LABELS.values()])),
        "smooth_volume": (("tissue",), np.array([smooth[label] for label in LABELS.values()])),
        "slice_position": (("slice",), outlines.positions),
        "slice_shift": (("slice", "component"), outlines.shifts),
    }
