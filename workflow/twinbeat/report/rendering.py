"""The heart in three dimensions: fibres and activation, rendered without a display."""

import os
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from numpy.typing import NDArray

from .. import fibers, mesh
from ..fibers import regions
from .theme import INK, axes, bare, picture, styled

# Software rendering through OSMesa needs neither display nor GPU; VTK would try an X server first.
os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkOSOpenGLRenderWindow")
import pyvista

Array = NDArray[np.float64]
SIZE = 600  # pixels
ROOM = 1.04  # of the view over the extent of the heart
ISOCHRONE = 10.0  # ms between lines
WALL, HELIX, ACTIVATION = "#e9dcd3", "coolwarm", "viridis_r"
TISSUE = [WALL, "#b9a397", "#6b5348"]
"""Colours of healthy muscle, border zone and scar."""

FREE_WALL, CUT_OPEN = (-0.75, 0.55, 0.28), (-0.12, 1.0, 0.35)
"""Directions to the camera in the heart frame: outside from the anterior free wall; inside from the front."""


@styled
def heart(anatomy: xr.Dataset, activation: xr.Dataset | None, tissue: NDArray[np.integer] | None = None) -> str:
    """Fibres and, where there is an ``activation``, its map; each from outside and with the front half cut away.

    ``tissue`` (cell,) darkens the wall at scar and its border zone.
    """
    scenes = [(_fibers(anatomy, opened, tissue), "Fibres") for opened in (False, True)]
    if activation is not None:
        scenes += [(activation_map(activation, opened, span(activation)), "Activation") for opened in (False, True)]
    figure, row = axes(1, 4, 11, 3.9)
    for axis in row:
        bare(axis)
    for axis, (pixels, name), where in zip(row, scenes, ("outside", "cut open") * 2, strict=False):
        axis.imshow(pixels)
        axis.set_title(f"{name}, {where}")
    scale(row[:2], HELIX, (-90, 90), "helix angle (degrees)")
    if activation is not None:
        scale(row[2:], ACTIVATION, span(activation), f"activation (ms), lines every {ISOCHRONE:.0f} ms")
    return picture(figure, "jpg")


@styled
def activations(usual: xr.Dataset, changed: xr.Dataset) -> str:
    """Two activation maps on one scale, each from outside and with the front half cut away."""
    ends = np.array([span(usual), span(changed)])
    limits = float(ends[:, 0].min()), float(ends[:, 1].max())
    figure, row = axes(1, 4, 11, 3.9)
    shown = [(activation, opened) for activation in (usual, changed) for opened in (False, True)]
    for axis, (activation, opened) in zip(row, shown, strict=True):
        bare(axis)
        axis.imshow(activation_map(activation, opened, limits))
        axis.set_title("cut open" if opened else "outside")
    scale(row, ACTIVATION, limits, f"activation (ms), lines every {ISOCHRONE:.0f} ms")
    return picture(figure, "jpg")


def wall(points: Array, cells: NDArray[np.integer], around: Array) -> Array:
    """Pixels of a bare wall (point, 3), cut open, at a scale at which all of ``around`` (point, 3) would fit."""
    scene = Scene(around, opened=True)
    scene.wall(tetrahedra(points, cells))
    return scene.shot()


def helix_angle(fiber: Array, position: Array) -> Array:
    """Angle (point,) in degrees, -90 to 90, from the circumferential direction towards the base.

    ``fiber`` (point, 3) unit vectors and ``position`` (point, 3) in the heart frame; the circumference runs from the
    septum (first axis) to the second axis.
    """
    along = np.stack([-position[:, 1], position[:, 0], np.zeros(len(position))], axis=1)
    along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-12
    sideways, upwards = (fiber * along).sum(axis=1), fiber[:, 2]
    return np.degrees(np.arctan(upwards / np.where(np.abs(sideways) < 1e-12, 1e-12, sideways)))


def _fibers(anatomy: xr.Dataset, opened: bool, tissue: NDArray[np.integer] | None) -> Array:
    points, facets, tags = (anatomy[name].values for name in ("points", "facets", "facet_tags"))
    centre = points[facets].mean(axis=1)
    shown = (tags != mesh.BASE) & ((centre[:, 1] < 0) | (not opened))
    muscle = regions.wall(anatomy)
    cells = anatomy.cells.values[muscle]
    fiber = anatomy.fiber.values[muscle][mesh.owners(cells, facets[shown])]
    length = 0.85 * np.sqrt(np.median(_areas(points, facets)))
    rods = _rods(centre[shown], fiber, length)
    rods.cell_data["angle"] = helix_angle(fiber, centre[shown])
    scene = Scene(points, opened)
    scene.wall(tetrahedra(points, cells), None if tissue is None else tissue[muscle])
    scene.show(rods.tube(radius=length / 5.5), scalars="angle", cmap=HELIX, clim=(-90, 90))
    return scene.shot()


def activation_map(
    activation: xr.Dataset, opened: bool, limits: tuple[float, float], until: float | None = None, size: int = SIZE
) -> Array:
    """Pixels of the map, its colours between ``limits`` in ms; what is not active ``until`` a time is bare wall."""
    scene, surface = _activated(activation, opened, size)
    first, last = limits
    if until is not None:
        scene.show(surface.clip_scalar(scalars="time", value=until, invert=False), color=WALL)
        surface, last = surface.clip_scalar(scalars="time", value=until), until
    scene.show(surface, scalars="time", cmap=ACTIVATION, clim=limits)
    lines = np.arange(first + ISOCHRONE, last, ISOCHRONE)
    if surface.n_points and len(lines):
        scene.show(surface.contour(lines, scalars="time"), color="white", line_width=2)
    return scene.shot()


