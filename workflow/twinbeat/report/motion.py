"""The heart at work: activation that spreads, and one beat, as strips of pictures and as a movie."""

import io
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from PIL import Image

from ..fibers import regions
from ..mesh import cell_volumes
from ..units import KPA_PER_MMHG
from .rendering import ACTIVATION, Scene, activation_map, arrivals, scale, span, tetrahedra
from .theme import BEAT, FIT, INK, axes, bare, embedded, picture, styled

Array = NDArray[np.float64]
STRIP = 6  # pictures in a row
SIZE = 320  # pixels of each
STRAIN, LIMITS = "RdBu", (-30.0, 30.0)  # %; red where fibres are shorter than at end-diastole
DPI, QUALITY = 100, 75  # of the movies
PAGES, SLOWLY = 36, 30  # of the activation, and how many times as slow it is shown as it is


@styled
def spreading(activation: xr.Dataset) -> str:
    """The part that is active at times from the first activation to the last, from outside and cut open."""
    first, last = limits = span(activation)
    times = first + (last - first) * np.arange(1, STRIP + 1) / STRIP
    shots = [partial(activation_map, activation, limits=limits, until=time, size=SIZE) for time in times]
    return _strip([f"{time:.0f} ms" for time in times], shots, ACTIVATION, limits, "activation (ms)")


@styled
def beating(anatomy: xr.Dataset, beat: xr.Dataset) -> str:
    """Shapes over the cycle in colours of the fibre strain, from outside and cut open."""
    heart = _Moving(anatomy, beat)
    frames = moments(beat, STRIP)
    times = beat.frame.values[frames]
    volumes = np.interp(times, beat.time, beat.volume)
    titles = [f"{time:.0f} ms, {volume:.0f} mL" for time, volume in zip(times, volumes, strict=True)]
    shots = [partial(heart.shot, frame) for frame in frames]
    return _strip(titles, shots, STRAIN, LIMITS, "strain along the fibres since end-diastole (%)")


@styled
def spreading_movie(activation: xr.Dataset) -> str:
    """The same in slow motion, over and over: an animated WebP as a data URI.

    Each view is drawn twice, active and bare, with the time at which each of its pixels goes from the one to the other.
    """
    first, last = limits = span(activation)
    figure, row = axes(1, 2, 6, 3.6)
    views = []
    for axis, opened in zip(row, (False, True), strict=True):
        bare(axis)
        before, after = (activation_map(activation, opened, limits, until, SIZE) for until in (first - 1, None))
        views.append((axis.imshow(before), arrivals(activation, opened, limits, SIZE)[..., None], before, after))
    scale(list(row), ACTIVATION, limits, "activation (ms)")
    figure.set_dpi(DPI)
    now = figure.suptitle("0 ms", fontsize=9)
    canvas, pages, times = FigureCanvasAgg(figure), [], np.linspace(first, last, PAGES)
    for time in times:
        for shown, arrival, before, after in views:
            shown.set_data(np.where(arrival <= time, after, before))
        now.set_text(f"{time:.0f} ms")
        pages.append(_page(canvas))
    return _animated(pages, np.full(PAGES, SLOWLY * (last - first) / PAGES))


def _strip(
    titles: Sequence[str],
    shots: Sequence[Callable[[bool], Array]],
    colours: str,
    limits: tuple[float, float],
    words: str,
) -> str:
    """A column for each title with its shots from outside and cut open, and the scale of the colours."""
    figure, grid = axes(2, STRIP, 11, 4.4)
    for column, title, shot in zip(grid.T, titles, shots, strict=True):
        for axis, opened in zip(column, (False, True), strict=True):
            bare(axis)
            axis.imshow(shot(opened))
        column[0].set_title(title)
    scale(list(grid.ravel()), colours, limits, words)
    return picture(figure, "jpg")


@styled
def movie(anatomy: xr.Dataset, beat: xr.Dataset) -> str:
    """The beat at its own speed, over and over, with its volume and pressure: an animated WebP as a data URI."""
    heart = _Moving(anatomy, beat)
    figure, row = axes(1, 3, 9, 3, width_ratios=(1, 1, 1.2))
    canvas = FigureCanvasAgg(figure)
    shown = [axis.imshow(heart.shot(0, opened)) for axis, opened in zip(row, (False, True), strict=False)]
    for axis in row[:2]:
        bare(axis)
    now = _courses(row[2], beat)
    figure.set_dpi(DPI)
    pages = []
    for frame, time in enumerate(beat.frame.values):
        for pixels, opened in zip(shown, (False, True), strict=True):
            pixels.set_data(heart.shot(frame, opened))
        now.set_xdata([time, time])
        pages.append(_page(canvas))
    return _animated(pages, durations(beat))


