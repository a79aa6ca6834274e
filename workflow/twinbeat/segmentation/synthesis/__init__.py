"""Training samples made from nothing: random hearts in random contrast (the idea of SynthSeg, Billot et al. 2023).

Short-axis stacks of whole hearts, with what lies above the base and below the apex; nothing is ever stored.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from . import base, left, right, scanner, thorax
from .canvas import PLANES, Canvas, Field, Layer
from .frame import Frame, place

OPPOSED = 0.65
"""Share of stacks with fat of opposed phase, as balanced SSFP has it at its usual echo time; with few of them the
epicardium is drawn outside of the black line, with nearly all of them the right ventricle ends in bright fat."""
DEEPEST = 2.5
"""Depth in mm under the surface beyond which no contour lies, however blurred the image is."""
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
    above, base_outline = base.layers(rng, canvas, frame, heart)
    outline = np.maximum(np.minimum(ventricle.epicardium, ventricle.below), np.maximum(right_outline, base_outline))
    drawn = thorax.pericardium(rng, canvas, outline, frame.w)
    drawn += above + beside + left.layers(rng, canvas, frame, ventricle, heart)
    organs = thorax.layers(rng, canvas.slices, Frame(*(c[PLANES // 2 :: PLANES] for c in frame)))
    signal = scanner.signal(rng, canvas, organs, drawn, opposed=bool(rng.random() < OPPOSED))
    surface = canvas.middle(ventricle.epicardium)
    return scanner.image(rng, canvas.slices, signal), contoured(labels(canvas, drawn), signal, surface)


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
            result[canvas.middle(depth) > 0] = label
    return result


def contoured(truth: NDArray[np.uint8], signal: Field, surface: Field) -> NDArray[np.uint8]:
    """Labels (z, y, x) whose muscle ends where experts draw: in the middle of the black line that runs between it and
    fat of opposed phase (Schulz-Menger et al. 2020).

    There the ``signal`` of both in a pixel changes its sign: where fat has a share of about a quarter, inside of the
    true ``surface``, the further the more the wall leans in a thick slice. ``surface`` is the depth under it in mm.
    """
    beyond = (truth == left.MYOCARDIUM) & (signal < 0) & (surface < DEEPEST)
    return np.where(beyond, 0, truth).astype(np.uint8)
