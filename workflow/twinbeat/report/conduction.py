"""What the report says of the conduction velocities: what they were fitted to, and which are population values."""

from typing import Any

import numpy as np
import xarray as xr

from ..assessment import interval

WORDS = {"fiber": "along fibres", "transverse": "across fibres", "endocardium": "within the endocardial layer"}
Row = dict[str, Any]


def section(conduction: xr.Dataset | None, activation: xr.Dataset | None) -> Row | None:
    """Velocities with 90 % intervals, the data behind them, and how well they are met; None without an activation."""
    if activation is None:
        return None
    if conduction is None or not conduction["measurements"]:
        return {"rows": [], "sought": conduction is not None}
    spreads = dict(zip(conduction["parameter"].values, np.sqrt(np.diag(conduction["covariance"].values)), strict=True))
    known = dict(zip(conduction["parameter"].values, conduction["known"].values, strict=True))
    rows = [_row(name, conduction, spreads.get(f"ln {name}"), known.get(f"ln {name}")) for name in WORDS]
    qrs = [float(conduction[name]) for name in ("qrs_measured", "qrs_fitted")] if "qrs_fitted" in conduction else None
    return {"rows": rows, "sought": True, "qrs": qrs, "map": _map(conduction)}


def _row(name: str, conduction: xr.Dataset, spread: float | None, known: float | None) -> Row:
    value = float(conduction[f"velocity_{name}"])
    row = {"words": WORDS[name], "value": value, "fitted": spread is not None}
    if spread is None:
        return row
    low, high = (float(np.exp(bound)) for bound in interval(np.log(value), spread))
    return row | {"low": low, "high": high, "known": 100 * known}


def _map(conduction: xr.Dataset) -> Row | None:
    if "map_time" not in conduction:
        return None
    off = (conduction["map_fitted"] - conduction["map_time"]).values
    return {
        "points": len(off),
        "left_out": int(conduction["map_left_out"]),
        "off": float(np.sqrt(np.mean(off**2))),
    }
