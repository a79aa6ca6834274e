"""Fibres of both ventricles (Laplace-Dirichlet; Bayer et al. 2012, doi 10.1007/s10439-012-0593-5).

Three harmonic fields, each 1 on one surface (left and right endocardium, epicardium) and 0 on the other two, add up to
1: shares of the place in the three surfaces. Each gives a frame, whose transmural axis is its gradient and in which the
fibre is turned by the helix angle of the place; frames are blended as rotations.

With ``rotation`` "linear" the helix angle of a place is the mean of the angles at the surfaces, weighted with the
shares, so that it is linear across free walls and septum. With "bayer" it is that of the paper, whose blending makes it
quadratic across free walls, with a jump where the frames to be blended are more than 90 degree apart.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..parameters import Fibers
from .laplace import Elements, dot, unit
from .left import turned
from .regions import BASE, ENDOCARDIUM, EPICARDIUM, RIGHT_ENDOCARDIUM, apex, on, wall

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Shares:
    """Shares (n,) of n places in left and right endocardium and epicardium, ``side`` from left (0) to right (1) also on
    the epicardium, and gradients (n, 3) of the three shares and of the apicobasal field."""

    left: Array
    right: Array
    epi: Array
    side: Array
    to_left: Array
    to_right: Array
    to_epi: Array
    to_base: Array

    @classmethod
    def at_points(cls, anatomy: xr.Dataset, elements: Elements) -> Self:
        """Those of the points of an anatomy; ``elements`` are its muscle."""
        left, right, epi, base = (on(anatomy, tag) for tag in (ENDOCARDIUM, RIGHT_ENDOCARDIUM, EPICARDIUM, BASE))
        # Linear elements with obtuse angles overshoot a little.
        on_left = np.clip(elements.harmonic(np.union1d(epi, right), left), 0, 1)
        on_right = np.clip(elements.harmonic(np.union1d(epi, left), right), 0, 1)
        on_epi = np.clip(1 - on_left - on_right, 0, 1)
        fields = on_left, on_right, on_epi, elements.harmonic(apex(anatomy), base)
        gradients = [elements.gradient(field) for field in fields]
        return cls(on_left, on_right, on_epi, np.clip(elements.harmonic(left, right), 0, 1), *gradients)

    def to_cells(self, elements: Elements) -> Self:
        """The means of the cells."""
        return type(self)(*(elements.to_cells(field) for field in vars(self).values()))


def frames(anatomy: xr.Dataset, parameters: Fibers) -> Array:
    """Fibre, sheet and sheet normal as the columns of a rotation per cell (cell, 3, 3); 0 in blood."""
    muscle = wall(anatomy)
    elements = Elements(anatomy["points"].values, anatomy["cells"].values[muscle])
    shares = Shares.at_points(anatomy, elements).to_cells(elements)
    result = np.zeros((anatomy.sizes["cell"], 3, 3))
    result[muscle] = directed(blended(shares, parameters), shares, elements.to_cells(anatomy["points"].values))
    return result


def blended(shares: Shares, parameters: Fibers) -> Array:
    """The frames (n, 3, 3) of places, of any sense (Bayer et al. 2012, algorithm 1)."""
    s, p = shares, parameters
    inner = s.left + s.right
    right = np.divide(s.right, inner, out=np.full_like(inner, 0.5), where=inner > 0)
    helix = _Angles(p.helix_endocardium, p.helix_epicardium, p.helix_endocardium_rv, p.helix_epicardium_rv)
    sheet = _Angles(p.sheet_endocardium, p.sheet_epicardium, p.sheet_endocardium, p.sheet_epicardium)
    weights = (s.left, s.right, s.epi) if p.rotation == "linear" else (1 - right, right, np.zeros_like(right))
    outward = _either(s.to_epi, -s.to_left)
    from_left, from_right, from_epi = (
        oriented(s.to_base, _either(axis, outward), *angles)
        for axis, angles in (
            (-s.to_left, [one.from_left(*weights, s.side) for one in (helix, sheet)]),
            (-s.to_right, [one.from_right(*weights, s.side) for one in (helix, sheet)]),
            (outward, [one.outward(s.epi, s.side) for one in (helix, sheet)]),
        )
    )
    return bislerp(bislerp(from_left, from_right, right), from_epi, s.epi)


def _either(axes: Array, others: Array) -> Array:
    """The axes (n, 3), others where they are 0: in a wall one element thin, a share may be 0 on all nodes about."""
    return np.where(axes.any(axis=1, keepdims=True), axes, others)


@dataclass(frozen=True)
class _Angles:
    """Angles in degree at endocardium and epicardium of the left and of the right ventricle, each seen from its cavity.

    Seen from the other cavity, a wall and the sense of its angles are reversed.
    """

    endo: float
    epi: float
    endo_rv: float
    epi_rv: float

    def from_left(self, left: Array, right: Array, epi: Array, side: Array) -> Array:
        """In rad at shares of the surfaces, seen from the left cavity."""
        return np.radians(left * self.endo - right * self.endo_rv + epi * self._mixed(self.epi, self.epi_rv, side))

    def from_right(self, left: Array, right: Array, epi: Array, side: Array) -> Array:
        """In rad at shares of the surfaces, seen from the right cavity."""
        return np.radians(right * self.endo_rv - left * self.endo + epi * self._mixed(self.epi, self.epi_rv, side))

    def outward(self, epi: Array, side: Array) -> Array:
        """In rad at a share of the epicardium, seen from the cavity of that side."""
        inner = self._mixed(self.endo, self.endo_rv, side)
        return np.radians((1 - epi) * inner + epi * self._mixed(self.epi, self.epi_rv, side))

    @staticmethod
    def _mixed(left: float, right: float, side: Array) -> Array:
        return (1 - side) * left + side * right


def oriented(upward: Array, outward: Array, helix: Array, sheet: Array) -> Array:
    """Frames (n, 3, 3) of fibre, sheet and normal at angles (rad) in the axes that two directions span.

    Bayer et al. 2012, ``axis`` and ``orient``; the transmural axis is kept, the longitudinal one made perpendicular.
    """
    transmural = unit(outward)
    longitudinal = unit(upward - dot(upward, transmural) * transmural)
    fiber = turned(np.cross(longitudinal, transmural), longitudinal, helix)
    sheet_axis = turned(transmural, np.cross(transmural, fiber), sheet)
    return np.stack([fiber, sheet_axis, np.cross(fiber, sheet_axis)], axis=2)


def bislerp(start: Array, end: Array, share: Array) -> Array:
    """Frames (n, 3, 3) a share (n,) of the way from one to another, the shortest way (Bayer et al. 2012, ``bislerp``).

    Half-turns of a frame about its own axes change no direction but for its sense, so the nearest of the four is taken:
    q, qi, qj and qk for a quaternion q = xi + yj + zk + w.
    """
    first, last = (Rotation.from_matrix(frames).as_quat() for frames in (start, end))
    x, y, z, w = first.T
    turned_by_half = np.array([[x, y, z, w], [w, z, -y, -x], [-z, w, x, -y], [y, -x, w, -z]])
    cosines = np.einsum("hkn,nk->hn", turned_by_half, last)
    nearest = np.abs(cosines).argmax(axis=0), np.arange(len(share))
    near = turned_by_half.transpose(0, 2, 1)[nearest] * np.where(cosines[nearest] < 0, -1, 1)[:, None]
    angle = np.arccos(np.minimum(np.abs(cosines[nearest]), 1)) / np.pi
    here, there = ((part * np.sinc(part * angle) / np.sinc(angle))[:, None] for part in (1 - share, share))
    return Rotation.from_quat(here * near + there * last).as_matrix()


def directed(frames: Array, shares: Shares, positions: Array) -> Array:
    """The frames with fibres that run from the septum's middle (first axis) towards the anterior wall (second axis) and
    round the left ventricle, sheets outward from its cavity, and right-handed normals; ``positions`` (n, 3)."""
    fiber, sheet = frames[:, :, 0], frames[:, :, 1]
    around = np.cross([0.0, 0.0, 1.0], positions)
    fiber = np.where(dot(fiber, around) < 0, -fiber, fiber)
    sheet = np.where(dot(sheet, shares.to_epi - shares.to_left) < 0, -sheet, sheet)
    return np.stack([fiber, sheet, np.cross(fiber, sheet)], axis=2)
