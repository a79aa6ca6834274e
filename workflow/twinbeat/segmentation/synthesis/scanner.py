"""From layers to MR images of a stack: contrast, texture, coil, resolution, artefacts and noise, all of them random."""

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..scale import PIXEL, normalise
from .canvas import PLANES, Canvas, Field, Layer

TISSUES = (
    *("blood", "rv_blood", "vessel", "myocardium", "rv_wall", "trabecula", "papillary", "muscle", "liver"),
    *("lung", "fat", "dark", "fluid", "stomach", "other_a", "other_b", "other_c", "other_d"),
)


def signal(
    rng: np.random.Generator, canvas: Canvas, organs: Sequence[Layer], heart: Sequence[Layer], opposed: bool
) -> Field:
    """What the slices (z, y, x) send as the coil and the blur of the image have it; negative where fat prevails whose
    phase is ``opposed`` to that of water.

    So it is in balanced SSFP at an echo time of half the repetition time: in the magnitude pixels that hold both are
    dark, and a black line runs between muscle and fat (Scheffler and Lehnhardt 2003).
    """
    looks = _looks(rng, canvas.slices, cine_contrast(rng) if rng.random() < 0.7 else random_contrast(rng))
    if opposed:
        looks["fat"] = -looks["fat"]
    return _received(rng, canvas.slices, paint(canvas, organs, heart, looks))


def image(rng: np.random.Generator, canvas: Canvas, signal: Field) -> Field:
    """Images (z, y, x) of the ``signal`` of the slices, normalised as for the network."""
    normal = normalise(_acquire(rng, canvas, signal) ** np.float32(np.exp(rng.normal(0, 0.2))))
    if rng.random() < 0.6:  # what else is in the field of view moves the scale
        normal = (normal + 1) * rng.uniform(0.65, 1.2) - 1 + rng.normal(0, 0.05)
    return normal.astype(np.float32)


def cine_contrast(rng: np.random.Generator) -> dict[str, float]:
    """Signals as in balanced steady-state free precession: bright blood and fat, dark muscle and lung."""
    blood, myocardium = 1.0, rng.uniform(0.12, 0.6)
    random = {name: rng.uniform(0, 1.3) for name in TISSUES if name.startswith("other")}
    return random | {
        "blood": blood,
        "rv_blood": blood * rng.uniform(0.75, 1.2),
        "vessel": blood * rng.uniform(0.6, 1.2),
        "myocardium": myocardium,
        "rv_wall": myocardium * rng.uniform(0.8, 1.3),
        "muscle": myocardium * rng.uniform(0.6, 1.6),
        "liver": myocardium * rng.uniform(0.85, 1.15) if rng.random() < 0.3 else rng.uniform(0.1, 0.7),
        "lung": rng.uniform(0.01, 0.25),
        "fat": rng.uniform(0.4, 1.7),
        "dark": rng.uniform(0, 0.3),
        "fluid": rng.uniform(0.7, 1.6),
        "stomach": rng.uniform(0, 1.3),
    } | _columns(rng, blood, myocardium)  # fmt: skip


def random_contrast(rng: np.random.Generator) -> dict[str, float]:
    """Any signal for any tissue (Billot et al. 2023), as long as blood and muscle differ."""
    signals = {name: rng.uniform(0, 1) for name in TISSUES}
    low, high = np.sort(rng.uniform(0, 1, 2))
    high = max(high, low + 0.15)
    myocardium, blood = (low, high) if rng.random() < 0.9 else (high, low)
    signals |= {"myocardium": myocardium, "blood": blood, "rv_blood": blood + rng.normal(0, 0.12) * (high - low)}
    return signals | {"rv_wall": myocardium + rng.normal(0, 0.2) * (high - low)} | _columns(rng, blood, myocardium)


def _columns(rng: np.random.Generator, blood: float, myocardium: float) -> dict[str, float]:
    """Muscle inside the cavity, which blood between its fibres brightens."""
    return {
        "trabecula": myocardium + rng.uniform(0, 0.4) * (blood - myocardium),
        "papillary": myocardium + rng.uniform(-0.05, 0.4) * (blood - myocardium),
    }


def _looks(rng: np.random.Generator, canvas: Canvas, signals: dict[str, float]) -> dict[str, Field]:
    """The signal (z, 1, y, x) of each tissue, with texture, and a little brighter or darker from slice to slice."""
    textures = [canvas.smooth(rng, pitch, 10) for pitch in rng.uniform(3, 25, 3)]
    count = len(canvas.heights)
    looks = {}
    for name, signal in signals.items():
        gain = 1 + rng.normal(0, rng.uniform(0, 0.06), (count, 1, 1)).astype(np.float32)
        texture = 1 + np.float32(rng.uniform(0, 0.15)) * textures[rng.integers(3)]
        look = np.float32(signal) * gain * texture + np.float32(rng.uniform(0, 0.03)) * textures[0]
        looks[name] = np.maximum(look, 0)[:, None]
    if rng.random() < 0.4:  # slow or turbulent flow darkens part of the blood
        flow = np.clip(canvas.smooth(rng, rng.uniform(12, 30), 20), 0, 1)[:, None]
        for name in ("blood", "rv_blood"):
            looks[name] = looks[name] * (1 - np.float32(rng.uniform(0, 0.5)) * flow)
    return looks


