"""Random right ventricles: a crescent on the septum, with trabeculae, moderator band and outflow tract."""

import numpy as np

from .canvas import Canvas, Field, Layer, blob, meet
from .frame import Frame
from .left import Left, Size

RV, RV_WALL = 3, 4


def layers(
    rng: np.random.Generator, canvas: Canvas, frame: Frame, left: Left, heart: Size
) -> tuple[list[Layer], Field]:
    """From below to above, and the outline of the wall (plane, y, x)."""
    reach = heart.inner + heart.wall
    extent = rng.uniform(6, 45)
    along_u = rng.uniform(0.5, 1) * (extent + rng.uniform(0.3, 1.2) * reach)
    along_v = rng.uniform(0.65, 1.25) * reach
    depth = heart.length * rng.uniform(0.6, 1.05)
    rise = np.float32(rng.uniform(-0.1, 0.2) * heart.length)
    inward = np.float32(rng.uniform(0, 0.5)) * np.maximum(1 - left.along, 0)
    u = frame.u - (reach + extent - along_u) * (1 - inward)
    v = frame.v - np.float32(rng.uniform(-0.3, 0.3) * reach)
    blood = blob(rng, u, v, frame.w + rise, (along_u, along_v, depth), rng.uniform(0, 0.18))
    blood = meet(blood, frame.u - np.float32(rng.uniform(-0.4, 0.5) * reach), rng.uniform(3, 10))
    side = float(rng.choice([-1, 1]))
    if rng.random() < 0.6:
        blood = np.maximum(blood, _outflow(rng, frame, reach, side))
    top = frame.w - rng.uniform(-6, 8) - np.float32(side * rng.uniform(0, 0.5)) * frame.v
    blood = np.minimum(blood, -top)
    wall = np.minimum(blood + rng.uniform(1.5, 5), -top)
    drawn = [Layer(wall, "rv_wall", RV_WALL, rng.uniform(1, 2.5)), Layer(blood, "rv_blood", RV, rng.uniform(1, 3))]
    drawn += _inside(rng, canvas, frame, left, heart, blood)
    if rng.random() < 0.3:  # fat in the grooves where the right ventricle inserts
        groove = np.minimum(left.epicardium + rng.uniform(0.5, 2.5), left.below)
        drawn.append(Layer(np.minimum(groove, -blood - rng.uniform(0, 3)), "fat", 0, 2))
    return drawn, wall


def _outflow(rng: np.random.Generator, frame: Frame, reach: float, side: float) -> Field:
    """A cone on one side of the septum that rises above the base."""
    u = frame.u - np.float32(reach * rng.uniform(0.4, 1.0))
    v = frame.v - np.float32(side * reach * rng.uniform(0.5, 1.0))
    radii = (rng.uniform(9, 19), rng.uniform(9, 19), rng.uniform(20, 50))
    return blob(rng, u, v, frame.w - np.float32(rng.uniform(-10, 10)), radii, 0.1)


def _inside(
    rng: np.random.Generator, canvas: Canvas, frame: Frame, left: Left, heart: Size, blood: Field
) -> list[Layer]:
    """Trabeculae at the free wall and towards the apex, and the moderator band; they count as blood."""
    drawn = []
    if rng.random() < 0.75:
        strands = canvas.smooth(rng, rng.uniform(4, 9), rng.uniform(12, 30)) + rng.uniform(-0.3, 0.9)
        deepest = rng.uniform(1, 7) * (0.6 + rng.uniform(0, 2) * np.maximum(1 - left.along, 0))
        inward = np.maximum(blood, 0) / deepest
        share = rng.uniform(0.4, 1) * np.clip(0.5 + 1.5 * (strands - 1.6 * inward), 0, 1)
        mixed = rng.uniform(0, 0.8) * np.clip(1 - inward, 0, 1)
        share = np.maximum(share, mixed) * (blood > 0)
        drawn.append(Layer((share - 0.5).astype(np.float32), "trabecula", None, 1))
    if rng.random() < 0.4:
        height, tilt = -heart.length * rng.uniform(0.35, 0.75), np.float32(rng.normal(0, 0.4))
        band = rng.uniform(1.5, 4) - np.hypot(frame.v - rng.uniform(-12, 12) - tilt * frame.u, frame.w - height)
        drawn.append(Layer(np.minimum(band, blood + 1), "papillary", None, 2))
    return drawn
