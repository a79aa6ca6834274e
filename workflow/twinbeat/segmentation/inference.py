"""From a short-axis cine to labels in every frame."""

import logging
import time

import numpy as np
import xarray as xr

from ..parameters import Segmentation
from . import gates, postprocess, quality
from .card import Card
from .grid import Array, Grid
from .locate import centre
from .network import Network, networks
from .postprocess import Labels, smooth_in_time

SIDE = 192.0
"""Length in mm of each side of the labels' grid, up to what the network's pixels ask for."""
FULL = 0.98
"""Share of the largest volume from which a frame counts as full."""
log = logging.getLogger("twinbeat")


def segment(image: xr.Dataset, settings: Segmentation) -> xr.Dataset:
    """Labels of an image store, as the table of variables says, on a square grid about the left ventricle.

    Raises Rejected where the image is no MR or no heart is found.
    """
    gates.check_modality(image)
    finder, labeller = networks(settings.network)
    middle = centre(image.image, finder)
    grid = around(middle, labeller.card)
    log.info("segment: left ventricle about y %.0f mm, x %.0f mm", *middle)
    probability = smooth_in_time(_probability(grid.sample(image.image), labeller, settings.orientations))
    return summarise(image, grid, probability, postprocess.labels(probability, labeller.card.pixel_size))


def around(middle: tuple[float, float], card: Card) -> Grid:
    """The labels' grid about the left ventricle."""
    pixels = int(np.ceil(SIDE / card.pixel_size / card.multiple)) * card.multiple
    return Grid.around(middle, pixels, card.pixel_size)


def end_diastole(volume: Array, times: Array, cycle: float) -> int:
    """The frame nearest to the R wave (time 0) among those nearly as full as the fullest.

    The fullest alone may be a frame of isovolumic contraction, when muscle is no longer relaxed.
    """
    off = np.minimum(times % cycle, cycle - times % cycle)
    return int(np.where(volume >= FULL * volume.max(), off, np.inf).argmin())


def _probability(stack: Array, network: Network, orientations: int) -> Array:
    """Probabilities (label, time, z, y, x) of a stack (time, z, y, x), with the time left in the log."""
    begin, frames = time.monotonic(), []
    for number, frame in enumerate(network.scaled(stack), 1):
        frames.append(network.probability(frame, orientations))
        left = (time.monotonic() - begin) * (len(stack) / number - 1)
        log.info("segment: frame %d of %d, %.0f s left", number, len(stack), left)
    return np.stack(frames, axis=1)


def summarise(image: xr.Dataset, grid: Grid, probability: Array, labels: Labels) -> xr.Dataset:
    """The labels store: labels (time, z, y, x) on ``grid`` with volumes by slice summation."""
    volumes, space = quality.volumes(labels, image.z.values, grid.y, grid.x), ("time", "z", "y", "x")
    pools = volumes["volume_lv"][1]
    return xr.Dataset(
        {
            "labels": (space, labels),
            "probability": (("label", *space), probability.astype(np.float16)),
            "confidence": ("time", confidence(probability, labels)),
            **volumes,
            "end_diastole": end_diastole(pools, image.time.values, float(image.cycle)),
            "end_systole": int(pools.argmin()),
            **{name: image[name] for name in ("origin", "directions", "cycle", "shift_removed")},
        },
        coords={"label": np.arange(4), "time": image.time, "z": image.z, "y": grid.y, "x": grid.x},
    )


def confidence(probability: Array, labels: Labels) -> np.ndarray:
    """The mean over the heart of the highest probability (label, time, z, y, x), per frame (time,); 0 where there is no
    heart in the labels (time, z, y, x)."""
    heart = labels > 0
    return (probability.max(0) * heart).sum((1, 2, 3)) / np.maximum(heart.sum((1, 2, 3)), 1)
