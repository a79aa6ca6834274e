"""What lies above the base: atria, aortic root and pulmonary artery, blood in walls too thin for a ventricle."""

import numpy as np

from .canvas import Canvas, Field, Layer, blob
from .frame import Frame
from .left import Size

ATRIUM, VESSEL = 5, 6
_BETWEEN = ("fat", "muscle", "muscle", "trabecula", "trabecula", "liver", "other_a")
"""Tissues between the chambers, some of them as grey as the ventricle's wall."""


def layers(rng: np.random.Generator, canvas: Canvas, frame: Frame, heart: Size) -> tuple[list[Layer], Field]:
    """From below to above, and the outline of it all (plane, y, x)."""
    reach, side = heart.inner + heart.wall, float(rng.choice([-1, 1]))
    signal = str(rng.choice(["blood", "vessel"]))
    parts = [
        (_chamber(rng, frame, (-0.3, 0.4), (-0.4, 0.4), reach), signal, ATRIUM),
        (_chamber(rng, frame, (0.9, 1.6), (0.2 * side, 1.2 * side), reach), "rv_blood", ATRIUM),
        (_tube(rng, frame, (0.2, 0.7), (-0.5, 0.5), reach), signal, VESSEL),
        (_tube(rng, frame, (0.5, 1.1), (-1.1 * side, -0.4 * side), reach), "rv_blood", VESSEL),
    ]
    drawn, outline = [], np.full(frame.u.shape, -50, np.float32)
    for depth, tissue, label in parts:
        if rng.random() < 0.1:
            continue
        wall = depth + rng.uniform(0.5, 3.5)
        outline = np.maximum(outline, wall)
        drawn += [
            Layer(wall, str(rng.choice(["rv_wall", "fat"], p=[0.8, 0.2])), 0, 1.5),
            Layer(depth, tissue, label, rng.uniform(1, 3)),
        ]
    return ([_mediastinum(rng, canvas, frame, outline)] if rng.random() < 0.75 else []) + drawn, outline


def _mediastinum(rng: np.random.Generator, canvas: Canvas, frame: Frame, outline: Field) -> Layer:
    """Fat and connective tissue that fill the gaps between the chambers above the base."""
    uneven = 1 + 0.5 * canvas.smooth(rng, 30, 40)
    mass = np.minimum(outline + rng.uniform(2, 15) * uneven, frame.w + rng.uniform(0, 15))
    return Layer(mass, str(rng.choice(_BETWEEN)), 0, rng.uniform(2, 5))


def _chamber(
    rng: np.random.Generator, frame: Frame, along: tuple[float, float], across: tuple[float, float], reach: float
) -> Field:
    """An atrium whose floor dips below the base."""
    tall = rng.uniform(12, 35)
    u = frame.u - np.float32(reach * rng.uniform(*along))
    v = frame.v - np.float32(reach * rng.uniform(*sorted(across)))
    radii = (rng.uniform(13, 32), rng.uniform(13, 34), tall)
    return blob(rng, u, v, frame.w - np.float32(rng.uniform(0.5, 0.95) * tall), radii, rng.uniform(0, 0.2))


def _tube(
    rng: np.random.Generator, frame: Frame, along: tuple[float, float], across: tuple[float, float], reach: float
) -> Field:
    """A great vessel that leaves the heart askew."""
    lean = rng.normal(0, 0.3, 2).astype(np.float32)
    u = frame.u - np.float32(reach * rng.uniform(*along)) - lean[0] * frame.w
    v = frame.v - np.float32(reach * rng.uniform(*sorted(across))) - lean[1] * frame.w
    tube = rng.uniform(8, 17) - np.hypot(u, v * rng.uniform(0.8, 1.2))
    return np.minimum(tube, frame.w + rng.uniform(0, 12))
