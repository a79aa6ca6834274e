"""A short-axis cine of a moving ventricle, as a scanner would take it.

Surfaces are cut by several planes through the thickness of a slice and filled on samples finer than the pixels, the
pool with a rim of trabeculae where they are asked for; the mean signal of the samples is the partial volume. Coils,
limited resolution, Rician noise and breath-holds that are never quite alike do the rest. Truth labels are the tissue
that most samples of a voxel have, trabeculae and papillary muscles counted as blood.
"""

import logging
import time
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter

from ..parameters import Phantom
from ..units import MM3_PER_ML
from . import neighbours
from .neighbours import Layer, Right
from .plan import Scan, plan
from .surfaces import Grid, Surface, capped, filled
from .trabeculae import Rim, Strands

log = logging.getLogger("twinbeat")

SIGNAL = {
    "mediastinum": 0.5,
    "fat": 0.85,
    "right wall": 0.34,
    "far blood": 0.90,
    "right blood": 0.95,
    "muscle": 0.36,
    "left blood": 1.0,
    "papillary": 0.40,
}
LABEL = {"left blood": 1, "papillary": 1, "muscle": 2, "right blood": 3}
PLANES = 4
"""Planes through the thickness of a slice."""
FINE = 3
"""Samples along the edge of a pixel around the heart."""
COARSE = 1
"""Samples along the edge of a pixel elsewhere."""
GAIN = 700.0
"""Stored value of the signal of left ventricular blood."""


def acquire(motion: xr.Dataset, phantom: Phantom, rng: np.random.Generator) -> xr.Dataset:
    """The image as VARIABLES["image"] has it, with truth ``labels (time, z, y, x)`` and ``to_lps`` of the heart frame.

    ``motion`` has ``points (time, vertex, component)`` in mm of the endocardium and the epicardium, both open at the
    base, with their triangles, ``cycle`` in ms and the right ventricle's ``rv_angle`` (rad, half), ``rv_width`` (mm).
    """
    hearts = [_ventricle(motion, frame) for frame in range(motion.sizes["time"])]
    scenes = _scenes(hearts, float(motion.rv_angle), float(motion.rv_width), rng)
    largest = max(hearts, key=lambda heart: heart[0].volume())
    scan = plan(largest[1], phantom.slice_spacing, rng)
    strands = _strands(largest, phantom.trabeculae, rng)
    moved = [[_seen(layer, scan, strands) for layer in scene] for scene in scenes]
    shape = (len(scenes), len(scan.z), *scan.shape)
    signal, labels = np.empty(shape, np.float32), np.zeros(shape, np.uint8)
    started = time.monotonic()
    for k in range(len(scan.z)):
        _image_slice(scan, moved, k, signal[:, k], labels[:, k])
        _receive(scan, k, phantom.noise, signal[:, k], rng)
        left = (time.monotonic() - started) * (len(scan.z) / (k + 1) - 1)
        log.info("phantom: slice %d of %d, %.0f s left", k + 1, len(scan.z), left)
    return _dataset(motion, scan, signal, labels)


def _strands(heart: tuple[Surface, Surface], mean: float, rng: np.random.Generator) -> Strands | None:
    """Of a patient; another stream than the scanner's, which is thus the same with and without them."""
    inner, outer = heart
    return Strands.draw(rng.spawn(1)[0], mean, outer.volume() - inner.volume()) if mean else None


def _seen(layer: Layer, scan: Scan, strands: Strands | None) -> Layer:
    """A layer in the coordinates of the stack, the pool with its rim."""
    surface = scan.seen(layer.surface)
    rimmed = strands is not None and layer.tissue == "left blood"
    return Layer(layer.tissue, surface, Rim.on(surface, strands) if rimmed else None)


def _scenes(
    hearts: list[tuple[Surface, Surface]], rv_angle: float, rv_width: float, rng: np.random.Generator
) -> list[list[Layer]]:
    """Layers of every frame in the heart frame, those that lie over others last."""
    volumes = np.array([inner.volume() for inner, _ in hearts])
    around = neighbours.contours(hearts[int(volumes.argmax())][1])
    stroke = float(np.ptp(volumes))
    right = Right(rv_angle, rv_width, stroke / MM3_PER_ML, around)
    sizes, radius = rng.uniform(4, 5.5, 2), float(around.radii[-2].mean())
    return [
        _scene(right, *heart, volumes.max() - volume, stroke, sizes, radius)
        for heart, volume in zip(hearts, volumes, strict=True)
    ]


def _ventricle(motion: xr.Dataset, frame: int) -> tuple[Surface, Surface]:
    points = motion.points.values[frame]
    return tuple(capped(*_used(points, motion[name].values)) for name in ("endo_triangles", "epi_triangles"))


