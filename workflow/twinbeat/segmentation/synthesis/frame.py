"""Where the heart lies in a stack: its own axes, seen through tilt, breath-holds and deformation."""

from typing import NamedTuple

import numpy as np

from .canvas import PLANES, Canvas, Field


class Frame(NamedTuple):
    """Coordinates (plane, y, x) in mm: ``u`` towards the septum, ``v`` across, ``w`` from the apex to the base.

    The base of the left ventricle is near w = 0, its apex on the negative w-axis.
    """

    u: Field
    v: Field
    w: Field


def place(rng: np.random.Generator, canvas: Canvas, length: float) -> Frame:
    """A heart of ``length`` mm somewhere in the stack: turned, mirrored, tilted, bent, and cut by the stack's ends."""
    slices = len(canvas.heights) // PLANES
    reach = 12 if rng.random() < 0.75 else 35
    breath = rng.normal(0, rng.uniform(0, 3.0) * (rng.random() < 0.7), (2, slices)) + rng.uniform(-reach, reach, (2, 1))
    shift = np.repeat(breath, PLANES, axis=1).astype(np.float32)[..., None, None]
    x, y = canvas.axis[None, None, :] + shift[0], canvas.axis[None, :, None] + shift[1]
    extent = float(np.ptp(canvas.heights))
    middle = rng.uniform(-0.5, 0.5) * (max(length - extent, 0) + rng.choice([15, 45]))
    z = canvas.heights[:, None, None] - np.float32(middle)
    turn = (_tilt(rng) @ _turned(rng)).astype(np.float32)
    u, v, w = (row[0] * x + row[1] * y + row[2] * z for row in turn)
    bend = (rng.uniform(0, 3.5) * (rng.random() < 0.8) for _ in range(3))
    pitch = rng.uniform(25, 70)
    u, v, w = (
        c + np.float32(size) * canvas.smooth(rng, pitch, 50) if size else c
        for c, size in zip((u, v, w), bend, strict=True)
    )
    return Frame(u, v, w - np.float32(length / 2))


def _turned(rng: np.random.Generator) -> np.ndarray:
    """A turn about z by any angle, half of the time mirrored in plane and half of the time upside down."""
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    return np.diag([1, rng.choice([-1, 1]), rng.choice([-1, 1])]) @ turn


def _tilt(rng: np.random.Generator) -> np.ndarray:
    """A turn by about 8 degrees of the long axis against the stack's normal (Rodrigues)."""
    about, angle = rng.uniform(0, 2 * np.pi), np.radians(np.clip(rng.normal(0, 8), -22, 22))
    axis = np.array([np.cos(about), np.sin(about), 0])
    cross = np.cross(np.eye(3), axis)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
