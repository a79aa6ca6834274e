"""Where the wave starts: sites by their place in the wall, and the currents that flow there."""

from collections.abc import Iterable

import numpy as np
import xarray as xr

from ..parameters import Electrophysiology
from .propagation import Stimulus, Train
from .velocity import STIMULATED

Lead = tuple[float, float, float, float]
"""Height, angle in degree, depth and time in ms."""


def train(muscle: xr.Dataset, parameters: Electrophysiology) -> Train:
    """The beats of ``parameters.pacing``: from roots and leads, and an early one from the leads."""
    pacing, regular = parameters.pacing, stimulus(muscle, parameters)
    beats = [(beat * pacing.cycle, regular) for beat in range(pacing.beats)]
    if pacing.coupling is not None:
        beats.append((beats[-1][0] + pacing.coupling, _current(muscle, parameters, parameters.leads)))
    return Train(tuple(beats))


def stimulus(muscle: xr.Dataset, parameters: Electrophysiology) -> Stimulus:
    """A current around the point nearest to each root, at time 0, and to each lead, when it fires."""
    roots = [(height, angle, 0.0, 0.0) for height, angle in parameters.roots]
    return _current(muscle, parameters, (*roots, *parameters.leads))


def _current(muscle: xr.Dataset, parameters: Electrophysiology, sites: Iterable[Lead]) -> Stimulus:
    points = muscle["points"].values
    start = np.full(len(points), np.inf)
    for height, angle, depth, time in sites:
        centre = points[site(muscle, height, np.radians(angle), depth)]
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