def _used(points: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    vertices, renumbered = np.unique(triangles, return_inverse=True)
    return points[vertices], renumbered.reshape(triangles.shape)


def _scene(
    right: Right, inner: Surface, outer: Surface, ejected: float, stroke: float, sizes: np.ndarray, radius: float
) -> list[Layer]:
    fat, wall, blood = right.layers(neighbours.contours(outer), ejected)
    left = [Layer("muscle", outer), Layer("left blood", inner)]
    base = neighbours.base(ejected / stroke if stroke else 0.0, radius)
    return [fat, *base, wall, blood, *left, *neighbours.papillaries(inner, sizes)]


@dataclass(frozen=True)
class _Window:
    """The pixels around the heart: rows and columns [first, last)."""

    rows: slice
    columns: slice

    def grid(self, pixel: float) -> Grid:
        step = pixel / FINE
        shift = (step - pixel) / 2
        shape = ((self.rows.stop - self.rows.start) * FINE, (self.columns.stop - self.columns.start) * FINE)
        return Grid((self.columns.start * pixel + shift, self.rows.start * pixel + shift), step, shape)


def _window(scan: Scan, moved: list[list[Layer]]) -> _Window:
    corners = [layer.surface.vertices[:, :2] for layers in moved for layer in layers]
    low = np.floor(np.min([c.min(axis=0) for c in corners], axis=0) / scan.pixel).astype(int) - 4
    high = np.ceil(np.max([c.max(axis=0) for c in corners], axis=0) / scan.pixel).astype(int) + 5
    columns, rows = (slice(max(0, a), min(n, b)) for a, b, n in zip(low, high, scan.shape[::-1], strict=True))
    return _Window(rows, columns)


def _image_slice(scan: Scan, moved: list[list[Layer]], k: int, signal: np.ndarray, labels: np.ndarray) -> None:
    """Fill the noiseless ``signal`` and the ``labels`` (time, y, x) of slice ``k``."""
    heights = scan.z[k] + scan.thickness * ((np.arange(PLANES) + 0.5) / PLANES - 0.5)
    still = [scan.body(height, k, COARSE) for height in heights]
    window = _window(scan, moved)
    near = [_repeat(_crop(body, window)) for body in still]
    signal[:] = np.mean([_mean(body, COARSE) for body in still], axis=0)
    for t, layers in enumerate(moved):
        parts = [
            _paint(layers, scan, k, h, window.grid(scan.pixel), body) for h, body in zip(heights, near, strict=True)
        ]
        signal[t, window.rows, window.columns] = np.mean([_mean(part, FINE) for part, _ in parts], axis=0)
        labels[t, window.rows, window.columns] = _most([label for _, label in parts])


def _crop(body: np.ndarray, window: _Window) -> np.ndarray:
    rows, columns = (slice(COARSE * s.start, COARSE * s.stop) for s in (window.rows, window.columns))
    return body[rows, columns]


def _repeat(body: np.ndarray) -> np.ndarray:
    times = FINE // COARSE
    return np.repeat(np.repeat(body, times, axis=0), times, axis=1)


def _mean(samples: np.ndarray, times: int) -> np.ndarray:
    rows, columns = samples.shape
    return samples.reshape(rows // times, times, columns // times, times).mean(axis=(1, 3), dtype=np.float32)


def _most(labels: list[np.ndarray]) -> np.ndarray:
    """The label that most samples of a pixel have."""
    shares = [
        np.mean([_mean((label == name).astype(np.float32), FINE) for label in labels], axis=0) for name in range(4)
    ]
    return np.argmax(shares, axis=0).astype(np.uint8)


def _paint(
    layers: list[Layer], scan: Scan, k: int, height: float, grid: Grid, body: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Signal and label of the samples of one plane."""
    signal, label = body.copy(), np.zeros(grid.shape, np.uint8)
    for layer in layers:
        segments = layer.surface.cut(height) + scan.shifts[k]
        if len(segments):
            small, part = grid.around(segments)
            inside = filled(segments, small)
            signal[part][inside] = _signal(layer, inside, small.step, height)
            label[part][inside] = LABEL.get(layer.tissue, 0)
    return signal, label


def _signal(layer: Layer, inside: np.ndarray, step: float, height: float) -> np.ndarray | float:
    """Of the samples (sample,) inside of a layer, or of all alike."""
    own = SIGNAL[layer.tissue]
    if layer.rim is None or not inside.any():
        return own
    return own + (SIGNAL["muscle"] - own) * layer.rim.muscle(inside, step, height)


def _receive(scan: Scan, k: int, noise: float, signal: np.ndarray, rng: np.random.Generator) -> None:
    """What the coils give of the noiseless ``signal`` (time, y, x), in stored values; changed in place."""
    coil = scan.coil(k)
    still = 0.03 * _texture(rng, signal.shape[1:], 3.0)
    for frame in signal:
        lively = 0.03 * _texture(rng, frame.shape, 4.0)
        frame *= coil * (1 + still + lively)
        clean = np.fft.ifft2(np.fft.fft2(frame) * _window_of_kspace(frame.shape))
        noisy = clean + noise * (rng.standard_normal(frame.shape) + 1j * rng.standard_normal(frame.shape))
        frame[:] = np.rint(GAIN * np.abs(noisy)).clip(0, 32767)


def _texture(rng: np.random.Generator, shape: tuple[int, ...], width: float) -> np.ndarray:
    """A smooth random field of unit variance."""
    field = gaussian_filter(rng.standard_normal(shape), width, mode="wrap")
    return field / field.std()


def _window_of_kspace(shape: tuple[int, int]) -> np.ndarray:
    """Of the frequencies, all along the rows and four fifths along the columns are acquired, the edges weaker."""
    rows, columns = (np.abs(np.fft.fftfreq(n)) * 2 for n in shape)
    along, across = (
        np.where(f <= limit, np.cos(np.pi / 4 * f / limit), 0) for f, limit in ((columns, 1.0), (rows, 0.8))
    )
    return across[:, None] * along


def _dataset(motion: xr.Dataset, scan: Scan, signal: np.ndarray, labels: np.ndarray) -> xr.Dataset:
    rows, columns = scan.shape
    return xr.Dataset(
        {
            "image": (("time", "z", "y", "x"), signal),
            "labels": (("time", "z", "y", "x"), labels),
            "origin": (("component",), scan.origin),
            "directions": (("axis", "component"), scan.directions),
            "cycle": ((), float(motion.cycle)),
            "to_lps": (("row", "column"), scan.to_lps),
        },
        {
            "time": motion.time.values,
            "z": scan.z,
            "y": scan.pixel * np.arange(rows),
            "x": scan.pixel * np.arange(columns),
        },
    )
