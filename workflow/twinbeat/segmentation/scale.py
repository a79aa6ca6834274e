"""What a network sees: the size of its pixels and the scale of its signals."""

import numpy as np
from numpy.typing import NDArray

PIXEL = 1.5
"""Size in mm of the pixels that our networks are trained on."""


def normalise(signal: NDArray) -> NDArray[np.float32]:
    """Map the 1st and 99th percentile of an image or a stack (..., y, x) to -1 and 1, and cut what lies far outside."""
    low, high = np.percentile(signal, [1, 99])
    scaled = (signal - low) / max(high - low, 1e-6) * 2 - 1
    return np.clip(scaled, -1.25, 1.5).astype(np.float32)


def standardise(signal: NDArray) -> NDArray[np.float32]:
    """An image or a stack (..., y, x) with mean 0 and standard deviation 1, as nnU-Net has them."""
    return ((signal - signal.mean()) / max(float(signal.std()), 1e-6)).astype(np.float32)
