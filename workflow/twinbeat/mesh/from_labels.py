"""From labels to a mesh that passes the quality gates, or a verdict."""

import logging
from functools import cache
from itertools import count
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..parameters import Mesh
from ..verdicts import Quarantined
from . import contours, fit, quality
from .align import aligned
from .generate import conserving, generate
from .measures import cavity_volume, enclosed_volume, wall_volume
from .reformat import short_axis
from .surfaces import Surfaces

THINNEST = 1.5  # mm of wall below which the fit is not believed
FARTHEST = 3.0  # mm within which three quarters of the contour points lie, or the wall does not stand for them
BASAL_MISFIT = 3.0  # mm, root mean square: beyond it, a basal slice does not belong to the ventricle
log = logging.getLogger("twinbeat")


def build(labels: xr.Dataset, parameters: Mesh) -> xr.Dataset:
    """Tetrahedra of the end-diastolic left ventricle in the heart frame, with tagged surfaces and figures of quality.

    Raises Quarantined: those of ``contours.extract``, mesh-quality.
    """
    outlines = steady(short_axis(labels), parameters.smoothness)
    fitted = cache(lambda smoothness, misfit: fit.surfaces(outlines, smoothness, misfit))
    found: list[str] = []
    wall = float(thickness(fitted(parameters.smoothness, parameters.misfit)).mean())
    for attempt in attempts(parameters, wall):
        shape = fitted(attempt.smoothness, attempt.misfit)
        found = implausible(shape, outlines)
        if not found:
            mesh = conserving(generate(shape, attempt.size, attempt.layers, outlines.to_lps))
            found = quality.faults(mesh, parameters) + volume_faults(mesh, shape, parameters)
        if not found:
            return mesh.assign(_figures(mesh, shape, outlines))
        log.info("mesh: %s: %s; trying again", told(attempt), "; ".join(found))
    raise Quarantined("mesh-quality", "; ".join(found))


def told(attempt: Mesh) -> str:
    """What differs between attempts."""
    varied = attempt.model_dump(mode="json", include={"size", "layers", "smoothness", "misfit"})
    return ", ".join(f"{name} {value}" for name, value in varied.items())


def steady(labels: xr.Dataset, smoothness: float) -> contours.Contours:
    """The contours below the first slice that fits to those beneath it, each laid onto the walls that all give.

    An atrium or aortic root above does not fit.
    """
    for without in count():
        outlines = contours.extract(labels, without)
        misfit = fit.basal_misfit(outlines, smoothness)
        if misfit < BASAL_MISFIT:
            return aligned(outlines, smoothness)
        log.info("mesh: slice at %g mm is %.1f mm off the others; left out", outlines.positions[0], misfit)


def attempts(parameters: Mesh, wall: float) -> list[Mesh]:
    """The parameters as given and with smoother surfaces; then smaller elements, as those in thin layers are flat, and
    more layers, as elements in thick ones are tall, in the order that a ``wall`` of so many mm on average asks for."""
    smoother, finer, half, layered = {"smoothness": 10, "misfit": 10}, {"size": 0.75}, {"size": 0.5}, {"layers": 2}
    flat, tall = [finer, smoother | finer, half, smoother | half], [smoother | layered]
    order = [*tall, *flat] if wall > parameters.layers * parameters.size else [*flat, *tall]
    changes = [{}, smoother, *order, {"smoothness": 100, "misfit": 100, "layers": 2, "size": 0.8}]
    return [
        parameters.model_copy(update={name: getattr(parameters, name) * factor for name, factor in change.items()})
        for change in changes
    ]


def implausible(shape: Surfaces, outlines: contours.Contours) -> list[str]:
    """What cannot be believed of fitted walls, in words."""
    thinnest = thickness(shape).min()
    off = max(np.quantile(np.abs(fit.distances(shape, wall, outlines.walls[wall])), 0.75) for wall in (0, 1))
    found = [
        (thinnest < THINNEST, f"wall {thinnest:.1f} mm thin, at least {THINNEST:g} mm expected"),
        (off > FARTHEST, f"a quarter of a contour over {off:.1f} mm off its wall, at most {FARTHEST:g} mm expected"),
    ]
    return [words for wrong, words in found if wrong]


def thickness(shape: Surfaces) -> NDArray[np.float64]:
    """Of the wall below its base (theta, phi), along rays from the centre, in mm."""
    phi = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    theta = np.linspace(shape.rim(0, phi), np.pi, 40)
    return np.linalg.norm(shape.points(1, theta, phi) - shape.points(0, theta, phi), axis=-1)


def volume_faults(mesh: xr.Dataset, shape: Surfaces, limits: Mesh) -> list[str]:
    """What is wrong with the volumes of a mesh against the smooth walls', in words."""
    points, cells, facets, tags = (mesh[name].values for name in ("points", "cells", "facets", "facet_tags"))
    cavity, whole = (enclosed_volume(shape, wall) for wall in (0, 1))
    found = {"cavity": cavity_volume(points, facets, tags), "wall": wall_volume(points, cells)}
    return quality.volume_faults(found, {"cavity": cavity, "wall": whole - cavity}, limits)


def _figures(mesh: xr.Dataset, shape: Surfaces, outlines: contours.Contours) -> dict[str, Any]:
    points, cells = mesh["points"].values, mesh["cells"].values
    rms = [fit.contour_rms(shape, wall, outlines.walls[wall]) for wall in (0, 1)]
    found = quality.figures(points, cells)
    text = "mesh: %d cells, contour rms %.2f and %.2f mm, dihedral angles from %.1f degree, aspect ratios up to %.1f"
    log.info(text, len(cells), *rms, found["minimum_dihedral"], found["maximum_aspect"])
    return {
        "contour_rms": (("wall",), np.array(rms)),
        **{name: ((), value) for name, value in found.items()},
        "slice_position": (("slice",), outlines.positions),
        "slice_shift": (("slice", "component"), outlines.shifts),
    }
