"""Smooth walls through contour points: two concentric ellipsoids, then their deviations in spherical harmonics."""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from .contours import Contours
from .surfaces import Surfaces, harmonics, orders

Array = NDArray[np.float64]
DEGREE = 6
OUTLYING = 2.0  # mm beyond which a contour point counts less
THINNEST = 2.0  # mm between the ellipsoids
INFORMATION = 100.0  # contour points are correlated: together they count as so many
LOOSER = (0.5, 0.25, 0.125)  # shares of the bending penalty, in turn; below, walls follow errors of the contours
log = logging.getLogger("twinbeat")


def surfaces(contours: Contours, smoothness: float, misfit: float = np.inf) -> Surfaces:
    """The walls as a robust, regularised least-squares fit; ``smoothness`` weighs the bending penalty.

    Of a wall that lies farther than ``misfit`` (mm, root mean square) from its contours it weighs less (``following``).
    """
    shape = replace(ellipsoids(contours), modes=np.zeros((2, (DEGREE + 1) ** 2)))
    for wall, (name, points) in enumerate(zip(("endocardium", "epicardium"), contours.walls, strict=True)):
        fitted = partial(_fitted, shape, wall, points, smoothness)
        shape = following(name, fitted, partial(contour_rms, wall=wall, points=points), misfit)
    return shape


def following[T](name: str, made: Callable[[float], T], off: Callable[[T], float], misfit: float) -> T:
    """What is ``made`` with a share of a penalty: all of it, or the largest of LOOSER where all is too ``off`` (mm).

    The discrepancy principle (Morozov 1966). Where no share comes within ``misfit``, contours are not those of a smooth
    wall, but of valves or of a wrong label: it is made with all of the penalty.
    """
    smooth = made(1.0)
    if off(smooth) <= misfit:
        return smooth
    for share in LOOSER:
        looser = made(share)
        if off(looser) <= misfit:
            log.info("mesh: %s follows its contours with %g of the penalty", name, share)
            return looser
    log.info("mesh: %s lies %.2f mm off its contours", name, off(smooth))
    return smooth


def _fitted(shape: Surfaces, wall: int, points: Array, smoothness: float, share: float) -> Surfaces:
    """The surfaces with this wall fitted."""
    modes = shape.modes.copy()
    modes[wall] = _modes(shape, wall, points, share * smoothness)
    return replace(shape, modes=modes)


def ellipsoids(contours: Contours) -> Surfaces:
    """Two concentric ellipsoids, aligned with the heart frame, by least squares of radial distances (soft l1)."""
    endo, epi = contours.walls
    depth = -endo[:, 2].min()
    short = np.hypot(*(endo - endo.mean(axis=0))[:, :2].T).max()

    def unpack(p: Array) -> Surfaces:
        return Surfaces(p[:3], np.stack([p[3:6], p[3:6] + p[6:9]]), np.zeros((2, 1)))

    def residuals(p: Array) -> Array:
        shape = unpack(p)
        parts = [_radial(shape, wall, points) / np.sqrt(len(points)) for wall, points in enumerate((endo, epi))]
        return np.concatenate([np.sqrt(INFORMATION) * np.concatenate(parts), _apex_residuals(shape, contours)])

    start = np.array([0, 0, -depth / 3, short, short, 0.75 * depth, 10, 10, 8], dtype=np.float64)
    low = np.array([-20, -20, -0.7 * depth, short / 2, short / 2, depth / 3, THINNEST, THINNEST, THINNEST])
    high = np.array([20, 20, -0.05 * depth, 2 * short, 2 * short, 3 * depth, 40, 40, 40])
    return unpack(least_squares(residuals, start, bounds=(low, high), loss="soft_l1", x_scale="jac").x)


def _radial(shape: Surfaces, wall: int, points: Array) -> Array:
    """Distance in mm of points (n, 3) from a wall, along the ray from the centre."""
    theta, phi = shape.angles(points)
    reach = np.linalg.norm(shape.direction(theta, phi), axis=1)
    return np.linalg.norm(points - shape.centre, axis=1) - shape.multiplier(wall, theta, phi) * reach


