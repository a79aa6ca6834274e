"""What the surrogate says: how sure it is, and what each of its factors does to the beat."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from ..surrogate import Surrogate
from ..units import KPA_PER_MMHG
from .theme import BEAT, FIT, TARGET, axes, picture, styled

WORDS = {
    "displacement": "Displacement of the wall",
    "volume": "LV volume over the beat",
    "pressure": "LV pressure over the beat",
    "ejection_fraction": "Ejection fraction",
    "peak_pressure": "Peak pressure",
    "stiffness": "passive stiffness",
    "tension": "active tension",
    "preload": "filling pressure",
    "resistance": "arterial resistance",
}


def quality(surrogate: xr.Dataset) -> dict[str, Any]:
    """Error, variation and coverage in % of each quantity, the domain of each factor, and the counts of members."""
    columns = (surrogate[name].values.tolist() for name in ("quantity", "error", "variation", "coverage"))
    bounds = (surrogate[name].values.tolist() for name in ("parameter", "lower", "upper"))
    return {
        "members": surrogate.sizes["member"],
        "held_out": int(surrogate.held_out),
        "failed": int(surrogate.failed),
        "quantities": [
            {"name": WORDS[name], "error": 100 * error, "variation": 100 * variation, "coverage": 100 * coverage}
            for name, error, variation, coverage in zip(*columns, strict=True)
        ],
        "domain": [{"name": WORDS[name], "lower": low, "upper": high} for name, low, high in zip(*bounds, strict=True)],
    }


@styled
def sweep(surrogate: xr.Dataset) -> str:
    """One panel for each factor: the loop with that factor at its bounds and the others in the middle of the domain."""
    emulator, names = Surrogate.from_store(surrogate), surrogate.parameter.values.tolist()
    middle = dict(zip(names, np.sqrt(surrogate.lower.values * surrogate.upper.values).tolist(), strict=True))
    figure, row = axes(1, len(names), 9, 2.6, sharex=True, sharey=True)
    for axis, name in zip(row, names, strict=True):
        ends = (float(surrogate[bound].sel(parameter=name)) for bound in ("lower", "upper"))
        for factor, colour in zip((middle[name], *ends), (TARGET, FIT, BEAT), strict=True):
            _loop(axis, emulator.predict({**middle, name: factor}), colour, f"× {factor:.2f}")
        axis.set(title=WORDS[name], xlabel="LV volume (mL)")
        axis.legend(fontsize=7, handlelength=1)
    row[0].set(ylabel="LV pressure (mmHg)", ylim=(0, None))
    return picture(figure)


def _loop(axis: Axes, beat: xr.Dataset, colour: str, words: str) -> None:
    volume, pressure = (np.append(beat[name].values, beat[name].values[0]) for name in ("volume", "pressure"))
    axis.plot(volume, pressure / KPA_PER_MMHG, color=colour, linewidth=1.1, label=words)
