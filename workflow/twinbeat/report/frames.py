"""Image frames with contours of the labels and of the mesh."""

from collections.abc import Callable

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..mesh.slices import within
from .theme import CONTOURS, axes, bare, picture, styled

Array = NDArray[np.float64]
Window = tuple[float, float, float, float]
Overlay = Callable[[Axes, int, int], None]
NAMES = ("base", "mid", "apex")
SURFACE = "#ff6b4a"
MARGIN = 25.0  # mm of image around the heart
BAR = 20.0  # mm of the scale bar


def chosen_slices(labels: xr.Dataset) -> list[int]:
    """Indices along z of a basal, a middle and an apical slice: 15, 50 and 85 % of those that show LV blood at ED.

    The apical end is the one with the smaller heart.
    """
    heart = (labels.labels.isel(time=int(labels.end_diastole)) == 1).sum(("y", "x")).values
    shown = np.flatnonzero(heart)
    third = max(1, len(shown) // 3)
    if heart[shown[:third]].sum() < heart[shown[-third:]].sum():
        shown = shown[::-1]
    return [int(shown[round((len(shown) - 1) * share)]) for share in (0.15, 0.5, 0.85)]


@styled
def label_frames(image: xr.Dataset, labels: xr.Dataset) -> str:
    """ED and ES (rows) on three slices (columns) with the borders of LV blood, LV myocardium and RV blood."""

    def outlines(axis: Axes, frame: int, z: int) -> None:
        at = labels.isel(time=frame, z=z)
        for (name, colour), mask in zip(CONTOURS.items(), borders(at), strict=True):
            if mask.max() > 0.5:
                axis.contour(at.x, at.y, mask, levels=[0.5], colors=[colour], linewidths=1.1)
            axis.plot([], [], color=colour, label=name)

    return picture(_grid(image, labels, outlines), "jpg")


@styled
def mesh_frames(image: xr.Dataset, labels: xr.Dataset, anatomy: xr.Dataset, displacement: xr.DataArray) -> str:
    """The same frames cut by the fitted surface: ``displacement`` (time, point, component) from ED in mm."""
    facets = anatomy.facets.values[anatomy.facet_tags.values < 3]

    def cuts(axis: Axes, frame: int, z: int) -> None:
        points = in_image(anatomy.points.values + displacement.values[frame], anatomy.to_lps.values, image)
        level = float(labels.z[z])
        segments = section(points, facets, level) + slice_shift(anatomy, image, level)
        axis.add_collection(LineCollection(segments, colors=SURFACE, linewidths=1.1))
        axis.plot([], [], color=SURFACE, label="surface of the calibrated mesh")

    return picture(_grid(image, labels, cuts), "jpg")


def in_image(points: Array, to_lps: Array, image: xr.Dataset) -> Array:
    """Points (point, 3) of the heart frame as image coordinates (z, y, x) in mm."""
    lps = points @ to_lps[:3, :3].T + to_lps[:3, 3]
    return (lps - image.origin.values) @ image.directions.values.T


def slice_shift(anatomy: xr.Dataset, image: xr.Dataset, level: float) -> Array:
    """Shift (x, y) in mm that the breath-hold gave to the heart in the slice at z = ``level``; 0 where not known."""
    far = np.abs(anatomy.slice_position.values - level)
    if far.min() > 0.5:
        return np.zeros(2)
    return (image.directions.values @ anatomy.slice_shift.values[far.argmin()])[:0:-1]


def section(points: Array, triangles: NDArray[np.integer], level: float) -> Array:
    """Segments (segment, end, (x, y)) where triangles of ``points`` (point, (z, y, x)) meet the plane z = ``level``."""
    corner = points[triangles]
    height = corner[..., 0] - level + 1e-9  # a corner on the plane would count twice or never
    cut = (height > 0).any(axis=1) & (height < 0).any(axis=1)
    corner, height = corner[cut], height[cut]
    ends = []
    for a, b in ((0, 1), (1, 2), (2, 0)):
        share = height[:, a] / np.where(height[:, a] == height[:, b], 1, height[:, a] - height[:, b])
        crossing = corner[:, a] + share[:, None] * (corner[:, b] - corner[:, a])
        ends.append(np.where(((height[:, a] > 0) != (height[:, b] > 0))[:, None], crossing[:, :0:-1], np.inf))
    stacked = np.stack(ends, axis=1)
    hit = np.isfinite(stacked[..., 0])
    return stacked[hit].reshape(-1, 2, 2)


def borders(at: xr.Dataset) -> list[Array]:
    """Masks (y, x) of LV blood, of blood and muscle together, and of RV blood, whose 0.5 lines are those that meshes
    are made from."""
    return [within(at, part) for part in ((1,), (1, 2), (3,))]


def _grid(image: xr.Dataset, labels: xr.Dataset, overlay: Overlay) -> Figure:
    frames = {"end-diastole": int(labels.end_diastole), "end-systole": int(labels.end_systole)}
    window = window_of(image, labels)
    left, right, bottom, top = window
    figure, grid = axes(2, 3, 9, 6 * (bottom - top) / (right - left) + 0.9)
    contrast = contrast_of(image, window)
    for row, (moment, frame) in zip(grid, frames.items(), strict=True):
        for axis, name, z in zip(row, NAMES, chosen_slices(labels), strict=True):
            show(axis, image, frame, float(labels.z[z]), window, contrast)
            overlay(axis, frame, z)
            axis.set_title(f"{moment}, {name}, {float(labels.time[frame]):.0f} ms")
    handles = dict(zip(*reversed(grid[0, 0].get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside lower left", ncols=3)
    return figure


def window_of(image: xr.Dataset, labels: xr.Dataset) -> Window:
    """Left, right, bottom, top (y grows downwards) around all labels and within the image, in mm."""
    heart = (labels.labels > 0).any(("time", "z"))
    y, x = labels.y.values[heart.any("x").values], labels.x.values[heart.any("y").values]
    inside = [float(edge) for axis in (image.x, image.y) for edge in (axis.min(), axis.max())]
    left, top = max(x.min() - MARGIN, inside[0]), max(y.min() - MARGIN, inside[2])
    return left, min(x.max() + MARGIN, inside[1]), min(y.max() + MARGIN, inside[3]), top


def contrast_of(image: xr.Dataset, window: Window) -> tuple[float, float]:
    left, right, bottom, top = window
    near = image.image.sel(x=slice(left, right), y=slice(top, bottom)).values
    return tuple(np.percentile(near, (1, 99.5)))


def show(axis: Axes, image: xr.Dataset, frame: int, z: float, window: Window, contrast: tuple[float, float]) -> None:
    pixels = image.image.isel(time=frame).sel(z=z, method="nearest")
    x, y = image.x.values, image.y.values
    half = (x[1] - x[0]) / 2, (y[1] - y[0]) / 2
    extent = (x[0] - half[0], x[-1] + half[0], y[-1] + half[1], y[0] - half[1])
    axis.imshow(pixels, cmap="gray", extent=extent, vmin=contrast[0], vmax=contrast[1], interpolation="bicubic")
    bare(axis)
    axis.set(xlim=window[:2], ylim=window[2:])
    axis.plot(
        [window[0] + 6, window[0] + 6 + BAR], [window[2] - 6] * 2, color="white", linewidth=2, solid_capstyle="butt"
    )
