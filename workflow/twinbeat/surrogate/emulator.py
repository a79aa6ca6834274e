"""The surrogate in use: a beat as a function of four factors, in milliseconds, with its uncertainty."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import xarray as xr

from .fields import FIELDS, Field, quantities, snapshot
from .processes import Process
from .reduction import Basis


class OutsideDomain(ValueError):
    """A parameter outside the training domain, where nothing has been simulated."""


@dataclass(frozen=True)
class Surrogate:
    """Loop, displacement, ejection fraction and peak pressure from factors on the calibrated heart."""

    store: xr.Dataset
    fields: dict[str, Field]

    @classmethod
    def from_store(cls, store: xr.Dataset) -> Self:
        """The surrogate that a store of kind ``surrogate`` holds."""
        return cls(store, {name: _field(store, name) for name in FIELDS})

    def predict(self, parameters: Mapping[str, float]) -> xr.Dataset:
        """The beat at these factors: every quantity and its standard deviation, ``{quantity}_sigma``, in stored units.

        Raises OutsideDomain naming the parameter, its value and its bounds; ValueError where the names are not those
        of the store.
        """
        inputs = self._scaled(parameters)
        found: dict[str, tuple[tuple, np.ndarray]] = {}
        for field, emulated in self.fields.items():
            for suffix, vector in zip(("", "_sigma"), emulated.predict(inputs), strict=True):
                for name, value in quantities(vector, field, self.store).items():
                    found[name + suffix] = (self.store[name].dims, value)
        return xr.Dataset(found, coords={name: self.store[name] for name in ("time", "frame")})

    def _scaled(self, parameters: Mapping[str, float]) -> np.ndarray:
        names = self.store.parameter.values.tolist()
        if set(parameters) != set(names):
            raise ValueError(f"surrogate: expected the parameters {', '.join(names)}, got {', '.join(parameters)}")
        factor = np.array([parameters[name] for name in names], dtype=float)
        lower, upper = self.store.lower.values, self.store.upper.values
        for name, value, low, high in zip(names, factor, lower, upper, strict=True):
            if not low <= value <= high:
                raise OutsideDomain(f"surrogate: {name} is {value:g}; it was trained from {low:g} to {high:g}")
        return scaled(factor, lower, upper)


def scaled(factor: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """ln(factor), (..., parameter), on [-1, 1]."""
    return (2 * np.log(factor) - np.log(upper) - np.log(lower)) / (np.log(upper) - np.log(lower))


def basis(store: xr.Dataset, field: str) -> Basis:
    """The decomposition of a field; the means of its quantities are stored under their own names."""
    parts = (store[f"{field}_{part}"].values for part in ("modes", "values", "right"))
    return Basis(snapshot(store, field), *parts)


def _field(store: xr.Dataset, field: str) -> Field:
    reduced, thetas = basis(store, field), store[f"{field}_theta"].values
    inputs = scaled(store.factor.values, store.lower.values, store.upper.values)
    rows = zip(reduced.coefficients(len(thetas)), thetas, store[f"{field}_stretch"].values.tolist(), strict=True)
    return Field(reduced, [Process.of(inputs, *row) for row in rows])