def _page(canvas: FigureCanvasAgg) -> Image.Image:
    """The figure as it is now, with the layout that its first page found."""
    canvas.draw()
    canvas.figure.set_layout_engine("none")
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])


def moments(beat: xr.Dataset, count: int) -> NDArray[np.integer]:
    """Frames between which the volume changes by equal amounts: from end-diastole, through end-systole where the
    ``count`` is even, back to it."""
    volume = np.interp(beat.frame, beat.time, beat.volume, period=_cycle(beat))
    way = np.cumsum(np.abs(np.diff(volume, prepend=volume[0], append=volume[0])))
    return np.abs(way[:-1] - way[-1] * np.arange(count)[:, None] / count).argmin(axis=1)


def durations(beat: xr.Dataset) -> Array:
    """How long in ms each frame is shown, so that all of them take a cycle."""
    return np.diff(np.append(beat.frame.values, _cycle(beat)))


def _cycle(beat: xr.Dataset) -> float:
    return float(beat.time[-1] + beat.time[1] - beat.time[0])


def fiber_strain(anatomy: xr.Dataset, displacement: Array) -> Array:
    """Green-Lagrange strain (point,) along the fibres for a ``displacement`` (point, component) in mm of the corners.

    The mean of the cells around a point, by their volumes; as f · E f = (|F f|² - 1) / 2.
    """
    muscle = regions.wall(anatomy)
    points, cells = anatomy.points.values, anatomy.cells.values[muscle]
    edges, moved = (np.diff(place[cells], axis=1) for place in (points, points + displacement))
    # Rows are edges: F^T takes those of the mesh to those that moved, so F f = moved^T edges^-T f.
    along = np.linalg.solve(edges.transpose(0, 2, 1), anatomy.fiber.values[muscle][..., None])
    strain = ((moved.transpose(0, 2, 1) @ along)[..., 0] ** 2).sum(axis=1) / 2 - 0.5
    share = np.repeat(cell_volumes(points, cells), 4)
    sums = [np.bincount(cells.ravel(), weights, len(points)) for weights in (share * np.repeat(strain, 4), share)]
    return np.divide(*sums, out=np.zeros(len(points)), where=sums[1] > 0)


class _Moving:
    """The muscle of ``anatomy`` in the frames of a ``beat``, all seen at one scale and from one place."""

    def __init__(self, anatomy: xr.Dataset, beat: xr.Dataset) -> None:
        self.anatomy, self.displacement = anatomy, beat.displacement.values
        self.cells = anatomy.cells.values[regions.wall(anatomy)]
        self.around = (anatomy.points.values + self.displacement).reshape(-1, 3)

    def shot(self, frame: int, opened: bool) -> Array:
        """Pixels of a frame."""
        displacement = self.displacement[frame]
        grid = tetrahedra(self.anatomy.points.values + displacement, self.cells)
        grid.point_data["strain"] = 100 * fiber_strain(self.anatomy, displacement)
        scene = Scene(self.around, opened, SIZE)
        surface = scene.cut(grid).extract_surface(algorithm="dataset_surface")
        look = {"smooth_shading": True, "split_sharp_edges": True, "feature_angle": 50.0}
        scene.show(surface, scalars="strain", cmap=STRAIN, clim=LIMITS, **look)
        return scene.shot()


def _courses(axis: Axes, beat: xr.Dataset) -> Line2D:
    """Volume and pressure over time on one axis; the line that is to move along it."""
    axis.plot(beat.time, beat.volume, color=FIT, label="LV volume (mL)")
    axis.plot(beat.time, beat.pressure / KPA_PER_MMHG, color=BEAT, label="LV pressure (mmHg)")
    axis.set(xlabel="time after the R wave (ms)", ylim=(0, None))
    axis.figure.legend(loc="outside upper right", ncols=2)
    return axis.axvline(0.0, color=INK, linewidth=0.8)


def _animated(pages: list[Image.Image], shown: Array) -> str:
    stream, lasting = io.BytesIO(), shown.round().astype(int).tolist()
    pages[0].save(stream, "webp", save_all=True, append_images=pages[1:], duration=lasting, loop=0, quality=QUALITY)
    return embedded(stream, "image/webp")
