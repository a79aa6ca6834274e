"""One member: the beat of a heart whose factors differ from those of the calibrated one."""

import numpy as np
import xarray as xr
from mpi4py import MPI

from .. import beat
from ..intake.clinical import Clinical
from ..parameters import Beat, Mechanics


def simulate(
    number: int,
    ensemble: xr.Dataset,
    anatomy: xr.Dataset,
    posterior: xr.Dataset,
    activation: xr.Dataset,
    targets: xr.Dataset,
    clinical: Clinical,
    parameters: Beat,
    mechanics: Mechanics,
    frames: int,
    comm: MPI.Comm,
) -> xr.Dataset:
    """The beat of a member, as ``kept``. Raises what ``beat.simulate`` raises."""
    row = ensemble.factor.sel(member=number)
    factors = beat.Factors(**dict(zip(row.parameter.values.tolist(), row.values.tolist(), strict=True)))
    found = beat.simulate(anatomy, posterior, activation, targets, clinical, parameters, mechanics, comm, factors)
    return kept(found, ensemble, number, frames)


def kept(found: xr.Dataset, ensemble: xr.Dataset, number: int, frames: int) -> xr.Dataset:
    """What the surrogate learns from the beat of this member: its loop, and ``frames`` of its displacements."""
    chosen = np.arange(frames) * found.sizes["frame"] // frames
    volume, pressure = found.volume.values, found.pressure.values
    return xr.Dataset(
        {
            "number": ((), number),
            "factor": ensemble.factor.sel(member=number, drop=True),
            "volume": ("time", volume),
            "pressure": ("time", pressure),
            "displacement": found.displacement.isel(frame=chosen),
            "ejection_fraction": ((), 100 * (1 - volume.min() / volume.max())),
            "peak_pressure": ((), pressure.max()),
        },
        coords={"time": found.time.values},
        attrs={"kind": "member"},
    )
