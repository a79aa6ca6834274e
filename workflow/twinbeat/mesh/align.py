"""Breath-hold shifts that the centres of the slices do not show: each slice is laid onto the walls that all give."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from . import fit
from .contours import Contours
from .surfaces import Surfaces

Array = NDArray[np.float64]
LEFT = 2.0  # mm, standard deviation of the shifts that centres leave
SCATTER = 1.0  # mm, standard deviation of contour points
INDEPENDENT = 10  # as so many the points of a slice count together: neighbours err alike
ROUNDS = 2  # of fitting walls and moving slices: the walls follow a slice a little, so that one does not find all


def aligned(outlines: Contours, smoothness: float) -> Contours:
    """The contours with each slice moved within its plane to where it lies closest to the fitted walls."""
    for _ in range(ROUNDS):
        shape = fit.surfaces(outlines, smoothness)
        offsets = np.array([_offset(outlines, shape, number) for number in range(len(outlines.positions))])
        walls = [points - offsets[of] for points, of in zip(outlines.walls, outlines.slices, strict=True)]
        shifts = outlines.shifts + offsets @ outlines.to_lps[:3, :3].T
        outlines = replace(outlines, walls=tuple(walls), shifts=shifts)
    return outlines


def _offset(outlines: Contours, shape: Surfaces, number: int) -> Array:
    """The way (3,) in its plane that a slice is off the walls: least squares of distances, with Cauchy weights.

    The way is normal about nought with LEFT. That matters at a tip, whose wall lies almost in the plane: where an
    outline is too wide for it, it is so elsewhere too.
    """
    parts = [points[of == number] for points, of in zip(outlines.walls, outlines.slices, strict=True)]
    flat = np.concatenate([part - part.mean(axis=0) for part in parts if len(part)])
    plane = np.linalg.svd(flat, full_matrices=False)[2][:2]
    normals = np.concatenate([fit.normals(shape, wall, part) for wall, part in enumerate(parts)]) @ plane.T
    off = np.concatenate([fit.distances(shape, wall, part) for wall, part in enumerate(parts)])
    root = 1 / np.sqrt(1 + (off / fit.OUTLYING) ** 2)
    prior = SCATTER / LEFT * np.sqrt(len(off) / INDEPENDENT) * np.eye(2)
    system, goal = np.concatenate([root[:, None] * normals, prior]), np.concatenate([root * off, np.zeros(2)])
    return np.linalg.lstsq(system, goal, rcond=None)[0] @ plane