def paint(canvas: Canvas, organs: Sequence[Layer], heart: Sequence[Layer], looks: dict[str, Field]) -> Field:
    """Blend the layers from below to above, and average the planes of each slice (z, y, x); fat may be negative."""
    slices, size = len(canvas.heights) // PLANES, canvas.size
    below = np.zeros((slices, 1, size, size), np.float32)
    for layer in organs:
        _blend(below, layer, looks[layer.tissue])
    painted = np.repeat(below, PLANES, axis=1)
    for layer in heart:
        _blend(painted, layer, looks[layer.tissue])
    return painted.mean(1)


def _blend(picture: Field, layer: Layer, look: Field) -> None:
    share = (layer.depth / np.float32(layer.softness) + np.float32(0.5)).reshape(picture.shape)
    np.clip(share, 0, 1, out=share)
    picture += share * (look - picture)


def _received(rng: np.random.Generator, canvas: Canvas, signal: Field) -> Field:
    """Coil and blur."""
    coil = rng.uniform(0, 0.4) * canvas.smooth(rng, 70, 80) + rng.uniform(0, 0.1) * canvas.smooth(rng, 35, 50)
    signal = signal * np.exp(coil - 0.5 * coil.std() ** 2)
    width = rng.uniform(0, 0.8) if rng.random() < 0.85 else rng.uniform(0.8, 2)
    if width > 0.2:
        signal = gaussian_filter1d(gaussian_filter1d(signal, width, 1, truncate=3), width, 2, truncate=3)
    return signal


def _acquire(rng: np.random.Generator, canvas: Canvas, signal: Field) -> Field:
    """Artefacts, sampling at 1 to 2.8 mm, truncated k-space and Rician noise; on the training pixels."""
    signal = _artefacts(rng, canvas, signal)
    pixels = round(canvas.size * PIXEL / (rng.uniform(1, 2.3) if rng.random() < 0.85 else rng.uniform(2.3, 2.8)))
    coarse = _linear(canvas.size, pixels) @ signal @ _linear(canvas.size, pixels).T
    if rng.random() < 0.4:
        coarse = _truncate(coarse, rng.uniform(0.6, 0.95, 2))
    noise = rng.uniform(0, 0.1) if rng.random() < 0.9 else rng.uniform(0.1, 0.25)
    sigma = noise * float(np.percentile(np.abs(signal), 95)) * (rng.random() < 0.9)
    real, imaginary = rng.standard_normal((2, *coarse.shape), dtype=np.float32) * np.float32(sigma)
    measured = np.hypot(coarse + real, imaginary)
    return np.maximum(_linear(pixels, canvas.size) @ measured @ _linear(pixels, canvas.size).T, 0)


def _artefacts(rng: np.random.Generator, canvas: Canvas, signal: Field) -> Field:
    """Ghosts of what moves along one direction, and dark bands where the field is off resonance."""
    if rng.random() < 0.15:
        ghost = np.roll(signal, int(rng.integers(12, canvas.size - 12)), axis=int(rng.integers(1, 3)))
        signal = signal + np.float32(rng.uniform(0.02, 0.12)) * ghost
    if rng.random() < 0.2:
        angle, axis = rng.uniform(0, 2 * np.pi), canvas.axis
        place = np.cos(angle) * axis + np.sin(angle) * axis[:, None] + 8 * canvas.smooth(rng, 40, 40)
        off = (place - rng.uniform(-70, 70)) / rng.uniform(3, 10)
        signal = signal * (1 - np.float32(rng.uniform(0.2, 0.8)) * np.exp(-(off**2)))
    return signal


def _truncate(signal: Field, shares: np.ndarray) -> Field:
    """Keep the low frequencies, as a scanner that fills up its matrix with zeros does."""
    rows, columns = (np.abs(np.fft.fftfreq(signal.shape[-1])) <= share / 2 for share in shares)
    kept = np.fft.fft2(signal) * (rows[:, None] & columns[None, :])
    return np.fft.ifft2(kept).real.astype(np.float32)


def _linear(inputs: int, outputs: int) -> Field:
    """The matrix (output, input) of linear interpolation between pixel centres of the same field of view."""
    position = np.clip((np.arange(outputs) + 0.5) * inputs / outputs - 0.5, 0, inputs - 1)
    return np.maximum(1 - np.abs(position[:, None] - np.arange(inputs)), 0).astype(np.float32)
