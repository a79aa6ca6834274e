"""One member: the beat of a heart whose factors differ from those of the calibrated one."""

import numpy as np
import xarray as xr


def kept(beat: xr.Dataset, ensemble: xr.Dataset, number: int, frames: int) -> xr.Dataset:
    """What the surrogate learns from the beat of this member: its loop, and ``frames`` of its displacements."""
    chosen = np.arange(frames) * beat.sizes["frame"] // frames
    volume, pressure = beat.volume.values, beat.pressure.values
    return xr.Dataset(
        {
            "number": ((), number),
            "factor": ensemble.factor.sel(member=number, drop=True),
            "volume": ("time", volume),
            "pressure": ("time", pressure),
            "displacement": beat.displacement.isel(frame=chosen),
            "ejection_fraction": ((), 100 * (1 - volume.min() / volume.max())),
            "peak_pressure": ((), pressure.max()),
        },
        coords={"time": beat.time.values},
        attrs={"kind": "member"},
    )
