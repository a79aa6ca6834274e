"""The table of variables, and what it refuses."""

import datetime

import numpy as np
import pytest
import xarray as xr

from twinbeat import store
from twinbeat.variables import COORDINATES, VARIABLES


def posterior() -> xr.Dataset:
    return xr.Dataset(
        {"stiffness": ((), 1.2), "tension": ("time", np.array([0.0, 50.0]))}, coords={"time": [0.0, 40.0]}
    )


@pytest.mark.parametrize("table", [*VARIABLES.values(), COORDINATES], ids=[*VARIABLES, "coordinates"])
def test_rows_are_complete(table):
    for name, row in table.items():
        assert name.isidentifier()
        assert isinstance(row.dims, tuple)
        assert row.unit
        assert row.meaning


def fault(dataset: xr.Dataset, tmp_path, name: str = "posterior.zarr") -> str:
    with pytest.raises(ValueError) as raised:
        store.publish(dataset, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
    return str(raised.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_named(tmp_path, bad):
    assert fault(posterior().assign(stiffness=bad), tmp_path) == "posterior.stiffness: 1 values are not finite"
    assert fault(posterior().assign_coords(time=[0.0, bad]), tmp_path) == "posterior.time: 1 values are not finite"


def test_unknown_names_are_refused(tmp_path):
    assert fault(posterior().assign(stifness=1.0), tmp_path).startswith("posterior.stifness: not in VARIABLES['post")
    assert fault(posterior().assign_coords(tim=1.0), tmp_path).startswith("posterior.tim: not in COORDINATES")
    assert fault(posterior(), tmp_path, "posteriour.zarr").startswith("posteriour: no such kind of store")


def test_dimensions_unit_and_type_are_checked(tmp_path):
    assert fault(posterior().assign(stiffness=("time", [1.0, 2.0])), tmp_path) == (
        "posterior.stiffness: expected dimensions (), got ('time',)"
    )
    assert fault(posterior().assign(stiffness=((), 1.0, {"units": "Pa"})), tmp_path) == (
        "posterior.stiffness: expected the unit 'kPa', got 'Pa'"
    )
    assert fault(posterior().assign(stiffness=((), 1j)), tmp_path).endswith("text, got dtype complex128")


def test_attributes_are_finite_json(tmp_path):
    for value in (np.nan, datetime.date(2026, 1, 1)):
        assert fault(posterior().assign_attrs(day=value), tmp_path).startswith("posterior: expected finite JSON")


def test_the_dataset_of_the_caller_is_left_as_it_is(tmp_path):
    dataset = posterior()
    store.publish(dataset, tmp_path / "posterior.zarr")
    assert (dataset.attrs, dataset["tension"].attrs, dataset["time"].attrs) == ({}, {}, {})
