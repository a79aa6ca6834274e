"""What a dataset must be before it is stored: as the table of variables says, with its units, and finite."""

import json

import numpy as np
import xarray as xr

from ..variables import COORDINATES, VARIABLES, Variable

_STORABLE = "biufU"


def described(dataset: xr.Dataset, kind: str) -> xr.Dataset:
    """``dataset`` with the unit of each variable attached. Raises ValueError naming the variable that does not fit."""
    if kind not in VARIABLES:
        raise ValueError(f"{kind}: no such kind of store; VARIABLES has {', '.join(VARIABLES)}")
    complete = dataset.copy()
    for name, variable in complete.variables.items():
        row = _row(kind, str(name), name in complete.coords)
        _check(f"{kind}.{name}", variable, row)
        variable.attrs = {**variable.attrs, "units": row.unit}
    _check_attributes(kind, complete)
    return complete


def _row(kind: str, name: str, coordinate: bool) -> Variable:
    known = {**COORDINATES, **VARIABLES[kind]} if coordinate else VARIABLES[kind]
    if name not in known:
        table = "COORDINATES" if coordinate else f"VARIABLES[{kind!r}]"
        raise ValueError(f"{kind}.{name}: not in {table}; known there: {', '.join(known)}")
    return known[name]


def _check(name: str, variable: xr.Variable, row: Variable) -> None:
    if variable.dims != row.dims:
        raise ValueError(f"{name}: expected dimensions {row.dims}, got {variable.dims}")
    if variable.attrs.get("units", row.unit) != row.unit:
        raise ValueError(f"{name}: expected the unit {row.unit!r}, got {variable.attrs['units']!r}")
    if variable.dtype.kind not in _STORABLE:
        raise ValueError(f"{name}: expected numbers, truth values or text, got dtype {variable.dtype}")
    if variable.dtype.kind == "f" and not np.isfinite(variable.values).all():
        raise ValueError(f"{name}: {np.count_nonzero(~np.isfinite(variable.values))} values are not finite")


def _check_attributes(kind: str, dataset: xr.Dataset) -> None:
    try:
        json.dumps(dataset.attrs, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{kind}: expected finite JSON attributes: {error}") from error
