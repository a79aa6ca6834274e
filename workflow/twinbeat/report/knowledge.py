"""What the report says of how much the data know of the parameters."""

from typing import Any

import xarray as xr

DOMINATED = 0.5
"""Share of the prior's variance: where the data took away less, the prior decides."""

SCALED = {"scar_stiffening": "the stiffness of scar", "pericardium": "the stiffness of the pericardium"}


def known(posterior: xr.Dataset | None) -> dict[str, Any] | None:
    """Forward solves of the calibration, axes along which the data know more than the prior, and by name what the prior
    dominates."""
    if posterior is None:
        return None
    names = posterior.parameter.values[posterior.known.values < DOMINATED].tolist()
    return {
        "solves": round(float(posterior.forward_solves)),
        "axes": int((posterior.information > 1).sum()),
        "of": posterior.sizes["parameter"],
        "dominated": [_words(name, posterior) for name in names],
    }


def _words(name: str, posterior: xr.Dataset) -> str:
    """The stiffness, the contraction of a segment, or the tension at a time."""
    kind, last = name.rsplit(maxsplit=1)
    if kind == "contraction":
        return f"the contraction of segment {last}"
    if last in SCALED:
        return SCALED[last]
    return "the stiffness" if last == "stiffness" else f"the {kind} at {float(posterior.time[int(last)]):.0f} ms"
