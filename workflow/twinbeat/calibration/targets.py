"""What calibration aims at: volumes, radii, pressures and strains over time, each with its standard deviation."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from .. import mesh
from ..intake.clinical import Clinical
from ..intake.strain import Curve
from ..mesh.slices import BLOOD, MUSCLE, outline, within
from ..parameters import Calibration
from ..units import MM3_PER_ML
from . import curves, pressure
from .windows import SEGMENTS, Windows, weight

INSIDE = {mesh.ENDOCARDIUM: (BLOOD,), mesh.EPICARDIUM: (BLOOD, MUSCLE)}
"""The labels that each wall encloses."""
SPLIT = 4  # each triangle of the mesh counts as SPLIT^2 flat pieces


def extract(
    labels: xr.Dataset,
    anatomy: xr.Dataset,
    clinical: Clinical,
    calibration: Calibration,
    strains: Sequence[Curve] = (),
) -> xr.Dataset:
    """Targets of every frame, consistent with the mesh at end-diastole.

    Images give ratios to end-diastole; the mesh gives the end-diastolic values that they scale. ``strains`` are those
    that tags or feature tracking gave, if any.
    """
    areas = blood(labels, anatomy)
    rest = int(labels["end_diastole"])  # the frame that the mesh was made of
    facets = (anatomy[name].values for name in ("points", "facets", "facet_tags"))
    volume = mesh.cavity_volume(*facets) * areas / areas[rest]
    times, cycle = labels["time"].values.astype(float), float(labels["cycle"])
    values, sigmas = pressure.at(clinical, times, cycle, volume, rest, calibration)
    return xr.Dataset(
        {
            "volume": (("time",), volume),
            "volume_sigma": (("time",), _volume_sigma(volume, rest, calibration)),
            "pressure": (("time",), values),
            "pressure_sigma": (("time",), sigmas),
            **_wall("radius", mesh.ENDOCARDIUM, labels, anatomy, calibration.motion_sigma),
            **_epicardium(labels, anatomy, calibration),
            **curves.targets(strains, anatomy["segment"].values, times, cycle, rest, calibration.strain_sigma),
            "end_diastole": rest,
            "end_systole": int(volume.argmin()),
            "cycle": cycle,
        },
        coords={"time": times, "segment": np.arange(1, SEGMENTS + 1)},
    )


def _epicardium(labels: xr.Dataset, anatomy: xr.Dataset, calibration: Calibration) -> dict[str, tuple]:
    if calibration.epicardial_sigma is None:
        return {}
    return _wall("epicardial_radius", mesh.EPICARDIUM, labels, anatomy, calibration.epicardial_sigma)


def _wall(name: str, wall: int, labels: xr.Dataset, anatomy: xr.Dataset, sigma: float) -> dict[str, tuple]:
    """Radii of a wall (segment, time) under this name, with their standard deviations."""
    windows, tissue = of_mesh(anatomy), INSIDE[wall]
    spans, rest = seen(labels, anatomy, windows, tissue), int(labels["end_diastole"])
    radius, radius_sigma = _radii(spans, rest, radii(anatomy, windows, wall), sigma)
    return {name: (("segment", "time"), radius), f"{name}_sigma": (("segment", "time"), radius_sigma)}


def _volume_sigma(volume: np.ndarray, rest: int, calibration: Calibration) -> np.ndarray:
    """Standard deviation (time,) of volumes relative to end-diastole's.

    What all frames have in common cancels near end-diastole: a share of the change is left, and the noise that the
    curve itself shows in its third differences, whose variance is 20 times that of white noise.
    """
    third = np.diff(np.concatenate([volume, volume[:3]]), n=3)
    noise = np.median(np.abs(third)) / (0.6745 * np.sqrt(20))  # robust, as systole bends the curve too
    least = calibration.volume_noise * volume[rest]
    return np.hypot(max(noise, least), calibration.volume_sigma * (volume - volume[rest]))


def of_mesh(anatomy: xr.Dataset) -> Windows:
    """The windows of a mesh: thirds of its cavity's length."""
    points, facets, tags = (anatomy[name].values for name in ("points", "facets", "facet_tags"))
    return Windows(float(points[np.unique(facets[tags == mesh.ENDOCARDIUM]), 2].min()))


def radii(anatomy: xr.Dataset, windows: Windows, wall: int = mesh.ENDOCARDIUM) -> np.ndarray:
    """Radius (segment,) in mm of each window on a wall of the mesh."""
    centres, areas = _pieces(anatomy, wall)
    away = -1 if wall == mesh.ENDOCARDIUM else 1  # area vectors point out of the muscle
    span, measure = np.zeros(SEGMENTS), np.zeros(SEGMENTS)
    x, y, z = centres.T
    r = np.hypot(x, y)
    for i in range(SEGMENTS):
        W = weight(np, x, y, z, windows.parameters(i + 1))
        swept = away * W * (areas[:, 0] * x + areas[:, 1] * y) / r**2  # dphi dz
        span[i], measure[i] = swept @ r, swept.sum()
    return span / measure


