"""Random left ventricles: cavity, wall, trabeculae and papillary muscles.

Experts count trabeculae and papillary muscles as blood, and draw the endocardium where the compacted wall begins.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .canvas import Canvas, Field, Layer, direction, ellipsoid, meet, waves
from .frame import Frame

BLOOD, MYOCARDIUM = 1, 2


class Size(NamedTuple):
    """In mm: largest inner radius, wall, and the inner depth from the base to the apex."""

    inner: float
    wall: float
    length: float


class Left(NamedTuple):
    """Signed distances (plane, y, x) in mm to the endocardium and the epicardium, as if they had no base, and
    to the valve plane, positive below; ``along`` is 0 at the apex and 1 at the base."""

    endocardium: Field
    epicardium: Field
    below: Field
    along: Field
    unit: NDArray[np.complex64]


def size(rng: np.random.Generator) -> Size:
    """From end-systolic cavities in thick walls to dilated ones in thin walls."""
    outer = float(rng.uniform(22, 50)) if rng.random() < 0.5 else float(rng.uniform(27, 42))
    share = rng.uniform(0.5, 0.88) if rng.random() < 0.7 else rng.uniform(0.2, 0.6)
    wall = float(np.clip(outer * (1 - share), 3.5, 22))
    return Size(outer - wall, wall, float(np.clip(outer * rng.uniform(1.7, 2.9), 45, 125)))


def shape(rng: np.random.Generator, canvas: Canvas, frame: Frame, heart: Size) -> Left:
    """The surfaces of a ventricle of this size."""
    along = np.clip(1 + frame.w / heart.length, 0, 1.3)
    bend = rng.uniform(-5, 5, 2).astype(np.float32)
    distance, unit = direction(frame.u - bend[0] * (1 - along) ** 2, frame.v - bend[1] * (1 - along) ** 2)
    equator = heart.length * rng.uniform(0.05, 0.45)
    height = frame.w + np.float32(equator)
    axis = np.where(height < 0, heart.length - equator, heart.length * rng.uniform(0.9, 3)).astype(np.float32)
    taper = 1 - rng.uniform(0, 0.35) * (1 - along) ** 2
    radius = heart.inner * np.maximum(1 + waves(rng, unit, rng.uniform(0, 0.14)), 0.4) * taper
    inside = ellipsoid(distance, radius, height, axis)
    if rng.random() < 0.15:  # a septum that a loaded right ventricle has pressed flat
        inside = meet(inside, heart.inner * rng.uniform(0.3, 0.8) - frame.u, rng.uniform(3, 8))
    outside = inside + thickness(rng, unit, along, heart)
    rough = rng.uniform(0, 1.2) * (rng.random() < 0.6)
    endocardium = inside + rough * canvas.smooth(rng, rng.uniform(8, 20), 20) if rough else inside
    slope = rng.normal(0, 0.15, 2).astype(np.float32)
    saddle = rng.uniform(0, 4) * canvas.smooth(rng, rng.uniform(20, 50), 40)
    below = slope[0] * frame.u + slope[1] * frame.v - frame.w + saddle
    return Left(endocardium, np.maximum(outside, endocardium + 2.5), below, along, unit)


def thickness(rng: np.random.Generator, unit: NDArray[np.complex64], along: Field, heart: Size) -> Field:
    """Of the wall in mm: uneven, thinner at the apex, at the base of the septum and in an infarct, thicker in
    asymmetric or apical hypertrophy."""
    apical = rng.uniform(0.4, 1.1) if rng.random() < 0.85 else rng.uniform(1.1, 1.8)
    factor = (1 + waves(rng, unit, rng.uniform(0, 0.3), 3)) * (apical + (1 - apical) * np.minimum(1.6 * along, 1))
    if rng.random() < 0.3:
        centre = np.exp(1j * rng.uniform(0, 2 * np.pi))
        around = (np.abs(unit - np.complex64(centre)) / rng.uniform(0.4, 1.4)) ** 4
        up = ((along - rng.uniform(0, 0.9)) / rng.uniform(0.2, 0.7)) ** 4
        factor = factor * (1 - rng.uniform(0.2, 0.7) * np.exp(-around - up))
    if rng.random() < 0.5:  # towards the aorta the septum ends as a membrane
        membrane = np.exp(-((np.abs(unit - 1) / rng.uniform(0.3, 1)) ** 4) - ((along - 1) / 0.12) ** 2)
        factor = factor * (1 - rng.uniform(0.3, 0.9) * membrane)
    return np.clip(heart.wall * factor, 2, 25)


def layers(rng: np.random.Generator, canvas: Canvas, frame: Frame, left: Left, heart: Size) -> list[Layer]:
    """From below to above: wall, blood, trabeculae, papillary muscles, and leaflets of the valve.

    A wall without trabeculae has a sharp edge, so that what lies behind a gradual one is told apart by what is seen.
    """
    wall, blood = np.minimum(left.epicardium, left.below), np.minimum(left.endocardium, left.below)
    drawn = [
        Layer(wall, "myocardium", MYOCARDIUM, rng.uniform(1, 2.5)),
        Layer(blood, "blood", BLOOD, rng.uniform(0.5, 2)),
    ]
    if rng.random() < 0.8:  # all people have them, some hardly any (Bentatou et al. 2018: 2 to 29 % of the muscle)
        drawn += trabeculae(rng, canvas, left, heart)
    if rng.random() < 0.8:
        drawn += [papillary(rng, frame, left, heart, blood) for _ in range(rng.integers(1, 6))]
    if rng.random() < 0.4:
        leaflets = 1.2 - np.abs(left.below - rng.uniform(-4, 4) * (1 + left.unit.real))
        drawn.append(Layer(np.minimum(leaflets, left.endocardium), "trabecula", None, 2))
    return drawn


def trabeculae(rng: np.random.Generator, canvas: Canvas, left: Left, heart: Size) -> list[Layer]:
    """A rim of up to 9 mm where blood and muscle mix: strands along the long axis over a gradient, and their roots.

    It is deeper towards the apex and at the free wall (Captur et al. 2013; Riffel et al. 2015). Where the ventricle has
    contracted, so that its wall is thick for its cavity, the blood between the strands is pressed out. Experts draw
    where the compacted wall ends, at the foot of a gradual rise from muscle to blood.
    """
    pressed = float(np.clip((0.75 - heart.inner / (heart.inner + heart.wall)) / 0.35, 0, 1))
    deepest = rng.uniform(1, min(9.0, 2 + 0.4 * heart.inner))
    apical, lateral = rng.uniform(0, 1.2, 2)
    uneven = 1 + 0.35 * canvas.smooth(rng, 25, 30)
    reach = np.clip(uneven * (0.7 + apical * (1 - left.along) - 0.4 * lateral * left.unit.real), 0.1, 1.3)
    inward = np.maximum(left.endocardium, 0) / (deepest * reach)
    strands = canvas.smooth(rng, rng.uniform(3, 8), rng.uniform(12, 40))
    strands = rng.uniform(0.3, 0.85) * np.clip(0.6 + 1.2 * (strands + rng.uniform(-0.6, 0.6) - 1.6 * inward), 0, 1)
    between = rng.uniform(max(0.3, 0.6 * pressed), 0.85)
    mixed = between * np.clip(1 - inward, 0, 1) ** rng.uniform(0.7, 2)
    share = np.maximum(strands * np.clip(1 - inward / 1.2, 0, 1), mixed)
    below = left.below > 0
    return [
        Layer(np.where((left.endocardium > 0) & below, share - 0.5, -0.5).astype(np.float32), "trabecula", None, 1),
        Layer(np.where(below, roots(rng, left, reach, heart) - 0.5, -0.5).astype(np.float32), "myocardium", None, 1),
    ]


def roots(rng: np.random.Generator, left: Left, reach: Field, heart: Size) -> Field:
    """Share of compacted muscle in the rim: nearly all at the endocardium, a half at 0.7 to 3 mm from it times
    ``reach``, and nothing further in; outside of it what the edge of the blood would brighten is muscle.

    It falls from the endocardium on. A rim that were full of muscle could not be told from a smooth wall.
    """
    power = rng.uniform(1, 2.5)
    depth = min(rng.uniform(0.7, 2.5) / (1 - 0.5 ** (1 / power)), 0.7 * heart.inner)
    fallen = np.clip(1 - left.endocardium / (depth * reach), 0, 1) ** power
    return np.where(left.endocardium > 0, rng.uniform(0.65, 0.95) * fallen, left.endocardium > -1.5)


def papillary(rng: np.random.Generator, frame: Frame, left: Left, heart: Size, blood: Field) -> Layer:
    """A tube that leaves the wall near the apex and ends free below the valve; some are large and stay at the wall."""
    angle = np.pi + rng.choice([-1, 1]) * rng.uniform(0.15, 0.75) * np.pi * (0.4 + 0.6 * rng.random())
    low, high = rng.uniform(0.1, 0.45), rng.uniform(0.5, 0.9)
    way = np.clip((left.along - low) / (high - low), 0, 1)
    end = rng.uniform(0.4, 0.95)
    off = heart.inner * np.sqrt(np.clip(1.6 * left.along, 0.1, 1)) * (0.95 + (end - 0.95) * way)
    width = min(rng.uniform(2, 7.5), 0.45 * heart.inner)
    ends = np.minimum(left.along - low, high - left.along) * heart.length
    x, y = frame.u - off * np.float32(np.cos(angle)), frame.v - off * np.float32(np.sin(angle))
    out = np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y
    across = np.float32(np.cos(angle)) * y - np.float32(np.sin(angle)) * x
    tube = width - np.hypot(out / rng.uniform(0.7, 1.5), across)
    return Layer(np.minimum(np.minimum(tube, ends), blood + 1), "papillary", None, rng.uniform(1.5, 3))
