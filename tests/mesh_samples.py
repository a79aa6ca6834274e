"""Known shapes for the tests of meshes."""

import numpy as np
import xarray as xr

from twinbeat import mesh
from twinbeat.mesh import surfaces, synthetic


def arrays(dataset: xr.Dataset) -> tuple[np.ndarray, ...]:
    """Points, cells, facets and their tags."""
    return tuple(dataset[name].values for name in ("points", "cells", "facets", "facet_tags"))


def bumpy(seed: int, size: float = 0.25) -> mesh.Surfaces:
    """The human ellipsoid with random deviations of degree 1 to 4, the larger the smoother."""
    shape = synthetic.ellipsoids(*synthetic.HUMAN, degree=4)
    l, _ = surfaces.orders(4)
    noise = np.random.default_rng(seed).normal(size=shape.modes.shape)
    shape.modes[:] = np.where(l > 0, size * noise / (1 + l * (l + 1)), 0)
    return shape
