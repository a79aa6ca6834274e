"""The anatomy as a file for ParaView and other tools."""

from pathlib import Path

import meshio
import numpy as np
import xarray as xr


def write_vtu(anatomy: xr.Dataset, path: str | Path) -> None:
    """Points in LPS mm, tetrahedra, and all fields of points and cells; directions are turned into LPS as well."""
    to_lps = anatomy["to_lps"].values
    fields = {name: _turned(anatomy[name], to_lps) for name in anatomy.data_vars if name not in ("points", "cells")}
    at = {name: {key: fields[key] for key in fields if anatomy[key].dims[:1] == (name,)} for name in ("point", "cell")}
    meshio.Mesh(
        points=anatomy["points"].values @ to_lps[:3, :3].T + to_lps[:3, 3],
        cells=[("tetra", anatomy["cells"].values)],
        point_data=at["point"],
        cell_data={name: [values] for name, values in at["cell"].items()},
    ).write(path)


def _turned(field: xr.DataArray, to_lps: np.ndarray) -> np.ndarray:
    return field.values @ to_lps[:3, :3].T if field.dims == ("cell", "component") else field.values
