"""Random short-axis hearts as layers: what a slice at the base, in the middle or at the apex may look like."""

import numpy as np

from .fields import Field, Layer, blob, smooth, waves

BLOOD, MYOCARDIUM, RV = 1, 2, 3
KINDS = {"ring": 0.7, "horseshoe": 0.03, "atrium": 0.12, "cap": 0.07, "none": 0.08}
"""How often a slice shows a closed ring, an open one, what lies above the base, the apical cap, or no heart."""


def any_kind(rng: np.random.Generator) -> str:
    """One of ``KINDS``, as often as it says."""
    return str(rng.choice(list(KINDS), p=list(KINDS.values())))


def draw(rng: np.random.Generator, x: Field, y: Field, kind: str) -> tuple[list[Layer], Field]:
    """The layers of one heart from below to above, and its outline (signed distance in mm).

    Coordinates (y, x) are mm about the centre of the left ventricle; the septum lies at positive x.
    """
    if kind == "none":
        return [], np.full(x.shape, -50, np.float32)
    if kind == "atrium":
        return _above_base(rng, x, y)
    radius = _endocardial_radius(rng) if kind != "cap" else rng.uniform(0.5, 2)
    endocardium = blob(
        rng, x, y, (radius * rng.uniform(0.8, 1.1), radius * rng.uniform(0.9, 1.2)), rng.uniform(0, 0.16)
    )
    thickness = _wall(rng, x, y, radius)
    epicardium = endocardium + thickness
    reach = radius + float(thickness.mean())
    right, outline = _right_ventricle(rng, x, y, epicardium, reach, 0.75 if kind == "cap" else 0.95)
    left = [Layer(epicardium, "myocardium", MYOCARDIUM, rng.uniform(1, 3))]
    if kind != "cap":
        left += _cavity(rng, x, y, endocardium, radius)
    if kind == "horseshoe":
        left.append(_outflow(rng, x, y, endocardium, reach))
    return right + left, np.maximum(outline, epicardium)


def _endocardial_radius(rng: np.random.Generator) -> float:
    """In mm; small apical pools and end-systolic cavities are as frequent as dilated ones."""
    return float(np.exp(rng.uniform(np.log(3), np.log(14)))) if rng.random() < 0.35 else float(rng.uniform(10, 42))


def _wall(rng: np.random.Generator, x: Field, y: Field, radius: float) -> Field:
    """Thickness in mm around the ring: 4 to 20, thinner in dilated hearts and in an infarct."""
    mean = rng.uniform(4, 13) if rng.random() < 0.8 else rng.uniform(8, 20)
    if radius > 30:
        mean = min(mean, rng.uniform(4, 13))
    unit = ((x + 1j * y) / (np.hypot(x, y) + 1e-3)).astype(np.complex64)
    shape = 1 + waves(rng, unit, rng.uniform(0, 0.35), orders=3)
    if rng.random() < 0.25:
        centre = np.exp(1j * rng.uniform(0, 2 * np.pi))
        infarct = np.exp(-((np.abs(unit - centre) / rng.uniform(0.4, 1.2)) ** 4))
        shape = shape * (1 - rng.uniform(0.2, 0.65) * infarct.astype(np.float32))
    return np.maximum(mean * shape, 2.5).astype(np.float32)


def _cavity(rng: np.random.Generator, x: Field, y: Field, endocardium: Field, radius: float) -> list[Layer]:
    """Blood, with trabeculae at its rim and papillary muscles inside; both count as blood."""
    softness = rng.uniform(1, 5) if rng.random() < 0.6 else 1.5
    layers = [Layer(endocardium, "blood", BLOOD, softness)]
    if rng.random() < 0.5:
        depth = rng.uniform(0.5, min(5, 0.3 * radius + 0.6))
        rim = depth * np.maximum(smooth(rng, int(rng.integers(24, 56))), 0) - np.abs(endocardium)
        layers.append(Layer(rim.astype(np.float32), "trabecula", None, 2.5))
    if radius > 6 and rng.random() < 0.7:
        layers += [_papillary(rng, x, y, radius) for _ in range(rng.integers(1, 4))]
    return layers