def arrivals(activation: xr.Dataset, opened: bool, limits: tuple[float, float], size: int = SIZE) -> Array:
    """When what a pixel (row, column) of the map shows becomes active, in 255 steps between ``limits`` in ms."""
    scene, surface = _activated(activation, opened, size)
    scene.show(surface, scalars="time", cmap="gray", clim=limits, lighting=False)
    return limits[0] + (limits[1] - limits[0]) * scene.shot()[..., 0] / 255


def _activated(activation: xr.Dataset, opened: bool, size: int) -> tuple["Scene", pyvista.PolyData]:
    """A scene, with the scar if there is any, and the surface of what is activated, with its times."""
    grid = tetrahedra(activation.fine_points.values, activation.fine_cells.values)
    grid.point_data["time"] = activation.fine_activation.values
    scene = Scene(grid.points, opened, size)
    grid = scene.without_scar(grid, activation)
    return scene, scene.cut(grid).extract_surface(algorithm="dataset_surface")


class Scene:
    """One view of the heart with these ``points`` (point, 3); ``opened`` takes the anterior half away."""

    def __init__(self, points: Array, opened: bool, size: int = SIZE) -> None:
        self.points, self.opened = points, opened
        self.plotter = pyvista.Plotter(off_screen=True, window_size=(size, size), lighting="three lights")
        self.plotter.set_background("white")

    def cut(self, grid: pyvista.UnstructuredGrid) -> pyvista.UnstructuredGrid:
        return grid.clip(normal="y", origin=(0, 0, 0)) if self.opened else grid

    def without_scar(self, grid: pyvista.UnstructuredGrid, activation: xr.Dataset) -> pyvista.UnstructuredGrid:
        """The cells that were activated; the others are shown as scar."""
        if "fine_tissue" not in activation:
            return grid
        dead = activation.fine_tissue.values == fibers.SCAR
        scar = self.cut(grid.extract_cells(np.flatnonzero(dead)))
        self.show(scar.extract_surface(algorithm="dataset_surface"), color=TISSUE[fibers.SCAR])
        return grid.extract_cells(np.flatnonzero(~dead))

    def wall(self, grid: pyvista.UnstructuredGrid, tissue: NDArray[np.integer] | None = None) -> None:
        """All healthy where ``tissue`` (cell,) does not say otherwise."""
        grid.cell_data["tissue"] = np.zeros(grid.n_cells) if tissue is None else tissue
        surface = self.cut(grid).extract_surface(algorithm="dataset_surface")
        look = {"show_edges": True, "edge_color": "#cfc0b6", "line_width": 1}
        self.show(surface, scalars="tissue", cmap=TISSUE, clim=(0, len(TISSUE) - 1), **look)

    def show(self, part: pyvista.PolyData, **look: Any) -> None:
        """Draw what there is of a part of the heart."""
        if part.n_points:
            self.plotter.add_mesh(part, show_scalar_bar=False, **look)

    def shot(self) -> Array:
        self._aim(np.array(CUT_OPEN if self.opened else FREE_WALL))
        self.plotter.enable_anti_aliasing("ssaa")
        pixels = self.plotter.screenshot(None, return_img=True)
        self.plotter.close()
        return pixels

    def _aim(self, direction: Array) -> None:
        """Look from ``direction`` without perspective, so that the whole heart, cut open or not, fills the view."""
        direction = direction / np.linalg.norm(direction)
        right = np.cross((0, 0, 1), direction)
        screen = np.stack([right / np.linalg.norm(right), np.cross(direction, right / np.linalg.norm(right))])
        seen = self.points @ screen.T
        focus = (seen.min(axis=0) + seen.max(axis=0)) / 2 @ screen
        camera = self.plotter.camera
        camera.parallel_projection = True
        camera.focal_point, camera.position, camera.up = focus, focus + 1000 * direction, (0, 0, 1)
        camera.parallel_scale = ROOM * np.ptp(seen, axis=0).max() / 2
        self.plotter.reset_camera_clipping_range()


def tetrahedra(points: Array, cells: NDArray[np.integer]) -> pyvista.UnstructuredGrid:
    """Tetrahedra (cell, 4) of points (point, 3) in mm, as VTK has them."""
    return pyvista.UnstructuredGrid({pyvista.CellType.TETRA: cells.astype(int)}, points)


def _rods(centre: Array, direction: Array, length: float) -> pyvista.PolyData:
    ends = np.stack([centre - length / 2 * direction, centre + length / 2 * direction], axis=1).reshape(-1, 3)
    return pyvista.PolyData(ends, lines=np.insert(np.arange(len(ends)).reshape(-1, 2), 0, 2, axis=1).ravel())


def _areas(points: Array, facets: NDArray[np.integer]) -> Array:
    a, b, c = (points[facets[:, i]] for i in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2


def span(activation: xr.Dataset) -> tuple[float, float]:
    time = activation.fine_activation.values
    return float(np.floor(time.min())), float(np.ceil(time.max()))


def scale(beside: list[Axes], colours: str, limits: tuple[float, float], words: str) -> None:
    mappable = ScalarMappable(Normalize(*limits), colours)
    bar = beside[0].figure.colorbar(mappable, ax=list(beside), location="bottom", shrink=0.6, aspect=40, label=words)
    bar.outline.set_visible(False)
    bar.ax.tick_params(color=INK, length=2)
