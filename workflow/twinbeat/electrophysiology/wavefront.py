"""The front of the eikonal equation as a function of conduction velocities, and those that calibration found."""

from collections.abc import Collection

import numpy as np
import xarray as xr

from ..fibers.scar import BORDER
from ..parameters import Electrophysiology
from . import substrate
from .assembly import Array, conductivity
from .eikonal import Front, front, tangents
from .sites import stimulus
from .substrate import Substrate
from .velocity import Directions

NAMES = ("fiber", "transverse", "endocardium")
"""The velocities: along the fibres, across them, and within the endocardial layer."""


class Wavefront:
    """The front in a muscle from its early sites, as a function of the logarithms (3,) of its velocities in mm/ms."""

    def __init__(self, heart: Substrate, parameters: Electrophysiology) -> None:
        self.points, self.cells = (heart.muscle[name].values for name in ("points", "cells"))
        self.axes, self._heart = substrate.axes(heart.muscle), heart
        self._start = stimulus(heart.muscle, parameters).start
        self._slower = parameters.scar.border_velocity if (heart.kind == BORDER).any() else 1.0
        self._of = np.array([self._along(one) > 0 for one in np.eye(len(NAMES))])

    def _along(self, values: Array) -> Array:
        """(cell, axis) along the axes, from those of healthy muscle."""
        fiber, across, endocardium = values
        healthy = Directions(fiber, across, across, endocardium)
        border = Directions(*(self._slower * value for value in healthy))
        return substrate.along(self._heart.muscle, self._heart.kind, [healthy, border])

    def front(self, logs: Array) -> Front:
        """Its times (point,) in ms, and where they are from."""
        metric = conductivity(self.axes, self._along(np.exp(logs)) ** -2)
        return front(self.points, self.cells, metric, self._start)

    def tangents(self, logs: Array, found: Front) -> Array:
        """Derivatives (velocity, point) in ms of the times of the front at ``logs`` by these."""
        return tangents(self.points, self.cells, self.axes, self._along(np.exp(logs)), self._of, found)


def fitted(parameters: Electrophysiology, conduction: xr.Dataset, named: Collection[str] = ()) -> Electrophysiology:
    """The parameters with the calibrated velocities, but for those ``named``, which a what-if run chooses itself."""
    found = {name: float(conduction[name]) for name in (f"velocity_{one}" for one in NAMES) if name not in named}
    return parameters.model_copy(update=found)
