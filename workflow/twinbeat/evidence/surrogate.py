"""The surrogate on beats that are planted functions of the four factors, so that any number of hearts costs nothing."""

from collections.abc import Iterator
from functools import cache

import numpy as np
import xarray as xr

from .. import surrogate
from ..parameters import Surrogate
from ..surrogate.fields import MAGNITUDE
from .row import Row, timed

SOURCE = "planted function of the factors"
TIME = np.linspace(0, 800, 41)
FACTOR = {"stiffness": 1.1, "tension": 0.95, "preload": 1.05, "resistance": 0.9}
"""Somewhere within the domain."""


def rows() -> Iterator[Row]:
    """Coverage and error on 64 hearts that the surrogate has not seen, and what refreshing changes."""
    yield timed(
        "surrogate: coverage of 90 % intervals, 24 members",
        0.9,
        0.1,
        SOURCE,
        lambda: float(trained(24).coverage.mean()),
    )
    yield timed("surrogate: error over variation, 24 members", 0.0, 0.05, SOURCE, lambda: _worst(trained(24)))
    yield timed(
        "surrogate: refreshed 16 + 8 against rebuilt, in sigma", 0.0, 0.1, "the surrogate made anew", difference
    )


def posterior(stiffness: float = 0.1, tension: float = 4.0) -> xr.Dataset:
    """Two free tensions, of 30 and 40 kPa; standard deviations of ln(stiffness) and of each tension (kPa)."""
    return xr.Dataset(
        {
            "stiffness": ((), 1.5),
            "tension": ("time", [0.0, 30.0, 40.0, 0.0]),
            "covariance": (("parameter", "parameter_"), np.diag([stiffness, tension, tension]) ** 2),
        },
        coords={"parameter": ["ln stiffness", "tension 1", "tension 2"]},
    )


def planted(number: int, factor: np.ndarray, points: int = 60) -> xr.Dataset:
    """A beat as smooth and as curved in the factors as a heart's: a stiff heart fills less, a strong one empties more,
    a full one does both."""
    stiffness, tension, preload, resistance = np.log(factor)
    end_diastole = 130 * np.exp(0.5 * preload - 0.3 * stiffness + 0.2 * stiffness * preload)
    fraction = 0.55 * np.exp(0.4 * tension - 0.3 * resistance + 0.3 * preload - 0.5 * tension**2)
    peak = 16 * np.exp(0.6 * tension + 0.4 * preload + 0.3 * resistance - 0.1 * tension * resistance)
    systole = np.clip(np.sin(np.pi * TIME / 500), 0, None) ** 2 * (TIME < 500)
    place = np.random.default_rng(1).normal(size=(points, 3)) * [20, 20, 40]
    inward = -0.2 * fraction * systole[::10, None, None] * place * (1 + tension * np.sin(place[:, :1] / 10))
    return xr.Dataset(
        {
            "number": ((), number),
            "factor": ("parameter", factor),
            "volume": ("time", end_diastole * (1 - fraction * systole)),
            "pressure": ("time", 1.3 + preload + (peak - 1.3) * systole ** (1 - 0.5 * resistance)),
            "displacement": (("frame", "point", "component"), inward + 0.04 * preload * place),
            "ejection_fraction": ((), 100 * fraction),
            "peak_pressure": ((), peak),
        },
        coords={"time": TIME, "frame": TIME[::10], "parameter": list(surrogate.PARAMETERS)},
        attrs={"kind": "member"},
    )


def beats(ensemble: xr.Dataset, points: int = 60) -> list[xr.Dataset]:
    """The planted beats of all members."""
    numbered = zip(ensemble.member.values.tolist(), ensemble.factor.values, strict=True)
    return [planted(number, factor, points) for number, factor in numbered]


@cache
def trained(members: int, held_out: int = 64) -> xr.Dataset:
    """A surrogate of planted beats, made anew."""
    return refreshed(None, Surrogate(members=members, held_out=held_out))


def refreshed(earlier: xr.Dataset | None, section: Surrogate) -> xr.Dataset:
    """A surrogate of planted beats that starts from an earlier one."""
    ensemble = surrogate.sample(posterior(), section)
    return surrogate.refresh(ensemble, beats(ensemble), section, earlier)


def difference() -> float:
    """Largest difference between refreshed and rebuilt, in the largest standard deviation of each quantity."""
    stores = refreshed(trained(16), Surrogate(members=24, held_out=64)), trained(24)
    a, b = (surrogate.Surrogate.from_store(store).predict(FACTOR) for store in stores)
    return max(float(np.abs(a[name] - b[name]).max() / b[f"{name}_sigma"].max()) for name in MAGNITUDE)


def _worst(store: xr.Dataset) -> float:
    return float((store.error / store.variation).max())
