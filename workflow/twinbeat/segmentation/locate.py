"""Where the heart lies: what moves over the cine and looks like a left ventricle to the network."""

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

from ..verdicts import Rejected
from .grid import Array, Grid
from .network import Network

_FRAMES = 3
_REACH = 10.0
"""Smoothing in mm of motion and of the network's opinion."""
_LEAST = 0.02
"""Least mean probability of the left ventricle at its centre, over all slices, for a heart to be there."""


def centre(image: xr.DataArray, network: Network) -> tuple[float, float]:
    """The left ventricle's centre (y, x) in mm in ``image`` (time, z, y, x); Rejected where there is none."""
    pixel = network.card.pixel_size
    grid = Grid.over(image, pixel, network.card.multiple)
    stack = network.scaled(grid.sample(image))
    some = stack[np.linspace(0, len(stack), _FRAMES, endpoint=False).astype(int)]
    opinion = np.mean([network.probability(frame)[1:3].sum(0).mean(0) for frame in some], axis=0)
    motion = stack.std(0).mean(0)
    weight = _smooth(opinion, pixel) * (0.2 + _smooth(motion, pixel) / max(float(motion.max()), 1e-6))
    peak = np.unravel_index(int(weight.argmax()), weight.shape)
    if (found := float(_smooth(opinion, pixel)[peak])) < _LEAST:
        raise Rejected(
            "heart-not-found",
            f"the strongest sign of a left ventricle has a mean probability of {found:.3f}, expected {_LEAST} or more",
        )
    return _centroid(opinion, grid, (float(grid.y[peak[0]]), float(grid.x[peak[1]])))


def _smooth(field: Array, pixel: float) -> Array:
    return gaussian_filter(field, _REACH / pixel)


def _centroid(opinion: Array, grid: Grid, peak: tuple[float, float], reach: float = 60.0) -> tuple[float, float]:
    """The centre of mass of the network's opinion within ``reach`` mm of its peak."""
    near = np.hypot(grid.y[:, None] - peak[0], grid.x[None, :] - peak[1]) < reach
    mass = opinion * near
    return float((mass.sum(1) @ grid.y) / mass.sum()), float((mass.sum(0) @ grid.x) / mass.sum())
