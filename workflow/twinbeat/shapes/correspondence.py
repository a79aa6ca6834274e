"""Points in correspondence on all hearts, and the walls through points that were drawn.

The nodes of one disk (``mesh.template``) lie on each wall at equal shares of its arc from the apex to the base and at
equal angles about the long axis, counted from the right ventricle. The heart frame aligns the hearts; no translation,
rotation or scale is removed beyond it, so that size is part of the shape.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..mesh import Surfaces, template
from ..mesh.fit import DEGREE
from ..mesh.surfaces import harmonics, orders

Array = NDArray[np.float64]
RINGS, AROUND = 15, 40
DISK = template.disk([1, *(min(6 * ring, AROUND) for ring in range(1, RINGS + 1))])
"""About 6 mm between nodes; the walls' spherical harmonics of degree 6 turn over some 20 mm."""
BENDING = 1e-8  # weight of the penalty beside mean squares of ln(multiplier): the points are free of noise


class Crossing(ValueError):
    """Points of an epicardium that does not lie outside its endocardium."""


@dataclass(frozen=True)
class Frame:
    """Centre (3) and semi-axes (2, 3) in mm about which walls are expanded."""

    centre: Array
    radii: Array

    @classmethod
    def of(cls, values: Array) -> "Frame":
        """The frame in nine numbers."""
        return cls(values[:3], values[3:].reshape(2, 3))

    def values(self) -> Array:
        """The nine numbers of a frame."""
        return np.concatenate([self.centre, self.radii.ravel()])


def points(walls: Surfaces) -> Array:
    """Corresponding points (wall, node, 3) in mm."""
    return template.wall_nodes(walls, DISK, layers=1)


def walls(points: Array, frame: Frame) -> Surfaces:
    """The walls through points (wall, node, 3): ``mesh.surfaces`` solved for its coefficients, which enter ln ρ and
    ln τ linearly, with the bending penalty of ``mesh.fit``.

    Raises Crossing where there is no such wall.
    """
    blank = Surfaces(frame.centre, frame.radii, np.zeros((2, (DEGREE + 1) ** 2)))
    theta, phi = blank.angles(points)
    multiplier = np.linalg.norm(points - frame.centre, axis=-1) / np.linalg.norm(blank.direction(theta, phi), axis=-1)
    Y = harmonics(theta, phi, DEGREE)
    endo = _expanded(Y[0], np.log(multiplier[0]))
    bare = blank.multiplier(1, theta[1], phi[1]) - 1
    tau = multiplier[1] - np.exp(Y[1] @ endo)
    if min(tau.min(), bare.min()) <= 0:
        raise Crossing(f"the walls cross at {np.count_nonzero((tau <= 0) | (bare <= 0))} of {len(tau)} points")
    return Surfaces(frame.centre, frame.radii, np.stack([endo, _expanded(Y[1], np.log(tau / bare))]))


def _expanded(Y: Array, field: Array) -> Array:
    """Coefficients of a field (node,) in harmonics (node, mode): least squares, (1 - Δ) Y·c kept small."""
    l, _ = orders(DEGREE)
    penalty = BENDING * (1 + l * (l + 1)) ** 2 / (4 * np.pi)
    return np.linalg.solve(Y.T @ Y / len(Y) + np.diag(penalty), Y.T @ field / len(Y))
