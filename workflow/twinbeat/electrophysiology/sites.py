"""Where the wave starts: sites by their place in the wall, and the currents that flow there."""

import numpy as np
import xarray as xr

from ..parameters import Electrophysiology
from .propagation import Stimulus
from .velocity import STIMULATED


def stimulus(fine: xr.Dataset, parameters: Electrophysiology) -> Stimulus:
    """A current around the point nearest to each root, at time 0, and to each lead, when it fires."""
    points = fine["points"].values
    start = np.full(len(points), np.inf)
    roots = [(height, angle, 0.0, 0.0) for height, angle in parameters.roots]
    for height, angle, depth, time in (*roots, *parameters.leads):
        centre = points[site(fine, height, np.radians(angle), depth)]
        near = np.linalg.norm(points - centre, axis=1) < STIMULATED * parameters.size
        start[near] = np.minimum(start[near], time)
    return Stimulus(start, parameters.stimulus, parameters.stimulus_duration)


def site(fine: xr.Dataset, height: float, angle: float, depth: float = 0.0) -> int:
    """The point nearest to a height (0 apex, 1 base), an angle about the long axis (rad) and a depth (0 endocardium).

    The layer of the mesh is compared first, then the height, because rings differ in angle.
    """
    depths = fine["depth"].values
    layer = np.flatnonzero(np.abs(depths - depth) < np.abs(depths - depth).min() + 1e-9)
    heights, angles = (fine[name].values[layer] for name in ("longitudinal", "circumferential"))
    ring = np.abs(heights - height) < np.abs(heights - height).min() + 1e-9
    away = np.abs(np.angle(np.exp(1j * (angles - angle))))
    return int(layer[np.argmin(np.where(ring, away, np.inf))])
