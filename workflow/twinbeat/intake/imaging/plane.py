"""One grid of pixels for slices that were taken with several matrices and fields of view."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import affine_transform

from ...verdicts import Rejected
from .frames import Frame
from .slices import Stack, grouped

SAME_CORNER = 0.1
"""Grids closer than this in mm are one."""
LEAST_SHOWN = 0.5
"""Share of the common grid that a slice must show."""


@dataclass(frozen=True)
class Plane:
    """A grid of pixels in the plane of the slices."""

    corner: tuple[float, float]
    """Centre of the first pixel along the columns and along the rows, mm in LPS projected onto them."""
    spacing: tuple[float, float]
    """Distance between rows and between columns, mm."""
    shape: tuple[int, int]
    """Rows and columns."""
    blocks: tuple[int, int] = (1, 1)
    """Pixels of the file along a column and a row whose mean is one pixel of this grid."""

    def edges(self, axis: int) -> tuple[float, float]:
        """Centres of the first and of the last pixel along columns (0) or rows (1), mm."""
        return self.corner[axis], self.corner[axis] + (self.shape[axis] - 1) * self.spacing[axis]


def plane(frame: Frame, finest: float) -> Plane:
    """The grid of a frame; pixels finer than ``finest`` mm are joined to blocks not larger than that."""
    axes = (frame.orientation[3:], frame.orientation[:3])
    blocks = tuple(max(1, int(finest / step)) for step in frame.spacing)
    corner = (
        float(frame.position @ axis + (count - 1) / 2 * step)
        for axis, step, count in zip(axes, frame.spacing, blocks, strict=True)
    )
    spacing = (count * step for count, step in zip(blocks, frame.spacing, strict=True))
    shape = (size // count for size, count in zip(frame.shape, blocks, strict=True))
    return Plane(tuple(corner), tuple(spacing), tuple(shape), blocks)


def common(stack: Stack, finest: float) -> Plane:
    """The grid that most slices have. Raises Rejected where a slice shows too little of it."""
    own = [plane(part.frames[0], finest) for part in stack]
    usual = max(grouped(own, same), key=len)[0]
    for number, one in enumerate(own, 1):
        if (shown := _shown(one, usual)) < LEAST_SHOWN:
            found = f"slice {number} of {len(stack)} shows {shown:.0%} of the field of the others"
            raise Rejected("mixed-fields", f"{found}; expected at least {LEAST_SHOWN:.0%}")
    return usual


def same(one: Plane, two: Plane) -> bool:
    """Whether the pixels of two grids lie at the same places."""
    ends = np.abs(np.subtract([one.edges(0), one.edges(1)], [two.edges(0), two.edges(1)]))
    return one.shape == two.shape and bool(ends.max() < SAME_CORNER)


def resampled(stored: np.ndarray, own: Plane, onto: Plane) -> np.ndarray:
    """Pixels (row, column) of a file on a grid, by linear interpolation where their own is another; edges go on."""
    pixels = _joined(stored, own.blocks)
    if same(own, onto):
        return pixels
    scale = np.divide(onto.spacing, own.spacing)
    offset = np.subtract(onto.corner, own.corner) / own.spacing
    return affine_transform(pixels, scale, offset, output_shape=onto.shape, order=1, mode="nearest")


def _joined(pixels: np.ndarray, blocks: Iterable[int]) -> np.ndarray:
    down, right = blocks
    if (down, right) == (1, 1):
        return pixels
    rows, columns = (size // count for size, count in zip(pixels.shape, (down, right), strict=True))
    return pixels[: rows * down, : columns * right].reshape(rows, down, columns, right).mean(axis=(1, 3))


def _shown(one: Plane, usual: Plane) -> float:
    """Share of a grid that another one covers."""
    share = 1.0
    for axis in (0, 1):
        (first, last), (low, high) = one.edges(axis), usual.edges(axis)
        share *= max(0.0, min(last, high) - max(first, low)) / (high - low)
    return share
