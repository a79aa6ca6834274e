"""Rings of muscle around blood, for the tests of segmentation."""

import numpy as np

from twinbeat.segmentation import postprocess

BLOOD, MYOCARDIUM, RV = 1, 2, 3
PIXEL = 1.5
"""mm"""


def disc(radius: float, centre: tuple[float, float] = (32, 32), size: int = 64) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    return np.hypot(y - centre[0], x - centre[1]) <= radius


def ring(inner: float = 10, outer: float = 16.3) -> np.ndarray:
    """A wall about a pool, with radii in pixels; no single pixels stick out of the outline."""
    return np.where(disc(inner), BLOOD, np.where(disc(outer), MYOCARDIUM, 0)).astype(np.uint8)


def certain(labels: np.ndarray) -> np.ndarray:
    """Probabilities (label, ...) that are sure of ``labels``."""
    return np.stack([labels == label for label in range(4)]).astype(np.float32)


def labelled(labels: np.ndarray) -> np.ndarray:
    """What becomes of a network's certain opinion."""
    return postprocess.labels(certain(labels), PIXEL)


def cine(slice_: np.ndarray, frames: int = 8, slices: int = 6) -> np.ndarray:
    return np.broadcast_to(slice_, (frames, slices, *slice_.shape)).copy()
