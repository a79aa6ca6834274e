"""Plots of what was measured, fitted and simulated over the cardiac cycle."""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.patches import Ellipse

from ..assessment import TWO_SIDED_90, interval, tension_sigma
from ..units import KPA_PER_MMHG
from .theme import BEAT, FIT, TARGET, axes, picture, styled


@styled
def loop(targets: xr.Dataset, posterior: xr.Dataset, beat: xr.Dataset | None) -> str:
    """Pressure over volume: the frames of the image, the fit to them, and the simulated beat with its right ventricle
    where that is in three dimensions."""
    figure, axis = axes(1, 1, 4.6, 3.7)
    axis.errorbar(
        targets.volume, targets.pressure / KPA_PER_MMHG, targets.pressure_sigma / KPA_PER_MMHG, targets.volume_sigma,
        fmt="o", color=TARGET, markersize=3, elinewidth=0.5, label="targets of the frames, 1 s.d.",
    )  # fmt: skip
    _band(axis, posterior)
    axis.plot(*_closed(posterior.volume, posterior.pressure / KPA_PER_MMHG), color=FIT, label="calibrated heart")
    if beat is not None:
        axis.plot(*_closed(beat.volume, beat.pressure / KPA_PER_MMHG), color=BEAT, label="beat in its circulation")
    axis.set(xlabel="LV volume (mL)", ylabel="LV pressure (mmHg)", ylim=(0, None))
    if beat is not None and "right_volume" in beat:
        right = _closed(beat.right_volume, beat.right_pressure / KPA_PER_MMHG)
        axis.plot(*right, color=BEAT, linestyle="--", label="its right ventricle")
        axis.set(xlabel="volume (mL)", ylabel="pressure (mmHg)", ylim=(min(0, float(right[1].min())), None))
    figure.legend(loc="outside lower left", ncols=1)
    return picture(figure)


@styled
def cycle(targets: xr.Dataset, posterior: xr.Dataset, beat: xr.Dataset | None) -> str:
    """Volume, pressure and active tension over time, one above the other."""
    figure, (volume, pressure, tension) = axes(3, 1, 5.4, 5.4)
    _measured(volume, targets.time, targets.volume, targets.volume_sigma)
    _measured(pressure, targets.time, targets.pressure / KPA_PER_MMHG, targets.pressure_sigma / KPA_PER_MMHG)
    volume.plot(posterior.time, posterior.volume, color=FIT, label="calibrated heart")
    _spread(volume, posterior.time, posterior.volume, posterior.volume_fit_sigma)
    pressure.plot(posterior.time, posterior.pressure / KPA_PER_MMHG, color=FIT)
    _spread(pressure, posterior.time, *(posterior[name] / KPA_PER_MMHG for name in ("pressure", "pressure_fit_sigma")))
    _tension(tension, posterior)
    if beat is not None:
        volume.plot(beat.time, beat.volume, color=BEAT, label="beat in its circulation")
        pressure.plot(beat.time, beat.pressure / KPA_PER_MMHG, color=BEAT)
        pressure.plot(beat.time, beat.aortic_pressure / KPA_PER_MMHG, color=BEAT, linestyle=":", label="arteries")
        tension.plot(beat.time, beat.tension, color=BEAT)
        pressure.legend(loc="upper right")
    volume.set(ylabel="LV volume\n(mL)", ylim=(0, None))
    pressure.set(ylabel="LV pressure\n(mmHg)", ylim=(0, None))
    tension.set(ylabel="active tension\n(kPa)", xlabel="time after the R wave (ms)", ylim=(0, None))
    figure.legend(*volume.get_legend_handles_labels(), loc="outside upper left", ncols=3)
    return picture(figure)


@styled
def contraction(beat: xr.Dataset) -> str | None:
    """Calcium, the stress that it makes, and the strain along the fibres of the AHA segments; None for a beat that is
    not driven by cells."""
    if "calcium" not in beat:
        return None
    figure, (calcium, stress, strain) = axes(1, 3, 9, 2.7)
    calcium.plot(beat.time, beat.calcium, color=BEAT)
    calcium.set(ylabel="calcium (µM)", ylim=(0, None))
    stress.plot(beat.time, beat.tension, color=BEAT)
    stress.set(ylabel="active stress (kPa)", ylim=(0, None))
    strain.plot(beat.time, 100 * beat.fiber_strain.transpose("time", "segment"), color=BEAT, linewidth=0.6)
    strain.set(ylabel="strain along fibres (%)")
    for axis in (calcium, stress, strain):
        axis.set(xlabel="time after the R wave (ms)")
    return picture(figure)


