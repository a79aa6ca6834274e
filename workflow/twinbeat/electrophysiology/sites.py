"""Where the wave starts: sites by their place in the wall, and the currents that flow there."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import xarray as xr

from .. import fibers
from ..parameters import Electrophysiology
from .propagation import Stimulus, Train
from .velocity import STIMULATED

LEFT, RIGHT = -1.0, 1.0


class Site(NamedTuple):
    """Where a wave starts, and when: angle in degree, time in ms, ``ventricle`` as the universal coordinate."""

    height: float
    angle: float
    depth: float = 0.0
    time: float = 0.0
    ventricle: float = LEFT


def train(muscle: xr.Dataset, parameters: Electrophysiology) -> Train:
    """The beats of ``parameters.pacing``: from roots and leads, and an early one from the leads."""
    pacing, regular = parameters.pacing, stimulus(muscle, parameters)
    beats = [(beat * pacing.cycle, regular) for beat in range(pacing.beats)]
    if pacing.coupling is not None:
        beats.append((beats[-1][0] + pacing.coupling, _current(muscle, parameters, leads(parameters))))
    return Train(tuple(beats))


def stimulus(muscle: xr.Dataset, parameters: Electrophysiology) -> Stimulus:
    """A current around the point nearest to each root, at its time, and to each lead, when it fires."""
    roots = [Site(*root) for root in parameters.roots]
    if parameters.ventricles == "both":
        roots += [Site(height, angle, 0.0, time, RIGHT) for height, angle, time in parameters.right_roots]
    return _current(muscle, parameters, [*roots, *leads(parameters)])


def leads(parameters: Electrophysiology) -> list[Site]:
    """The pacing leads."""
    return [Site(*lead) for lead in parameters.leads]


def _current(muscle: xr.Dataset, parameters: Electrophysiology, sites: Iterable[Site]) -> Stimulus:
    points = muscle["points"].values
    start = np.full(len(points), np.inf)
    for height, angle, depth, time, ventricle in sites:
        centre = points[site(muscle, height, np.radians(angle), depth, ventricle)]
        near = np.linalg.norm(points - centre, axis=1) < STIMULATED * parameters.size
        start[near] = np.minimum(start[near], time)
    return Stimulus(start, parameters.stimulus, parameters.stimulus_duration)


def site(fine: xr.Dataset, height: float, angle: float, depth: float = 0.0, ventricle: float = LEFT) -> int:
    """The point nearest to a height (0 apex, 1 base), an angle (rad, as ``circumferential``) and a depth (0
    endocardium).

    In the left ventricle alone the layer of the mesh is compared first, then the height, because rings differ in angle.
    """
    if "ventricle" in fine:
        return fibers.nearest(fine, (depth, height, angle), ventricle)
    depths = fine["depth"].values
    layer = np.flatnonzero(np.abs(depths - depth) < np.abs(depths - depth).min() + 1e-9)
    heights, angles = (fine[name].values[layer] for name in ("longitudinal", "circumferential"))
    ring = np.abs(heights - height) < np.abs(heights - height).min() + 1e-9
    away = np.abs(np.angle(np.exp(1j * (angles - angle))))
    return int(layer[np.argmin(np.where(ring, away, np.inf))])
