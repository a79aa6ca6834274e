"""Training samples made from nothing: random hearts in random contrast (the idea of SynthSeg, Billot et al. 2023)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from . import heart, scanner, thorax
from .fields import SIZE, Field, Layer, grid


def sample(seed: int, index: int) -> tuple[Field, NDArray[np.uint8]]:
    """Image and labels (y, x) number ``index`` of the stream ``seed``; the same numbers give the same sample."""
    rng = np.random.default_rng([seed, index])
    angle = rng.uniform(0, 2 * np.pi)
    x, y = grid(rng, 15 if rng.random() < 0.7 else 40, angle)
    if rng.random() < 0.5:
        y = -y
    ventricle, outline = heart.draw(rng, x, y, heart.any_kind(rng))
    body = thorax.draw(rng, x, y, outline)
    scenes = [(1.0, body + ventricle)]
    if rng.random() < 0.15:  # the slice reaches beyond the base or the apex
        share = rng.uniform(0, 1)
        beyond, _ = heart.draw(rng, x, y, str(rng.choice(["atrium", "cap", "none"])))
        scenes = [(share, body + ventricle), (1 - share, body + beyond)]
    return scanner.image(rng, scenes), labels(max(scenes, key=lambda scene: scene[0])[1])


def labels(layers: Sequence[Layer]) -> NDArray[np.uint8]:
    """What the topmost labelled layer says at each pixel centre."""
    result = np.zeros((SIZE, SIZE), np.uint8)
    for depth, _, label, _ in layers:
        if label is not None:
            result[depth > 0] = label
    return result