def _pieces(anatomy: xr.Dataset, wall: int) -> tuple[np.ndarray, np.ndarray]:
    """Centres and area vectors (piece, 3) of a wall's triangles, split evenly."""
    points, facets, tags = (anatomy[name].values for name in ("points", "facets", "facet_tags"))
    corners = points[facets[tags == wall]]
    steps = [(i + a / 3, j + a / 3) for a in (1, 2) for i in range(SPLIT) for j in range(SPLIT - i - (a - 1))]
    u, v = np.array(steps).T / SPLIT
    shares = np.stack([1 - u - v, u, v], axis=1)
    centres = np.einsum("qk,fkc->fqc", shares, corners)
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / (2 * len(u))
    return centres.reshape(-1, 3), np.repeat(area, len(u), axis=0)


def _radii(spans: np.ndarray, rest: int, at_rest: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Radius and its standard deviation (segment, time); a window that the images hardly show tells nothing."""
    shown = spans[rest] > 0.1 * spans[rest].max()
    ratio = np.where(shown, spans / np.where(shown, spans[rest], 1.0), 1.0)
    sigmas = np.where(shown, sigma, 10 * at_rest)
    return (ratio * at_rest).T, np.repeat(sigmas[:, None], len(spans), axis=1)


def seen(labels: xr.Dataset, anatomy: xr.Dataset, windows: Windows, tissue: tuple[int, ...] = (BLOOD,)) -> np.ndarray:
    """int W r dphi dz (time, segment) of the wall around these labels in the stack.

    Only the slices of the mesh count (from its base on), moved back by the breath-hold shifts that the mesh has lost.
    """
    heights, used, thickness = _slices(labels, anatomy)
    inside = within(labels, tissue)
    spans = np.zeros((len(inside), SEGMENTS))
    for frame in range(len(inside)):
        for k, shift in zip(used, anatomy["slice_shift"].values, strict=True):
            loop = _in_heart(inside[frame, k], float(heights[k]), shift, labels, anatomy)
            if loop is not None:
                spans[frame] += thickness * _spans(loop, windows)
    return spans


def blood(labels: xr.Dataset, anatomy: xr.Dataset) -> np.ndarray:
    """Blood volume (time,) in mL of the slices of the mesh."""
    _, used, thickness = _slices(labels, anatomy)
    pixel = np.prod([np.diff(labels[axis].values[:2])[0] for axis in "yx"])
    areas = pixel * (labels["labels"].values[:, used] == BLOOD).sum(axis=(2, 3))
    return np.array([stacked(row, thickness) for row in areas]) / MM3_PER_ML


def _slices(labels: xr.Dataset, anatomy: xr.Dataset) -> tuple[np.ndarray, list[int], float]:
    """Heights (z,) in mm of the stack, the indices of the mesh's slices, base first, and their thickness in mm."""
    heights = labels["z"].values.astype(float)
    used = [int(np.abs(heights - position).argmin()) for position in anatomy["slice_position"].values]
    return heights, used, float(np.abs(np.median(np.diff(np.sort(heights)))))


def stacked(areas: np.ndarray, thickness: float) -> float:
    """Volume in mm³ of a cavity whose slices, base first, have these areas (slice,) in mm² and this thickness in mm.

    Where the cavity ends, the area falls on as fast as it fell before, which is exact for a paraboloid: else the tip
    would come and go by whole slices as the heart shortens.
    """
    shown = np.flatnonzero(areas)
    if len(shown) < 2:
        return float(thickness * areas.sum())
    before, last = areas[shown[-2:]]
    fall = max(before - last, last) / thickness  # it ends before the next slice, which shows nothing of it
    top = last + fall * thickness / 2  # of the last slice
    return float(thickness * (areas.sum() - last) + top**2 / (2 * fall))


def _in_heart(
    inside: np.ndarray, z: float, shift: np.ndarray, labels: xr.Dataset, anatomy: xr.Dataset
) -> np.ndarray | None:
    """Contour of a slice (n, 3) in the heart frame, counter-clockwise seen from the base; None without."""
    loop = outline(inside, labels["y"].values.astype(float), labels["x"].values.astype(float))
    if loop is None:
        return None
    directions, to_lps = labels["directions"].values, anatomy["to_lps"].values
    lps = labels["origin"].values + z * directions[0] + loop @ directions[1:] - shift
    heart = (lps - to_lps[:3, 3]) @ to_lps[:3, :3]
    return heart if _turn(heart).sum() > 0 else heart[::-1]


def _turn(loop: np.ndarray) -> np.ndarray:
    """x dy - y dx of each edge of a closed loop."""
    following = np.roll(loop, -1, axis=0)
    return loop[:, 0] * following[:, 1] - loop[:, 1] * following[:, 0]


def _spans(loop: np.ndarray, windows: Windows) -> np.ndarray:
    """oint W r dphi (segment,) of a loop, in mm: with dphi = (x dy - y dx) / r^2 this holds for any shape."""
    x, y, z = ((loop + np.roll(loop, -1, axis=0)) / 2).T
    along = _turn(loop) / np.maximum(np.hypot(x, y), 0.1)
    return np.array([weight(np, x, y, z, windows.parameters(s)) @ along for s in range(1, SEGMENTS + 1)])
