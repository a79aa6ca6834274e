"""The anatomy as a mesh of meshio, for VTU, XDMF, Gmsh and Abaqus."""

from collections.abc import Iterable
from pathlib import Path

import meshio
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from . import gmsh, xdmf

Index = NDArray[np.int64]
WALLS = {1: "left_ventricle", 2: "right_ventricle", 3: "left_blood", 4: "right_blood"}
SURFACES = {1: "endocardium", 2: "epicardium", 3: "base", 4: "right_endocardium"}
"""Names of the tags of cells and facets."""

WAYS = {
    ".vtu": (meshio.vtu.write, meshio.read),
    ".xdmf": (xdmf.write, xdmf.read),
    ".msh": (gmsh.write, gmsh.read),
    ".inp": (meshio.abaqus.write, meshio.read),
}
"""How each suffix is written and read."""

SHAPE = ("points", "cells", "cell_tags", "facets", "facet_tags")
KINDS = ("tetra", "triangle")


def write(exported: xr.Dataset, path: Path) -> None:
    """Write a mesh in LPS."""
    cells, facets = exported["cells"].values, exported["facets"].values
    mesh = meshio.Mesh(exported["points"].values, list(zip(KINDS, (cells, facets), strict=True)))
    tags = exported["cell_tags"].values, exported["facet_tags"].values
    if path.suffix == ".inp":
        mesh.cell_sets = _sets(*tags)
    else:
        muscle_first = np.argsort(tags[0] > 2, kind="stable")
        _add_fields(mesh, exported, muscle_first[owners(cells[muscle_first], facets)])
        _add_tags(mesh, *tags, physical=path.suffix == ".msh")
    WAYS[path.suffix][0](path, mesh)


def read(path: Path) -> xr.Dataset:
    """The mesh of a file; cells without tags are the left wall. Raises ValueError where there are no tetrahedra."""
    found = WAYS[path.suffix][1](path)
    if "tetra" not in found.cells_dict:
        raise ValueError(f"{path.name}: expected tetrahedra, found {', '.join(found.cells_dict) or 'no elements'}")
    cells, facets = (found.cells_dict.get(kind, np.empty((0, 3), np.int64)) for kind in KINDS)
    tags, facet_tags = _tags(found, len(cells), len(facets))
    fields = {name: ("cell", found.get_cell_data(name, "tetra")) for name in _fields(found.cell_data)}
    fields |= {name: ("point", found.point_data[name]) for name in _fields(found.point_data)}
    return xr.Dataset(
        {
            "points": (("point", "component"), found.points),
            "cells": (("cell", "corner"), cells.astype(np.int64)),
            "cell_tags": (("cell",), tags),
            "facets": (("facet", "facet_corner"), facets.astype(np.int64)),
            "facet_tags": (("facet",), facet_tags),
            **{name: ((at, "component")[: values.ndim], values) for name, (at, values) in fields.items()},
        }
    )


def owners(cells: Index, facets: Index) -> Index:
    """The first cell (facet,) that each facet is a face of. Raises ValueError for a facet of no cell."""
    faces = np.sort(np.stack([np.delete(cells, corner, axis=1) for corner in range(4)], axis=1).reshape(-1, 3), axis=1)
    together = np.concatenate([faces, np.sort(facets, axis=1)])
    _, first, which = np.unique(together, axis=0, return_index=True, return_inverse=True)
    found = first[which.ravel()[len(faces) :]]
    if (found >= len(faces)).any():
        stray = facets[np.argmax(found >= len(faces))].tolist()
        raise ValueError(f"facet with nodes {stray}: expected a face of a tetrahedron, found none that has it")
    return found // 4


def _add_fields(mesh: meshio.Mesh, exported: xr.Dataset, owner: Index) -> None:
    for name in [name for name in exported.data_vars if name not in SHAPE]:
        field = exported[name]
        if field.dims[0] == "point":
            mesh.point_data[name] = field.values
        elif field.dims[0] == "cell":
            mesh.cell_data[name] = [field.values, field.values[owner]]


def _add_tags(mesh: meshio.Mesh, tags: Index, facet_tags: Index, *, physical: bool) -> None:
    if physical:
        mesh.cell_data[gmsh.PHYSICAL] = [tags, facet_tags]
        groups = [(name, tag, size) for names, size in ((WALLS, 3), (SURFACES, 2)) for tag, name in names.items()]
        mesh.field_data = {name: np.array([tag, size]) for name, tag, size in groups}
    else:
        mesh.cell_data["cell_tags"] = [tags, np.zeros_like(facet_tags)]
        mesh.cell_data["facet_tags"] = [np.zeros_like(tags), facet_tags]


def _sets(tags: Index, facet_tags: Index) -> dict[str, list[Index]]:
    none = np.empty(0, np.int64)
    sets = {name: [np.flatnonzero(tags == tag), none] for tag, name in WALLS.items()}
    sets |= {name: [none, np.flatnonzero(facet_tags == tag)] for tag, name in SURFACES.items()}
    return {name: parts for name, parts in sets.items() if any(map(len, parts))}


def _fields(names: Iterable[str]) -> list[str]:
    """Those that are no tags, neither ours nor of Gmsh."""
    return [name for name in names if ":" not in name and name not in SHAPE]


def _tags(found: meshio.Mesh, cells: int, facets: int) -> tuple[Index, Index]:
    tags, facet_tags = np.ones(cells, np.int64), np.zeros(facets, np.int64)
    for block, names, values in ((0, WALLS, tags), (1, SURFACES, facet_tags)):
        for tag, name in names.items():
            if name in found.cell_sets:
                values[found.cell_sets[name][block]] = tag
    for name, kind, values in zip(("cell_tags", "facet_tags"), KINDS, (tags, facet_tags), strict=True):
        for known in {name, gmsh.PHYSICAL} & set(found.cell_data):
            values[:] = found.get_cell_data(known, kind)
    return tags, facet_tags