@styled
def residuals(targets: xr.Dataset, posterior: xr.Dataset) -> str:
    """Fitted over target radii, and fit minus target in s.d.: the volume above the radius of each AHA segment."""
    volume = ((posterior.volume - targets.volume) / targets.volume_sigma).values[None]
    radius = ((posterior.radius - targets.radius) / targets.radius_sigma).transpose("segment", "time").values
    table = np.concatenate([volume, radius])
    figure, (scatter, axis) = axes(1, 2, 9, 3.9, width_ratios=(1, 1.5))
    _equality(scatter, targets, posterior)
    shown = axis.imshow(table, cmap="RdBu_r", vmin=-3, vmax=3, aspect="auto", interpolation="nearest")
    axis.set_yticks(range(len(table)), ["volume", *(f"radius {i}" for i in range(1, len(table)))], fontsize=7)
    every = max(1, targets.sizes["time"] // 8)
    axis.set_xticks(range(0, targets.sizes["time"], every), [f"{t:.0f}" for t in targets.time.values[::every]])
    axis.set(xlabel="time after the R wave (ms)")
    axis.grid(visible=False)
    bar = figure.colorbar(shown, label="fit minus target (s.d.)", extend="both", shrink=0.8)
    bar.outline.set_visible(False)
    return picture(figure)


@styled
def uncertainty(posterior: xr.Dataset) -> str:
    """Densities of the stiffness and of the peak tension, and the correlation of all parameters."""
    figure, (stiffness, tension, correlation) = axes(1, 3, 9, 2.8, width_ratios=(1, 1, 1.15))
    _density(stiffness, np.log(float(posterior.stiffness)), float(posterior.covariance[0, 0]) ** 0.5, np.exp)
    peak = int(posterior.tension.values.argmax())
    _density(tension, float(posterior.tension[peak]), float(tension_sigma(posterior)[peak]), lambda value: value)
    stiffness.set(title="Stiffness C", xlabel="kPa")
    tension.set(title=f"Active tension at {float(posterior.time[peak]):.0f} ms (peak)", xlabel="kPa")
    _correlation(correlation, posterior)
    return picture(figure)


def _equality(axis: Axes, targets: xr.Dataset, posterior: xr.Dataset) -> None:
    target, fit = (stores.radius.transpose("segment", "time").values.ravel() for stores in (targets, posterior))
    ends, sigma = (
        np.array([min(target.min(), fit.min()), max(target.max(), fit.max())]),
        float(targets.radius_sigma.mean()),
    )
    axis.fill_between(ends, ends - sigma, ends + sigma, color=TARGET, alpha=0.08, linewidth=0)
    axis.plot(ends, ends, color=TARGET, linewidth=0.8)
    axis.plot(target, fit, "o", color=FIT, markersize=2, alpha=0.5)
    axis.set(xlabel="target radius (mm)", ylabel="fitted radius (mm)", aspect="equal")


def _closed(*arrays: xr.DataArray) -> list[np.ndarray]:
    return [np.append(array.values, array.values[0]) for array in arrays]


def _measured(axis: Axes, time: xr.DataArray, value: xr.DataArray, sigma: xr.DataArray) -> None:
    axis.errorbar(time, value, sigma, fmt="o", color=TARGET, markersize=3, elinewidth=0.6, label="targets")


def _spread(axis: Axes, time: xr.DataArray, value: xr.DataArray, sigma: xr.DataArray) -> None:
    axis.fill_between(time, *interval(value.values, sigma.values), color=FIT, alpha=0.2, linewidth=0)


def _band(axis: Axes, posterior: xr.Dataset) -> None:
    """Ellipses that hold 90 % of volume and of pressure in each frame."""
    volume, pressure = posterior.volume.values, posterior.pressure.values / KPA_PER_MMHG
    wide, high = (TWO_SIDED_90 * posterior[f"{name}_fit_sigma"].values for name in ("volume", "pressure"))
    sizes = np.column_stack([wide, high / KPA_PER_MMHG])
    ellipses = [
        Ellipse(centre, *(2 * size)) for centre, size in zip(zip(volume, pressure, strict=True), sizes, strict=True)
    ]
    axis.add_collection(PatchCollection(ellipses, facecolor=FIT, alpha=0.15, linewidth=0))


def _tension(axis: Axes, posterior: xr.Dataset) -> None:
    low, high = interval(posterior.tension.values, tension_sigma(posterior))
    axis.fill_between(posterior.time, np.maximum(low, 0), high, color=FIT, alpha=0.2, linewidth=0)
    axis.plot(posterior.time, posterior.tension, color=FIT)


def _density(axis: Axes, mean: float, sigma: float, scale: Callable[[Any], Any]) -> None:
    value = mean + sigma * np.linspace(-4, 4, 201)
    density = np.exp(-(((value - mean) / sigma) ** 2) / 2)
    low, high = interval(mean, sigma)
    axis.plot(scale(value), density, color=FIT)
    inside = (value >= low) & (value <= high)
    axis.fill_between(scale(value)[inside], density[inside], color=FIT, alpha=0.2, linewidth=0)
    axis.axvline(scale(mean), color=FIT, linewidth=0.8)
    axis.set_yticks([])
    axis.set_ylim(0, 1.1)
    axis.spines["left"].set_visible(False)


def _correlation(axis: Axes, posterior: xr.Dataset) -> None:
    covariance = posterior.covariance.values
    sigma = np.sqrt(np.diag(covariance))
    shown = axis.imshow(covariance / np.outer(sigma, sigma), cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    axis.set(title="Correlation", xlabel="tensions of the frames", yticks=[0], yticklabels=["ln C"], xticks=[])
    axis.grid(visible=False)
    axis.figure.colorbar(shown, shrink=0.8).outline.set_visible(False)
