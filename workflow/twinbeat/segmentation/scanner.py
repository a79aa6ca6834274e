"""From layers to an MR image: contrast, texture, coil, resolution and noise, all of them random."""

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter

from .fields import PIXEL, SIZE, Field, Layer, normalise, smooth

TISSUES = (
    *("blood", "rv_blood", "vessel", "myocardium", "rv_wall", "trabecula", "muscle", "liver"),
    *("lung", "fat", "dark", "stomach", "other_a", "other_b", "other_c", "other_d"),
)


def image(rng: np.random.Generator, scenes: Sequence[tuple[float, Sequence[Layer]]]) -> Field:
    """An image (y, x), normalised as for the network, of scenes that share the thickness of the slice."""
    looks = _looks(rng, cine_contrast(rng) if rng.random() < 0.7 else random_contrast(rng))
    signal = sum(np.float32(share) * _paint(layers, looks) for share, layers in scenes)
    normal = normalise(_acquire(rng, signal) ** np.exp(rng.normal(0, 0.15)))
    if rng.random() < 0.5:  # an image is normalised with its whole stack, so that its own range varies
        normal = (normal + 1) * rng.uniform(0.65, 1.2) - 1
    return normal.astype(np.float32)


def cine_contrast(rng: np.random.Generator) -> dict[str, float]:
    """Signals as in balanced steady-state free precession: bright blood and fat, dark muscle and lung."""
    blood, myocardium = 1.0, rng.uniform(0.12, 0.6)
    random = dict.fromkeys(TISSUES, 0.0) | {name: rng.uniform(0, 1.3) for name in TISSUES if name.startswith("other")}
    return random | {
        "blood": blood,
        "rv_blood": blood * rng.uniform(0.75, 1.2),
        "vessel": blood * rng.uniform(0.6, 1.2),
        "myocardium": myocardium,
        "rv_wall": myocardium * rng.uniform(0.8, 1.3),
        "trabecula": myocardium + rng.uniform(0, 0.5) * (blood - myocardium),
        "muscle": myocardium * rng.uniform(0.6, 1.6),
        "liver": rng.uniform(0.1, 0.7),
        "lung": rng.uniform(0.01, 0.25),
        "fat": rng.uniform(0.4, 1.7),
        "dark": rng.uniform(0, 0.3),
        "stomach": rng.uniform(0, 1.3),
    }


def random_contrast(rng: np.random.Generator) -> dict[str, float]:
    """Any signal for any tissue (Billot et al. 2023), as long as blood and muscle differ."""
    signals = {name: rng.uniform(0, 1) for name in TISSUES}
    low, high = np.sort(rng.uniform(0, 1, 2))
    high = max(high, low + 0.15)
    myocardium, blood = (low, high) if rng.random() < 0.9 else (high, low)
    signals |= {"myocardium": myocardium, "blood": blood, "rv_blood": blood + rng.normal(0, 0.12) * (high - low)}
    return signals | {
        "rv_wall": myocardium + rng.normal(0, 0.2) * (high - low),
        "trabecula": myocardium + rng.uniform(0, 0.5) * (blood - myocardium),
    }


def _looks(rng: np.random.Generator, signals: dict[str, float]) -> dict[str, Field]:
    """The signal (y, x) of each tissue, with texture."""
    textures = [smooth(rng, int(knots)) for knots in rng.integers(8, 64, 3)]
    looks = {
        name: signal * (1 + rng.uniform(0, 0.15) * textures[rng.integers(3)]) + rng.uniform(0, 0.04) * textures[0]
        for name, signal in signals.items()
    }
    if rng.random() < 0.25:  # slow or turbulent flow darkens part of the blood
        looks["blood"] = looks["blood"] * (1 - rng.uniform(0, 0.5) * np.clip(smooth(rng, 10), 0, 1))
    return looks


def _paint(layers: Sequence[Layer], looks: dict[str, Field]) -> Field:
    """Blend the layers from below to above."""
    canvas = np.zeros((SIZE, SIZE), np.float32)
    for depth, tissue, _, softness in layers:
        canvas += np.clip(0.5 + depth / softness, 0, 1) * (looks[tissue] - canvas)
    return np.maximum(canvas, 0)


def _acquire(rng: np.random.Generator, signal: Field) -> Field:
    """Coil, blur, sampling at 1.2 to 2 mm, truncated k-space and Rician noise; back on the training pixels."""
    coil = np.exp(rng.uniform(0, 0.4) * smooth(rng, 3) + rng.uniform(0, 0.1) * smooth(rng, 5))
    signal = gaussian_filter(signal * coil, rng.uniform(0, 0.8))
    pixels = round(SIZE * PIXEL / rng.uniform(1.2, 2.0))
    coarse = _linear(SIZE, pixels) @ signal @ _linear(SIZE, pixels).T
    if rng.random() < 0.4:
        coarse = _truncate(coarse, rng.uniform(0.6, 0.95))
    sigma = rng.uniform(0, 0.1) * float(np.percentile(signal, 95)) * (rng.random() < 0.9)
    real, imaginary = rng.standard_normal((2, pixels, pixels), dtype=np.float32) * np.float32(sigma)
    measured = np.hypot(coarse + real, imaginary).astype(np.float32)
    return np.maximum(_linear(pixels, SIZE) @ measured @ _linear(pixels, SIZE).T, 0)


def _truncate(signal: Field, share: float) -> Field:
    """Keep the low frequencies, as a scanner that fills up its matrix with zeros does."""
    frequency = np.abs(np.fft.fftfreq(signal.shape[0])) <= share / 2
    kept = np.fft.fft2(signal) * (frequency[:, None] & frequency[None, :])
    return np.abs(np.fft.ifft2(kept)).astype(np.float32)


def _linear(inputs: int, outputs: int) -> Field:
    """The matrix (output, input) of linear interpolation between pixel centres of the same field of view."""
    position = np.clip((np.arange(outputs) + 0.5) * inputs / outputs - 0.5, 0, inputs - 1)
    return np.maximum(1 - np.abs(position[:, None] - np.arange(inputs)), 0).astype(np.float32)
