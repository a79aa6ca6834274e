"""The mesh format of openCARP (openCARP User Manual, section Meshes): text files of one stem.

``.pts`` has points in μm, ``.elem`` tetrahedra (``Tt``) with the tag of each, ``.lon`` fibre and sheet of each, and
``{stem}.{name}.surf`` the triangles (``Tr``) of each tag. The first line is their number, in ``.lon`` that of
directions.
"""

from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from .formats import SURFACES

Array = NDArray[np.float64]
SUFFIX = ".pts"
MICROMETRES = 1000.0  # per mm
DIRECTIONS = ("fiber", "sheet")


def write(exported: xr.Dataset, path: Path) -> None:
    """Write a mesh in LPS; without fibres there is no ``.lon``, also none of an earlier mesh."""
    points, cells = exported["points"].values, exported["cells"].values
    for old in [path.with_suffix(".lon"), *(path.with_suffix(f".{name}.surf") for name in SURFACES.values())]:
        old.unlink(missing_ok=True)
    _write(path, len(points), "{:.17g} {:.17g} {:.17g}", points * MICROMETRES)
    elements = np.column_stack([cells, exported["cell_tags"].values])
    _write(path.with_suffix(".elem"), len(cells), "Tt {} {} {} {} {}", elements)
    if set(DIRECTIONS) <= set(exported.data_vars):
        directions = np.concatenate([exported[name].values for name in DIRECTIONS], axis=1)
        _write(path.with_suffix(".lon"), len(DIRECTIONS), " ".join(["{:.17g}"] * 6), directions)
    for tag, name in SURFACES.items():
        triangles = exported["facets"].values[exported["facet_tags"].values == tag]
        if len(triangles):
            _write(path.with_suffix(f".{name}.surf"), len(triangles), "Tr {} {} {}", triangles)


def read(path: Path) -> xr.Dataset:
    """The mesh of these files. Raises ValueError, naming the file, for other elements or another number of lines."""
    points = _read(path, "", 3)
    elements = _read(path.with_suffix(".elem"), "Tt", 5).astype(np.int64)
    surfaces = [(tag, path.with_suffix(f".{name}.surf")) for tag, name in SURFACES.items()]
    facets = [(tag, _read(one, "Tr", 3).astype(np.int64)) for tag, one in surfaces if one.is_file()]
    fields = {
        "points": (("point", "component"), points / MICROMETRES),
        "cells": (("cell", "corner"), elements[:, :4]),
        "cell_tags": (("cell",), elements[:, 4]),
        "facets": (("facet", "facet_corner"), np.concatenate([np.empty((0, 3), np.int64), *(of for _, of in facets)])),
        "facet_tags": (("facet",), np.repeat([tag for tag, _ in facets], [len(of) for _, of in facets]).astype(int)),
    }
    directions = path.with_suffix(".lon")
    if directions.is_file():
        values = _read(directions, "", 6, expected=len(elements))
        fields |= {name: (("cell", "component"), values[:, 3 * n : 3 * n + 3]) for n, name in enumerate(DIRECTIONS)}
    return xr.Dataset(fields)


def _write(path: Path, header: int, line: str, rows: NDArray[np.generic]) -> None:
    with path.open("w") as file:
        file.write(f"{header}\n")
        file.writelines(line.format(*row) + "\n" for row in rows.tolist())


def _read(path: Path, kind: str, columns: int, expected: int | None = None) -> Array:
    """The numbers (line, columns) of a file whose lines start with ``kind``."""
    header, *lines = path.read_text().splitlines()
    rows = [line.removeprefix(kind).split() for line in lines if line.startswith(kind)]
    wanted = int(header.split()[0]) if expected is None else expected
    if len(rows) != wanted or len(lines) != wanted or any(len(row) != columns for row in rows):
        words = f"{wanted} lines of {kind + ' with ' if kind else ''}{columns} numbers"
        good = sum(len(row) == columns for row in rows)
        raise ValueError(f"{path.name}: expected {words}, found {good} such of {len(lines)}")
    return np.array(rows, dtype=float).reshape(-1, columns)
