"""Stores of a kind of their own, with a variable of every sort."""

from contextlib import contextmanager

import numpy as np
import xarray as xr

from twinbeat.variables import VARIABLES, Variable

SAMPLE = {
    "number": Variable(("time", "x"), "mL", "floats"),
    "single": Variable(("x",), "kPa", "floats of 32 bits"),
    "count": Variable(("x",), "1", "integers"),
    "flag": Variable(("x",), "1", "truth values"),
    "name": Variable(("x",), "1", "text"),
    "scalar": Variable((), "ms", "a number alone"),
}


@contextmanager
def known():
    """While this lasts, ``sample`` is a kind of store."""
    VARIABLES["sample"] = SAMPLE
    yield
    del VARIABLES["sample"]


def sample(seed: int = 0, size: int = 3) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    return xr.Dataset(
        {
            "number": (("time", "x"), rng.normal(size=(2, size))),
            "single": ("x", rng.normal(size=size).astype("float32")),
            "count": ("x", np.arange(size)),
            "flag": ("x", np.arange(size) % 2 == 0),
            "name": ("x", np.array(["apex", "Höhe", ""] * size)[:size]),
            "scalar": ((), float(seed)),
        },
        coords={"time": [0.0, 40.0], "x": np.arange(size) * 1.5},
        attrs={"kind": "sample", "note": {"nested": [1, 2.5, None, "text"]}},
    )


def same(found: xr.Dataset, published: xr.Dataset) -> None:
    xr.testing.assert_equal(found, published)
    for name, variable in published.variables.items():
        assert found[name].dtype == variable.dtype
