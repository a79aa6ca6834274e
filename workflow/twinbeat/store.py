"""Stores: one immutable Zarr (format 3) per patient and stage."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr


def publish(
    dataset: xr.Dataset, path: str | Path, *, inputs: Sequence[str | Path] = (), parameters: Mapping[str, Any] | None = None
) -> None:
    """Write ``dataset`` as the store ``path``."""
    dataset.to_zarr(path, mode="w", zarr_format=3, consolidated=False)


def open(path: str | Path) -> xr.Dataset:
    """The dataset of a store, loaded into memory."""
    return xr.load_dataset(path, engine="zarr", consolidated=False)
