"""Quiet figures: the one door to matplotlib, its style, its colours, and how a figure enters a page."""

import base64
import functools
import io
from collections.abc import Callable
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, MUTED, FAINT, PAPER = "#20262c", "#6b737c", "#d9dcdf", "#ffffff"
TARGET, FIT, BEAT = INK, "#1b7a83", "#c2542d"
CONTOURS = {"LV blood": "#f0b429", "LV myocardium": "#4cc3d9", "RV blood": "#e58fc0"}

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.4,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.5,
    "svg.hashsalt": "twinbeat",
    "figure.facecolor": PAPER,
}


def styled[**P, R](draw: Callable[P, R]) -> Callable[P, R]:
    """Run a drawing function in the style of the house."""

    @functools.wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        with matplotlib.rc_context(STYLE):
            return draw(*args, **kwargs)

    return inside


def axes(rows: int, columns: int, width: float, height: float, **options: Any) -> tuple[Figure, Any]:
    """A figure of ``width`` x ``height`` inches and its axes (rows, columns), squeezed to one where there is one."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **options)


def picture(figure: Figure, form: str = "svg") -> str:
    """``figure`` as a data URI, in SVG (plots) or JPEG (images); the same data give the same bytes."""
    stream = io.BytesIO()
    if form == "svg":
        figure.savefig(stream, format="svg", metadata={"Date": None})
    else:
        figure.savefig(stream, format="jpg", dpi=150, pil_kwargs={"quality": 88})
    kind = "image/svg+xml" if form == "svg" else "image/jpeg"
    return embedded(stream, kind)


def embedded(stream: io.BytesIO, kind: str) -> str:
    """What was written, of a media type, as a data URI."""
    return f"data:{kind};base64,{base64.b64encode(stream.getvalue()).decode()}"


def bare(axis: Axes) -> None:
    """Nothing but the content: no ticks, no frame, no grid, equal scales."""
    axis.set_axis_off()
    axis.set_aspect("equal")
