"""The page of a what-if run: what changed against the calibrated twin."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from ..page import flat, render
from ..units import KPA_PER_MMHG
from ..verdicts import PatientStopped
from .rendering import activations
from .sources import opened
from .theme import BEAT, FIT, axes, picture, styled

TWIN, CHANGED = {"color": FIT, "label": "calibrated twin"}, {"color": BEAT, "label": "with the change"}


def whatif_page(patient: str, study: str, name: str, run: Mapping[str, Any], paths: Mapping[str, str]) -> str:
    """The HTML page of the run ``name``; ``paths`` are those of the stores activation and beat of the twin, of the same
    of the run (changed_activation, changed_beat) and of its changes."""
    stores = {place: opened(path) for place, path in paths.items()}
    stops = [found for found in stores.values() if isinstance(found, PatientStopped)]
    return render(
        "whatif.html",
        patient=patient,
        study=study,
        name=name,
        run=list(flat(run)),
        verdict=stops[0] if stops else None,
        rows=[] if stops else list(rows(stores["changes"])),
        pictures={} if stops else pictures(stores),
    )


def rows(changes: xr.Dataset) -> Iterator[dict[str, Any]]:
    """A line of the table for each quantity, with digits that show a thousandth of it."""
    for quantity, baseline, changed in zip(
        *(changes[column].values.tolist() for column in ("quantity", "baseline", "changed")), strict=True
    ):
        size = max(abs(baseline), abs(changed), 1e-3)
        digits = max(0, 2 - int(np.floor(np.log10(size))))
        share = 100 * (changed / baseline - 1) if baseline else None
        yield {"name": quantity, "baseline": baseline, "changed": changed, "digits": digits, "share": share}


def pictures(stores: Mapping[str, xr.Dataset]) -> dict[str, str]:
    """The loops, the cycle, and both activations, as data URIs."""
    return {
        "loops": loops(stores["beat"], stores["changed_beat"]),
        "activations": activations(stores["activation"], stores["changed_activation"]),
    }


@styled
def loops(beat: xr.Dataset, changed: xr.Dataset) -> str:
    """Pressure over volume, pressure and volume over time, and the fibre strain of all segments."""
    figure, ((loop, pressure), (volume, strain)) = axes(2, 2, 9, 5.6)
    for found, style in ((beat, TWIN), (changed, CHANGED)):
        _cycle(loop, pressure, volume, found, style)
        strain.plot(found.time, 100 * found.fiber_strain.transpose("time", "segment").values, linewidth=0.6, **style)
    loop.set(xlabel="LV volume (mL)", ylabel="LV pressure (mmHg)", ylim=(0, None))
    pressure.set(ylabel="LV pressure (mmHg)", ylim=(0, None))
    volume.set(xlabel="time after the R wave (ms)", ylabel="LV volume (mL)")
    strain.set(xlabel="time after the R wave (ms)", ylabel="fibre strain of each\nAHA segment (%)")
    figure.legend(*loop.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return picture(figure)


def _cycle(loop: Axes, pressure: Axes, volume: Axes, beat: xr.Dataset, style: Mapping[str, str]) -> None:
    mmhg = beat.pressure.values / KPA_PER_MMHG
    loop.plot(*(np.append(values, values[0]) for values in (beat.volume.values, mmhg)), **style)
    pressure.plot(beat.time, mmhg, **style)
    volume.plot(beat.time, beat.volume, **style)
