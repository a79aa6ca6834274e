"""What a patient's drugs do to the action potential of a cell."""

from typing import Any

import numpy as np
import xarray as xr

from .theme import BEAT, FIT, TARGET, axes, picture, styled

QUANTITIES = {"duration": ("Action potential duration, 90 %", "ms"), "charge": ("Net charge, qNet", "nC/µF")}


def effect(drug: xr.Dataset) -> dict[str, Any]:
    """Peaks of the concentrations, and where each quantity is farthest from that without drugs."""
    hours = drug.hour.values
    peaks = [
        {"name": name, "value": float(curve.max()), "hour": float(hours[curve.argmax()])}
        for name, curve in zip(drug.drug.values.tolist(), drug.concentration.values, strict=True)
    ]
    return {
        "cycle": float(drug.cycle),
        "moments": drug.sizes["moment"],
        "failed": int(np.count_nonzero(~drug.repolarised.values)),
        "peaks": peaks,
        "changes": [_change(drug, name, *words) for name, words in QUANTITIES.items()],
    }


def _change(drug: xr.Dataset, name: str, words: str, unit: str) -> dict[str, Any]:
    baseline, values = float(drug[f"baseline_{name}"]), drug[name].values
    most = farthest(drug, name)
    found = float(values[most])
    return {
        "name": words, "unit": unit, "baseline": baseline, "value": found, "change": found - baseline,
        "hour": float(drug.moment.values[most]),
    }  # fmt: skip


def farthest(drug: xr.Dataset, name: str) -> int:
    """The moment at which a quantity is farthest from that without drugs."""
    return int(np.abs(drug[name].values - float(drug[f"baseline_{name}"])).argmax())


@styled
def course(drug: xr.Dataset) -> str:
    """Concentrations and the duration of the action potential over the course, and two action potentials."""
    figure, (concentration, duration, potential) = axes(1, 3, 9, 2.7)
    for name, curve, style in zip(drug.drug.values, drug.concentration.values, _styles(drug), strict=True):
        concentration.plot(drug.hour, curve / curve.max(), color=FIT, linestyle=style, label=name)
    concentration.set(xlabel="hours", ylabel="free concentration / peak", ylim=(0, 1.05))
    concentration.legend()
    duration.axhline(float(drug.baseline_duration), color=TARGET, linestyle=":")
    duration.plot(drug.moment, drug.duration, color=BEAT, marker="o", markersize=3)
    duration.set(xlabel="hours", ylabel="APD90 (ms)")
    most = farthest(drug, "duration")
    potential.plot(drug.after_stimulus, drug.baseline_voltage, color=TARGET, label="without drugs")
    hour = float(drug.moment.values[most])
    potential.plot(drug.after_stimulus, drug.voltage.values[most], color=BEAT, label=f"after {hour:.1f} h")
    potential.set(xlabel="after the stimulus (ms)", ylabel="potential (mV)")
    potential.legend()
    return picture(figure)


def _styles(drug: xr.Dataset) -> list[str]:
    kinds = ("-", "--", "-.", ":")
    return [kinds[k % len(kinds)] for k in range(drug.sizes["drug"])]
