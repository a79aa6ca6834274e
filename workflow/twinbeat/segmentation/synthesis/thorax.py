"""What surrounds a heart: lung, chest wall, liver, stomach, aorta and fat, or a random patchwork."""

import numpy as np

from .canvas import Canvas, Field, Layer, blob
from .frame import Frame

_TISSUES = ("other_a", "other_b", "other_c", "other_d", "fat", "lung", "muscle", "liver")


def layers(rng: np.random.Generator, canvas: Canvas, frame: Frame) -> list[Layer]:
    """From below to above, all background; canvas and frame are those of the middle planes."""
    drawn = _organs(rng, canvas, frame) if rng.random() < 0.7 else _patchwork(rng, canvas)
    return drawn + [_vessel(rng, frame) for _ in range(rng.integers(0, 3))]


def _organs(rng: np.random.Generator, canvas: Canvas, frame: Frame) -> list[Layer]:
    """Septum and chest wall lie at positive u, the left lung beyond the free wall, the diaphragm towards the apex."""
    u, v, w = frame
    side = rng.choice([-1, 1])
    sloped = np.float32(rng.uniform(0, 0.6)) * (w + 40)
    lung = rng.uniform(-25, 15) - u * rng.uniform(0.2, 1) + side * v * rng.uniform(-0.3, 0.8) + sloped
    liver = -side * v - rng.uniform(15, 70) - sloped + 6 * canvas.smooth(rng, 40, 60)
    chest = u + rng.uniform(-0.4, 0.4) * v - rng.uniform(45, 90) - sloped + 4 * canvas.smooth(rng, 40, 60)
    drawn = [
        Layer(np.full_like(u, 50), "muscle", 0),
        Layer(lung + 8 * canvas.smooth(rng, 30, 50), "lung", 0, 3),
        Layer(liver, "liver", 0, 4),
        Layer(chest, "muscle", 0, 2),
        Layer(chest - rng.uniform(5, 20), "fat", 0, 2),
    ]
    if rng.random() < 0.5:
        place = (u - rng.uniform(-50, 40), v + side * rng.uniform(45, 75), w - rng.uniform(-100, -20))
        stomach = blob(rng, *place, (rng.uniform(12, 35), rng.uniform(12, 35), rng.uniform(20, 60)), 0.2)
        drawn += [Layer(stomach + rng.uniform(0, 5), "muscle", 0, 3), Layer(stomach, "stomach", 0, 3)]
    if rng.random() < 0.6:
        dots = 4 * canvas.smooth(rng, 5, 12) - 6
        drawn.append(Layer(np.minimum(dots, lung), "vessel", 0, 3))
    return drawn


def _patchwork(rng: np.random.Generator, canvas: Canvas) -> list[Layer]:
    """Smooth random regions of random tissues (Billot et al. 2023)."""
    full = np.full((len(canvas.heights), canvas.size, canvas.size), 50, np.float32)
    drawn = [Layer(full, str(rng.choice(_TISSUES)), 0)]
    for _ in range(rng.integers(2, 7)):
        pitch = rng.uniform(12, 50)
        depth = (canvas.smooth(rng, pitch, rng.uniform(15, 80)) - rng.uniform(-0.3, 1)) * np.float32(0.5 * pitch)
        drawn.append(Layer(depth, str(rng.choice(_TISSUES)), 0, rng.uniform(1, 5)))
    return drawn


def _vessel(rng: np.random.Generator, frame: Frame) -> Layer:
    """The descending aorta or another vessel: bright and round, without a thick wall."""
    angle, distance, radius = rng.uniform(0.5, 1.5) * np.pi, rng.uniform(45, 85), rng.uniform(4, 15)
    lean = rng.normal(0, 0.3, 2).astype(np.float32)
    u = frame.u - np.float32(distance * np.cos(angle)) - lean[0] * (frame.w + 40)
    v = frame.v - np.float32(distance * np.sin(angle)) - lean[1] * (frame.w + 40)
    return Layer(radius - np.hypot(u, v * rng.uniform(0.8, 1.2)), "vessel", 0, 2)


def pericardium(rng: np.random.Generator, canvas: Canvas, outline: Field, w: Field) -> list[Layer]:
    """What lies on the heart's ``outline``, from below to above.

    Outermost patches of fat, then the sac, 1 to 2 mm and dark, which most images show (Bogaert and Francone 2013), and
    inside of it fat, often a film thinner than a pixel and most of it in the groove at the base, or fluid, or nothing.
    """
    drawn, kind = [], rng.choice(["fat", "fluid", "none"], p=[0.72, 0.06, 0.22])
    uneven = np.maximum(1 + canvas.smooth(rng, rng.uniform(15, 40), 30), 0)
    outer = outline
    if kind == "fat":
        groove = rng.uniform(0, 8) * np.exp(-(((w - rng.uniform(-4, 6)) / 9) ** 2))
        fat = (rng.uniform(0.3, 2.5) if rng.random() < 0.6 else rng.uniform(0, 7)) * uneven + groove
        outer = outline + fat
        drawn.append(Layer(outer, "fat", 0, rng.uniform(1, 4)))
    elif kind == "fluid":
        outer = outline + rng.uniform(1, 8) * uneven
        drawn.append(Layer(outer, "fluid", 0, rng.uniform(1, 2)))
    if rng.random() < 0.75:
        outer = outer + rng.uniform(0.6, 2.4)
        drawn.insert(0, Layer(outer, "dark", 0, 1.5))
    if rng.random() < 0.45:
        patches = rng.uniform(1, 10) * (canvas.smooth(rng, rng.uniform(20, 50), 40) + rng.uniform(-0.7, 0.7))
        drawn.insert(0, Layer(outer + patches, "fat", 0, rng.uniform(1, 4)))
    return drawn
