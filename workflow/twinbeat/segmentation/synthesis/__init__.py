"""Training samples made from nothing: random hearts in random contrast (the idea of SynthSeg, Billot et al. 2023).

Short-axis stacks of whole hearts, with what lies above the base and below the apex; nothing is ever stored.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from . import base, left, right, scanner, thorax
from .canvas import PLANES, Canvas, Field, Layer
from .frame import Frame, place

NAMES = ("background", "LV blood", "LV myocardium", "RV blood", "RV wall", "atrium", "great vessel")
"""What the labels 0 to 6 of a sample mean; a labels store knows the first four."""


def sample(seed: int, index: int, slices: int = 8, size: int = 96) -> tuple[Field, NDArray[np.uint8]]:
    """Images and labels (z, y, x) number ``index`` of the stream ``seed``; the same numbers give the same sample."""
    rng = np.random.default_rng([seed, index])
    canvas = stack(rng, slices, size)
    heart = left.size(rng)
    frame = place(rng, canvas, heart.length)
    ventricle = left.shape(rng, canvas, frame, heart)
    beside, right_outline = right.layers(rng, canvas, frame, ventricle, heart)
    above, base_outline = base.layers(rng, canvas, frame, ventricle, heart)
    outline = np.maximum(np.minimum(ventricle.epicardium, ventricle.below), np.maximum(right_outline, base_outline))
    drawn, fat = thorax.pericardium(rng, canvas, outline, frame.w)
    opposed = bool(rng.random() < 0.5)
    if opposed and fat is not None:
        drawn.append(left.skin(rng, ventricle, fat))
    drawn += above + beside + left.layers(rng, canvas, frame, ventricle, heart)
    organs = thorax.layers(rng, canvas.slices, Frame(*(c[PLANES // 2 :: PLANES] for c in frame)))
    return scanner.image(rng, canvas, organs, drawn, opposed), labels(canvas, drawn)


def stack(rng: np.random.Generator, slices: int, size: int) -> Canvas:
    """Planes of slices 6 to 10 mm apart (some up to 13) and 5 to 10 mm thick."""
    spacing = rng.uniform(6, 10) if rng.random() < 0.85 else rng.uniform(10, 13)
    offsets = (np.arange(PLANES) - (PLANES - 1) / 2) / PLANES * rng.uniform(5, min(spacing, 10) + 0.01)
    heights = (np.arange(slices) - (slices - 1) / 2) * spacing
    return Canvas((heights[:, None] + offsets).ravel().astype(np.float32), size)


def labels(canvas: Canvas, layers: Sequence[Layer]) -> NDArray[np.uint8]:
    """What the topmost labelled layer says at each pixel centre of the slices' middle planes."""
    result = np.zeros((len(canvas.heights) // PLANES, canvas.size, canvas.size), np.uint8)
    for depth, _, label, _ in layers:
        if label is not None:
            result[depth[PLANES // 2 :: PLANES] > 0] = label
    return result
