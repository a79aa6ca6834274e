"""In-plane resampling of stacks (..., y, x) onto square grids of the network's pixel size."""

from typing import NamedTuple, Self

import numpy as np
import xarray as xr
from numpy.typing import NDArray

Array = NDArray[np.float32]


class Grid(NamedTuple):
    """Pixel centres in mm along y and x."""

    y: NDArray[np.float64]
    x: NDArray[np.float64]

    @classmethod
    def around(cls, centre: tuple[float, float], pixels: int, size: float) -> Self:
        """A square of ``pixels`` pixels of ``size`` mm about ``centre`` (y, x) in mm."""
        offsets = (np.arange(pixels) - (pixels - 1) / 2) * size
        return cls(centre[0] + offsets, centre[1] + offsets)

    @classmethod
    def over(cls, image: xr.DataArray, size: float, multiple: int) -> Self:
        """The whole field of view of ``image``, filled up to a ``multiple`` of pixels along each side."""
        spans = [(float(image[name].min()), float(image[name].max())) for name in ("y", "x")]
        longest = max(high - low for low, high in spans) / size + 1
        pixels = int(np.ceil(longest / multiple)) * multiple
        return cls.around((sum(spans[0]) / 2, sum(spans[1]) / 2), pixels, size)

    def sample(self, image: xr.DataArray) -> Array:
        """``image`` (..., y, x) on this grid; pixels outside repeat the image's edge."""
        along_y, along_x = _weights(image.y.values, self.y), _weights(image.x.values, self.x)
        return along_y @ image.values.astype(np.float32) @ along_x.T


def _weights(source: NDArray[np.float64], target: NDArray[np.float64]) -> Array:
    """Matrix (target, source) of linear interpolation, widened to average where the source is much finer.

    A width of whole source pixels keeps linear images exactly as they are.
    """
    fine = abs(source[1] - source[0])
    width = fine * max(1, round(abs(target[1] - target[0]) / fine))
    inside = np.clip(target, source.min(), source.max())
    weights = np.maximum(1 - np.abs(inside[:, None] - source[None, :]) / width, 0)
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)
