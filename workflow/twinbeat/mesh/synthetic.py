"""Ventricles of known shape, for tests and for verification."""

import numpy as np
import xarray as xr

from .generate import generate
from .surfaces import Surfaces

HUMAN = ((26.0, 36.0), (62.0, 70.0), 16.0)
LAND = ((7.0, 10.0), (17.0, 20.0), 5.0)  # Land et al. 2015, problems 2 and 3; their z is ours + 5 mm


def ellipsoid(
    size: float,
    layers: int,
    short: tuple[float, float] = HUMAN[0],
    long: tuple[float, float] = HUMAN[1],
    base: float = HUMAN[2],
) -> xr.Dataset:
    """Mesh between two concentric ellipsoids of revolution (endo, epi), cut ``base`` mm above their centre.

    Semi-axes are in mm, ``size`` is the edge length; ``fibers.assign`` adds fibres and segments.
    """
    radii = np.array([[a, a, c] for a, c in zip(short, long, strict=True)])
    surfaces = Surfaces(centre=np.array([0.0, 0.0, -base]), radii=radii, modes=np.zeros((2, 1)))
    return generate(surfaces, size, layers, np.eye(4))


def cap_volume(short: float, long: float, base: float) -> float:
    """Volume in mL of an ellipsoid of revolution below a plane ``base`` mm above its centre (exact)."""
    return float(np.pi * short**2 * (base + 2 * long / 3 - base**3 / (3 * long**2)) / 1000)
