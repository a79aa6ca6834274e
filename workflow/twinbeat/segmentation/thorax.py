"""What surrounds a heart: lung, chest wall, liver, stomach, aorta and fat, or a random patchwork."""

import numpy as np

from .fields import Field, Layer, blob, smooth


def draw(rng: np.random.Generator, x: Field, y: Field, outline: Field) -> list[Layer]:
    """Layers from below to above, all background; ``outline`` is the heart's signed distance in mm (y, x)."""
    layers = _organs(rng, x, y) if rng.random() < 0.65 else _patchwork(rng)
    layers += [_vessel(rng, x, y) for _ in range(rng.integers(0, 3))]
    return layers + _pericardium(rng, outline)


def _organs(rng: np.random.Generator, x: Field, y: Field) -> list[Layer]:
    """Septum and chest wall lie at positive x, the left lung beyond the free wall, the diaphragm on one side."""
    side = rng.choice([-1, 1])
    lung = rng.uniform(-25, 15) - x * rng.uniform(0.2, 1) + side * y * rng.uniform(-0.3, 0.8) + 8 * smooth(rng, 6)
    liver = -side * y - rng.uniform(15, 70) + 6 * smooth(rng, 5)
    chest = x + rng.uniform(-0.4, 0.4) * y - rng.uniform(45, 90) + 4 * smooth(rng, 5)
    layers = [Layer(np.full_like(x, 50), "muscle", 0), Layer(lung, "lung", 0, 3), Layer(liver, "liver", 0, 4)]
    layers += [Layer(chest, "muscle", 0, 2), Layer(chest - rng.uniform(5, 20), "fat", 0, 2)]
    if rng.random() < 0.5:
        place = (x - rng.uniform(-50, 40), y + side * rng.uniform(45, 75))
        stomach = blob(rng, *place, (rng.uniform(12, 35), rng.uniform(12, 35)), 0.2)
        layers += [Layer(stomach + rng.uniform(0, 5), "muscle", 0, 3), Layer(stomach, "stomach", 0, 3)]
    if rng.random() < 0.6:
        dots = 4 * smooth(rng, 40) - 6
        layers.append(Layer(np.minimum(dots, lung), "vessel", 0, 3))
    return layers


def _patchwork(rng: np.random.Generator) -> list[Layer]:
    """Smooth random regions of random tissues (Billot et al. 2023)."""
    tissues = ["other_a", "other_b", "other_c", "other_d", "fat", "lung", "muscle", "liver"]
    layers = [Layer(np.full_like(smooth(rng, 4), 50), str(rng.choice(tissues)), 0)]
    for _ in range(rng.integers(2, 7)):
        knots = int(rng.integers(4, 14))
        depth = (smooth(rng, knots) - rng.uniform(-0.3, 1)) * (100 / knots)
        layers.append(Layer(depth, str(rng.choice(tissues)), 0, rng.uniform(1, 5)))
    return layers


def _vessel(rng: np.random.Generator, x: Field, y: Field) -> Layer:
    """The descending aorta or another vessel: bright and round, without a thick wall."""
    angle, distance, radius = rng.uniform(0.5, 1.5) * np.pi, rng.uniform(45, 85), rng.uniform(4, 15)
    place = (x - distance * np.cos(angle), y - distance * np.sin(angle))
    return Layer(blob(rng, *place, (radius, radius * rng.uniform(0.8, 1.2)), 0.05), "vessel", 0, 2)


def _pericardium(rng: np.random.Generator, outline: Field) -> list[Layer]:
    layers = []
    if rng.random() < 0.6:
        thickness = rng.uniform(0, 7) * (1 + smooth(rng, int(rng.integers(5, 14))))
        layers.append(Layer((outline + thickness).astype(np.float32), "fat", 0, rng.uniform(1.5, 4)))
    if rng.random() < 0.3:  # pericardium or chemical-shift line between fat and heart
        layers.append(Layer((outline + rng.uniform(0.5, 2)).astype(np.float32), "dark", 0, 1.5))
    return layers
