"""The page of a cohort's shape model."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from numpy.typing import NDArray

from ..mesh import template
from ..page import render
from .frames import section
from .rendering import wall
from .theme import BEAT, FIT, MUTED, TARGET, axes, bare, picture, styled

Array = NDArray[np.float64]
SHOWN = 4  # modes that are drawn
COLOURS = {-2: FIT, 0: TARGET, 2: BEAT}  # by standard deviations
FIGURES = {"compactness": "Compactness", "generalisation": "Generalisation (mm)", "specificity": "Specificity (mm)"}


def shape_page(study: str, shape: xr.Dataset) -> str:
    """The HTML page of a shape model."""
    kept = shape.sizes["shape_mode"]
    counts = range(min(kept + 1, shape.sizes["count"]))
    return render(
        "shape.html",
        study=study,
        patients=shape.sizes["patient"],
        kept=kept,
        spread=float(np.sqrt(shape["variance"].sum())),
        rows=[{name: float(shape[name][count]) for name in FIGURES} for count in counts],
        neighbour=float(shape["neighbour"].median()),
        figures=figures(shape),
        modes=modes(shape),
    )


@styled
def figures(shape: xr.Dataset) -> str:
    """Compactness, generalisation and specificity over the number of modes, with their standard errors."""
    figure, row = axes(1, len(FIGURES), 9, 2.8)
    count = np.arange(shape.sizes["count"])
    for axis, (name, title) in zip(row, FIGURES.items(), strict=True):
        error = shape[f"{name}_error"].values if f"{name}_error" in shape else None
        axis.axvline(shape.sizes["shape_mode"], color=MUTED, linewidth=0.8, linestyle=":")
        axis.errorbar(count, shape[name].values, error, color=FIT, marker="o", markersize=2.5, elinewidth=0.6)
        axis.set(title=title, xlabel="modes", ylim=(0, None))
    return picture(figure)


@styled
def modes(shape: xr.Dataset) -> str:
    """The first modes at -2, 0 and +2 standard deviations, cut open, and their long-axis sections over each other."""
    count = min(SHOWN, shape.sizes["shape_mode"])
    figure, grid = axes(count, len(COLOURS) + 1, 9, 2.5 * count, squeeze=False)
    share = (shape["variance"] / shape["variance"].sum()).values
    for mode, row in enumerate(grid):
        hearts = {sigma: at(shape, mode, sigma) for sigma in COLOURS}
        _rendered(row[:-1], hearts, shape["triangles"].values)
        _sections(row[-1], hearts, shape["triangles"].values)
        row[0].set_title(f"Mode {mode + 1} ({share[mode]:.0%}): -2 s.d.".replace("-", "\N{MINUS SIGN}"))
    return picture(figure, "jpg")


def at(shape: xr.Dataset, mode: int, sigma: float) -> Array:
    """Points (wall, node, 3) of the mean heart with one mode added at so many standard deviations."""
    return shape["mean"].values + sigma * shape["modes"].values[mode]


def _rendered(row: list[Axes], hearts: dict[int, Array], triangles: NDArray[np.int64]) -> None:
    around = np.concatenate([points.reshape(-1, 3) for points in hearts.values()])
    cells = template.tetrahedra(triangles, hearts[0].shape[1], layers=1)
    for axis, (sigma, points) in zip(row, hearts.items(), strict=True):
        axis.imshow(wall(points.reshape(-1, 3), cells, around))
        axis.set_title("mean" if sigma == 0 else f"+{sigma} s.d.")
        bare(axis)


def _sections(axis: Axes, hearts: dict[int, Array], triangles: NDArray[np.int64]) -> None:
    """Where the walls meet the plane of the long axis and of the right ventricle: on the left, as in the renderings."""
    for sigma, points in hearts.items():
        for surface in points:
            segments = section(surface[:, [1, 2, 0]], triangles, 0.0)
            axis.add_collection(LineCollection(segments, colors=COLOURS[sigma], linewidths=1.0))
    axis.autoscale()
    axis.invert_xaxis()
    bare(axis)
    axis.set_title("long axis, all three")