def _papillary(rng: np.random.Generator, x: Field, y: Field, radius: float) -> Layer:
    angle = rng.uniform(0.25, 1.75) * np.pi
    distance = radius * rng.uniform(0.45, 0.9)
    size = min(rng.uniform(2, 7), rng.uniform(0.2, 0.55) * radius)
    dx, dy = x - distance * np.cos(angle), y - distance * np.sin(angle)
    return Layer(blob(rng, dx, dy, (size, size * rng.uniform(0.6, 1.5)), 0.15), "trabecula", None, rng.uniform(1.5, 4))


def _outflow(rng: np.random.Generator, x: Field, y: Field, endocardium: Field, reach: float) -> Layer:
    """The gap of a basal ring, where blood leaves to the aorta or comes from the atrium."""
    angle = rng.uniform(-1, 1) * np.pi
    dx, dy = x - reach * np.cos(angle), y - reach * np.sin(angle)
    gap = blob(rng, dx, dy, (reach * rng.uniform(0.3, 0.7),) * 2, 0.15)
    return Layer(np.minimum(gap, -endocardium), "blood", 0, rng.uniform(1, 3))


def _right_ventricle(
    rng: np.random.Generator, x: Field, y: Field, epicardium: Field, reach: float, share: float
) -> tuple[list[Layer], Field]:
    """A crescent that leans on the septum (positive x), and the outline of its wall; none where ``share`` says so."""
    if rng.random() > share:
        return [], np.full(x.shape, -50, np.float32)
    extent = rng.uniform(4, 45) if reach > 15 else rng.uniform(3, 30)
    along = rng.uniform(0.45, 1) * (extent + rng.uniform(0.2, 1.2) * reach)
    across = rng.uniform(0.6, 1.25) * max(reach, 12)
    centre = reach + extent - along
    dx, dy = x - centre, y - rng.uniform(-0.3, 0.3) * reach
    blood = blob(rng, dx, dy, (along, across), rng.uniform(0, 0.2))
    if rng.random() < 0.2:
        angle = rng.choice([-1, 1]) * rng.uniform(0.3, 1.2)
        bulge = (x - centre - across * np.cos(angle), y - across * np.sin(angle))
        blood = np.maximum(blood, blob(rng, *bulge, (rng.uniform(8, 18), rng.uniform(8, 18)), 0.15))
    wall = blood + rng.uniform(1.5, 5)
    layers = [Layer(wall, "rv_wall", 0, rng.uniform(1, 3)), Layer(blood, "rv_blood", RV, rng.uniform(1, 5))]
    if rng.random() < 0.6:
        strands = rng.uniform(1, 7) * smooth(rng, int(rng.integers(18, 50))) - rng.uniform(0.6, 1) * np.abs(blood)
        layers.append(Layer(np.minimum(strands, blood + 1).astype(np.float32), "trabecula", None, 3))
    if rng.random() < 0.3:  # fat in the grooves where the right ventricle inserts
        layers.append(Layer((epicardium + rng.uniform(0.5, 2.5)).astype(np.float32), "rv_wall", 0, 2))
    return layers, wall


def _above_base(rng: np.random.Generator, x: Field, y: Field) -> tuple[list[Layer], Field]:
    """Atria and great vessels: blood in walls too thin for a ventricle; all background."""
    layers: list[Layer] = []
    outline = np.full(x.shape, -50, np.float32)
    for _ in range(rng.integers(2, 5)):
        dx, dy = x - rng.uniform(-30, 50), y - rng.uniform(-40, 40)
        chamber = blob(rng, dx, dy, (rng.uniform(8, 32), rng.uniform(8, 32)), rng.uniform(0, 0.2))
        wall = chamber + rng.uniform(0.3, 2)
        outline = np.maximum(outline, wall)
        tissue = rng.choice(["blood", "rv_blood"])
        layers += [Layer(wall, "rv_wall", 0, 1.5), Layer(chamber, str(tissue), 0, rng.uniform(1, 4))]
    return layers, outline
