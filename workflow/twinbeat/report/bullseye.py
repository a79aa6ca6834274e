"""The 17 segments of the American Heart Association as a bullseye (Cerqueira et al. 2002)."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Wedge
from numpy.typing import NDArray

from ..page import number
from .theme import INK, axes, bare, picture, styled

Array = NDArray[np.float64]
RINGS = ((1, 6, 0.75, 60.0), (7, 6, 0.5, 60.0), (13, 4, 0.25, 45.0))
"""First segment, number of segments, inner radius, and the angle in degrees at which the first one begins."""


@styled
def bullseye(assessment: xr.Dataset) -> str:
    """Peak fibre strain and developed tension over the AHA segments, and what contraction is lost if it was sought."""
    strain, contractility = assessment.peak_strain.values, assessment.contractility.values
    sought = "probability_lost" in assessment
    figure, (left, right, *rest) = axes(1, 2 + sought, 9 + 4.5 * sought, 3.5)
    if sought:
        _draw(rest[0], 100 * assessment.probability_lost.values, Normalize(0, 100), "Greys", "contraction lost (%)", 0)
    _draw(left, 100 * strain, _limits(100 * strain), "YlGnBu_r", "peak fibre strain of the beat (%)", 1)
    _draw(
        right,
        contractility,
        Normalize(0, 1.3 * max(contractility.max(), 1.0)),
        "YlOrBr",
        "peak active tension (kPa)",
        0,
    )
    return picture(figure)


def wedges() -> list[tuple[float, float, float, float]]:
    """Inner radius, outer radius, first and last angle (degrees, from the right, turning left) of segments 1 to 17."""
    ring = [
        (inner, inner + 0.25, start + i * 360 / count, start + (i + 1) * 360 / count)
        for _, count, inner, start in RINGS
        for i in range(count)
    ]
    return [*ring, (0.0, 0.25, 0.0, 360.0)]


def _draw(axis: Axes, values: Array, limits: Normalize, colours: str, words: str, digits: int) -> None:
    mappable = ScalarMappable(limits, colours)
    for value, (inner, outer, first, last) in zip(values, wedges(), strict=False):
        colour = mappable.to_rgba(value)
        axis.add_patch(Wedge((0, 0), outer, first, last, width=outer - inner, facecolor=colour, edgecolor="white"))
        middle, radius = np.radians((first + last) / 2), (inner + outer) / 2 * (outer > 0.25)
        ink = INK if np.dot(colour[:3], (0.299, 0.587, 0.114)) > 0.55 else "white"
        axis.text(
            radius * np.cos(middle), radius * np.sin(middle), number(value, digits), ha="center", va="center", color=ink
        )
    for name, (x, y) in {
        "anterior": (0, 1.1),
        "inferior": (0, -1.1),
        "septal": (-1.24, 0),
        "lateral": (1.24, 0),
    }.items():
        axis.text(x, y, name, ha="center", va="center", color=INK)
    bare(axis)
    axis.set(xlim=(-1.5, 1.5), ylim=(-1.2, 1.2))
    axis.figure.colorbar(mappable, ax=axis, label=words, shrink=0.6, pad=0.03).outline.set_visible(False)


def _limits(values: Array) -> Normalize:
    """From the smallest to the largest value; a constant gets a range of its own size."""
    low, high = float(values.min()), float(values.max())
    room = 0.5 * max(abs(high), 1e-6) if high - low < 1e-9 else 0.0
    return Normalize(low - room, high + room)
