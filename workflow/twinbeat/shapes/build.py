"""The shape model of a cohort as a store."""

import logging
from collections.abc import Sequence

import numpy as np
import xarray as xr

from ..mesh import Surfaces
from ..parameters import Shape
from ..verdicts import Rejected
from . import model
from .correspondence import DISK, Array, Frame, points

LARGEST = 30  # most modes for which generalisation and specificity are measured
STILL = 1e-3  # mm, root mean square: hearts that differ by less are one heart
log = logging.getLogger("twinbeat")


def build(meshes: Sequence[xr.Dataset], parameters: Shape) -> xr.Dataset:
    """Dataset ``shape`` of the patients' meshes: mean, modes in mm per standard deviation, and how good they are.

    The frames about which the walls are expanded ride along by linear regression on the scores. They weigh nothing in
    the components, but with them a drawn shape is a pair of walls again. Raises Rejected: few-patients, no-variation.
    """
    if len(meshes) < parameters.minimum_patients:
        message = f"{len(meshes)} patients have a mesh, at least {parameters.minimum_patients} expected"
        raise Rejected("few-patients", message)
    hearts = [Surfaces.of(mesh) for mesh in meshes]
    shapes = np.stack([points(heart) for heart in hearts])
    frames = np.stack([Frame(heart.centre, heart.radii).values() for heart in hearts])
    size = np.sqrt(shapes[0, ..., 0].size)
    components = model.Components.of(shapes.reshape(len(shapes), -1) / size)
    spread = float(np.sqrt(components.variance.sum()))
    if spread < STILL:
        message = f"{len(meshes)} hearts lie {spread:.2g} mm about their mean, at least {STILL:g} mm expected"
        raise Rejected("no-variation", message)
    return _dataset(components, size * components.mean.reshape(shapes.shape[1:]), frames, parameters)


def _dataset(components: model.Components, mean: Array, frames: Array, parameters: Shape) -> xr.Dataset:
    kept = min(components.kept(parameters.variance), parameters.modes or np.inf)
    most = min(len(frames) - 2, len(components.variance), LARGEST)
    sigma = np.sqrt(components.variance[:kept])
    score = components.coordinates[:, :kept] / sigma
    modes = np.sqrt(mean[..., 0].size) * sigma[:, None] * components.modes[:kept]
    general = model.generalisation(components.coordinates, most)
    specific = model.specificity(components, most, parameters.bound, np.random.default_rng([parameters.seed, 0]))
    text = "shape: %d of %d modes hold %.1f %% of a spread of %.2f mm; left out, hearts come back within %.2f mm"
    log.info(
        text, kept, len(components.variance), 100 * model.compactness(components.variance)[kept],
        np.sqrt(components.variance.sum()), general[0][min(kept, most)],
    )  # fmt: skip
    ride = score.T @ (frames - frames.mean(axis=0)) / (len(frames) - 1)
    return xr.Dataset(
        {
            "mean": (("wall", "node", "component"), mean),
            "modes": (("shape_mode", "wall", "node", "component"), modes.reshape(kept, *mean.shape)),
            "frame": (("frame_entry",), frames.mean(axis=0)),
            "frame_modes": (("shape_mode", "frame_entry"), ride),
            "triangles": (("triangle", "corner"), DISK.triangles),
            "variance": (("rank",), components.variance),
            "compactness": (("count",), model.compactness(components.variance)[: most + 1]),
            "generalisation": (("count",), general[0]),
            "generalisation_error": (("count",), general[1]),
            "specificity": (("count",), specific[0]),
            "specificity_error": (("count",), specific[1]),
            "score": (("patient", "shape_mode"), score),
            "residual": (("patient",), np.linalg.norm(components.coordinates[:, kept:], axis=1)),
            "neighbour": (("patient",), model.neighbours(components.coordinates)),
        }
    )
