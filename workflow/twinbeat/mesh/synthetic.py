"""Ventricles of known shape, and their labels as a scanner and a perfect network would give them."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .generate import generate
from .surfaces import Surfaces

Array = NDArray[np.float64]
HUMAN = ((26.0, 36.0), (62.0, 70.0), 16.0)
LAND = ((7.0, 10.0), (17.0, 20.0), 5.0)  # Land et al. 2015, problems 2 and 3; their z is ours + 5 mm
OBLIQUE = np.array([[-0.6, 0.64, 0.48], [0.8, 0.48, 0.36], [0.0, 0.6, -0.8]])  # stack, columns and rows; det = 1


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
    return generate(ellipsoids(short, long, base), size, layers, np.eye(4))


def ellipsoids(short: tuple[float, float], long: tuple[float, float], base: float, degree: int = 0) -> Surfaces:
    """The surfaces of ``ellipsoid``, with room for deviations up to a degree."""
    radii = np.array([[a, a, c] for a, c in zip(short, long, strict=True)])
    return Surfaces(centre=np.array([0.0, 0.0, -base]), radii=radii, modes=np.zeros((2, (degree + 1) ** 2)))


def cap_volume(short: float, long: float, base: float) -> float:
    """Volume in mL of an ellipsoid of revolution below a plane ``base`` mm above its centre (exact)."""
    return float(np.pi * short**2 * (base + 2 * long / 3 - base**3 / (3 * long**2)) / 1000)


def labels(
    surfaces: Surfaces,
    *,
    pixel: float = 1.5,
    spacing: float = 8.0,
    first: float = 4.0,
    shifts: Array | None = None,
    tilt: float = 0.0,
) -> xr.Dataset:
    """One labelled frame of a ventricle with an RV beside it, as a short-axis stack in an oblique patient frame.

    Slices are ``spacing`` mm thick and apart, the first complete one centred ``first`` mm below the base plane, with
    two more above it and two below the apex. ``shifts`` (slice, 2) in mm move them in their planes; ``tilt`` (rad) is
    the angle between their normal and the long axis. Probabilities are the shares of the voxels.
    """
    reach = 1.3 * surfaces.radii[1, 0]
    y = x = np.arange(-reach, reach + pixel, pixel)
    tip = surfaces.points(1, np.array(np.pi), np.array(0.0))[2]
    z = np.arange(-first + 2 * spacing, tip - 2 * spacing, -spacing)
    moved = np.zeros((len(z), 2)) if shifts is None else shifts
    steps = ((np.arange(6) + 0.5) / 6 - 0.5) * spacing
    inside = np.mean([_inside(surfaces, _slab(x, y, z + step, moved, tilt), pixel) for step in steps], axis=0)
    right = np.mean([_right(surfaces, _slab(x, y, z + step, moved, tilt), pixel) for step in steps], axis=0)
    parts = [inside[0], inside[1] - inside[0], right * (1 - inside[1])]
    probability = np.stack([1 - sum(parts), *parts])[:, None]
    return xr.Dataset(
        {
            "labels": (("time", "z", "y", "x"), probability.argmax(axis=0)),
            "probability": (("label", "time", "z", "y", "x"), probability),
            "origin": (("component",), np.array([12.0, -34.0, 56.0])),
            "directions": (("axis", "component"), OBLIQUE),
            "end_diastole": ((), 0),
        },
        coords={"z": np.arange(len(z)) * spacing, "y": y - y[0], "x": x - x[0]},
    )


def _slab(x: Array, y: Array, z: Array, moved: Array, tilt: float) -> Array:
    """Points (z, y, x, 3) of a stack in the heart frame."""
    Z, Y, X = np.meshgrid(z, y, x, indexing="ij")
    X, Y = X - moved[:, 0, None, None], Y - moved[:, 1, None, None]
    return np.stack([X * np.cos(tilt) + Z * np.sin(tilt), Y, Z * np.cos(tilt) - X * np.sin(tilt)], axis=-1)


def _inside(surfaces: Surfaces, points: Array, pixel: float) -> Array:
    """Shares (wall, z, y, x) of pixels inside endocardium and epicardium and below the base."""
    theta, phi = surfaces.angles(points)
    reach = np.linalg.norm(surfaces.direction(theta, phi), axis=-1)
    walls = np.stack([surfaces.multiplier(wall, theta, phi) * reach for wall in (0, 1)])
    depth = walls - np.linalg.norm(points - surfaces.centre, axis=-1)
    return np.clip(0.5 + depth / pixel, 0, 1) * (points[..., 2] < 0)


def _right(surfaces: Surfaces, points: Array, pixel: float) -> Array:
    """Shares of pixels in an ellipsoid beside the septum, which reaches further to the apex than half the LV."""
    wide, long = surfaces.radii[1, 0], surfaces.radii[1, 2]
    beside = (points - np.array([0.6 * wide, 0, -10])) / np.array([wide, 0.9 * wide, 0.7 * long])
    level = np.linalg.norm(beside, axis=-1)
    return np.clip(0.5 + (1 - level) * wide / pixel, 0, 1)