def _apex_residuals(shape: Surfaces, contours: Contours) -> Array:
    """An apex lies between the last slice that shows it and the next one: normal, with their distance as 4 sigma."""
    tips = shape.centre[2] - shape.radii[:, 2]
    known = [(tip, seen) for tip, seen in zip(tips, contours.apex, strict=True) if seen is not None]
    return np.array([(tip - sum(seen) / 2) / (abs(seen[1] - seen[0]) / 4) for tip, seen in known])


def _modes(shape: Surfaces, wall: int, points: Array, smoothness: float) -> Array:
    """Coefficients of a wall by Gauss-Newton: mean squares of radial distance (mm, Cauchy weights) and of bending.

    The multiplier is offset + scale exp(Y·c): (0, 1) for the endocardium, (ρ, q - 1) for the epicardium. Bending is the
    mean over the sphere of (short radius · (1 - Δ) Y·c)², with Δ the Laplacian: l (l + 1) on degree l.
    """
    theta, phi = shape.angles(points)
    reach = np.linalg.norm(shape.direction(theta, phi), axis=1)
    offset = shape.multiplier(0, theta, phi) if wall else np.zeros(len(points))
    bare = shape.multiplier(wall, theta, phi) - offset
    scale = bare if wall else np.ones_like(bare)
    found = np.linalg.norm(points - shape.centre, axis=1) / reach
    Y, size = harmonics(theta, phi, DEGREE), shape.radii[0, 0]
    l, _ = orders(DEGREE)
    penalty = smoothness * (size * (1 + l * (l + 1))) ** 2 / (4 * np.pi)
    c = np.zeros(Y.shape[1])
    for _ in range(12):
        field = scale * np.exp(Y @ c)
        residual = (found - offset - field) * reach
        jacobian = (field * reach)[:, None] * Y
        weight = 1 / (1 + (residual / OUTLYING) ** 2) / len(points)
        normal = jacobian.T @ (weight[:, None] * jacobian) + np.diag(penalty)
        c = c + np.linalg.solve(normal, jacobian.T @ (weight * residual) - penalty * c)
    return c


def basal_misfit(contours: Contours, smoothness: float) -> float:
    """Root mean square distance in mm of the most basal endocardial contour from what the other slices foretell."""
    basal = contours.slices[0] == 0
    first, others = contours.walls[0][basal], contours.walls[0][~basal]
    rest = replace(contours, walls=(others, contours.walls[1]))
    shape = ellipsoids(rest)
    return contour_rms(replace(shape, modes=np.stack([_modes(shape, 0, others, smoothness)] * 2)), 0, first)


def contour_rms(shape: Surfaces, wall: int, points: Array) -> float:
    """Root mean square distance in mm of points (n, 3) from a wall."""
    return float(np.sqrt(np.mean(distances(shape, wall, points) ** 2)))


def distances(shape: Surfaces, wall: int, points: Array) -> Array:
    """Distance in mm of points (n, 3) from a wall, outwards.

    That along the ray from the centre, over the slope of its level where the ray meets the wall: exact for planes.
    """
    return _radial(shape, wall, points) / np.linalg.norm(_slopes(shape, wall, points), axis=1)


def normals(shape: Surfaces, wall: int, points: Array) -> Array:
    """Outward unit normals (n, 3) of a wall where the rays from the centre to points (n, 3) meet it."""
    slopes = _slopes(shape, wall, points)
    return slopes / np.linalg.norm(slopes, axis=1, keepdims=True)


def _slopes(shape: Surfaces, wall: int, points: Array) -> Array:
    foot, step = shape.points(wall, *shape.angles(points)), 1e-3
    return np.stack([_radial(shape, wall, foot + step * axis) / step for axis in np.eye(3)], axis=1)
