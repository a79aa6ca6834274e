"""The meshes at end-diastole: cut by image slices, over the borders of the labels, and how good their elements are."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from ..mesh import quality
from .frames import (
    NAMES,
    SURFACE,
    borders,
    chosen_slices,
    contrast_of,
    in_image,
    section,
    show,
    slice_shift,
    window_of,
)
from .theme import CONTOURS, FIT, INK, MUTED, axes, picture, styled

WALLS = {"wall": ("endocardium", "epicardium"), "surface": ("left endocardium", "right endocardium", "epicardium")}
BINS = np.arange(0, 72.1, 2.0)  # degree; the regular tetrahedron has 70.5


@styled
def mesh_slices(image: xr.Dataset, labels: xr.Dataset, mesh: xr.Dataset) -> str:
    """End-diastole on three slices with the outlines of the labels and the mesh, and the smallest dihedral angles."""
    frame, window = int(labels.end_diastole), window_of(image, labels)
    left, right, bottom, top = window
    figure, row = axes(1, 4, 12, 3 * (bottom - top) / (right - left) + 0.8)
    for axis, name, z in zip(row, NAMES, chosen_slices(labels), strict=False):
        show(axis, image, frame, float(labels.z[z]), window, contrast_of(image, window))
        _outlines(axis, labels.isel(time=frame, z=z))
        _cut(axis, image, mesh, float(labels.z[z]))
        axis.set_title(f"end-diastole, {name}")
    _histogram(row[3], mesh)
    handles = dict(zip(*reversed(row[0].get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside lower left", ncols=4)
    return picture(figure, "jpg")


def contour_distances(mesh: xr.Dataset | None) -> str:
    """How far the contours are off the smooth surfaces that were meshed, in words; nothing where there is no mesh."""
    if mesh is None:
        return ""
    found = mesh["contour_rms"]
    each = [f"{value:.2f} mm from the {name}" for name, value in zip(WALLS[found.dims[0]], found.values, strict=True)]
    return f"The contours lie {', '.join(each)} that was meshed (root mean square)."


def _outlines(axis: Axes, at: xr.Dataset) -> None:
    """The borders of the labels of a slice, dotted."""
    for (name, colour), mask in zip(CONTOURS.items(), borders(at), strict=True):
        if mask.max() > 0.5:
            axis.contour(at.x, at.y, mask, levels=[0.5], colors=[colour], linewidths=1.3, linestyles="dotted")
        axis.plot([], [], color=colour, linestyle="dotted", label=f"{name} of the labels")


def _cut(axis: Axes, image: xr.Dataset, mesh: xr.Dataset, level: float) -> None:
    """Where the slice cuts the surface of the mesh, moved as the slice's breath-hold was."""
    points = in_image(mesh.points.values, mesh.to_lps.values, image)
    segments = section(points, mesh.facets.values, level) + slice_shift(mesh, image, level)
    axis.add_collection(LineCollection(segments, colors=SURFACE, linewidths=1.1))
    axis.plot([], [], color=SURFACE, label="surface of the mesh")


def _histogram(axis: Axes, mesh: xr.Dataset) -> None:
    """The smallest dihedral angle of each element, with the least one and the first percentile."""
    angles = quality.dihedral_angles(mesh.points.values, mesh.cells.values).min(axis=1)
    axis.hist(angles, bins=BINS, color=FIT)
    least, percentile = angles.min(), np.percentile(angles, quality.PERCENTILE)
    for value, name, colour in ((least, "least", INK), (percentile, "first percentile", MUTED)):
        axis.axvline(value, color=colour, linewidth=0.9, label=f"{name}: {value:.1f}")
    axis.set(xlabel="smallest dihedral angle (degree)", ylabel="elements", title=f"{len(angles)} elements")
    axis.legend()
