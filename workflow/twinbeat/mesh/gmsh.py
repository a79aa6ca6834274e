"""Gmsh's format 2.2 as text (Gmsh reference manual, MSH file format version 2), with fields of points and cells.

meshio 5.3.5 reads the fields of cells of no file in this version, and writes those of points as ``np.float64(1.0)``.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import meshio
import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]
Table = NDArray[np.generic]
KINDS = {"tetra": (4, 4), "triangle": (2, 3)}
"""Number of the element, and of its nodes."""
PHYSICAL = "gmsh:physical"


def write(path: Path, mesh: meshio.Mesh) -> None:
    """Points, tetrahedra and triangles with ``gmsh:physical`` tags and the groups' names, and all other fields."""
    names = [f'{size} {tag} "{name}"' for name, (tag, size) in mesh.field_data.items()]
    elements = [
        np.column_stack([np.full(len(tags), KINDS[b.type][0]), np.full(len(tags), 2), tags, tags, 1 + b.data])
        for b, tags in zip(mesh.cells, mesh.cell_data[PHYSICAL], strict=True)
    ]
    rows = [row for block in elements for row in block.tolist()]
    with path.open("w") as file:
        file.writelines(_section("MeshFormat", ["2.2 0 8"]))
        file.writelines(_section("PhysicalNames", [str(len(names)), *names]))
        file.writelines(_section("Nodes", [str(len(mesh.points)), *_numbered(mesh.points.tolist())]))
        file.writelines(_section("Elements", [str(len(rows)), *_numbered(rows)]))
        for name, values in mesh.point_data.items():
            file.writelines(_field("NodeData", name, values))
        for name, parts in mesh.cell_data.items():
            if name != PHYSICAL:
                file.writelines(_field("ElementData", name, np.concatenate(parts)))


def read(path: Path) -> meshio.Mesh:
    """The mesh of a file; one of another version is left to meshio, without fields of cells."""
    text = path.read_bytes()
    if not text.startswith(b"$MeshFormat\n2.2 0"):
        return meshio.read(path)
    sections = list(_sections(text.decode().splitlines()))
    first = dict(reversed(sections))
    nodes = np.array([line.split() for line in first["Nodes"][1:]], dtype=float)
    numbers = nodes[:, 0].astype(int)
    place = dict(zip(numbers.tolist(), range(len(numbers)), strict=True))
    elements = [list(map(int, line.split())) for line in first["Elements"][1:]]
    mesh = meshio.Mesh(nodes[:, 1:], [], field_data=_names(first.get("PhysicalNames", ["0"])))
    order: list[int] = []
    mesh.cell_data[PHYSICAL] = []
    for kind, (code, corners) in KINDS.items():
        rows = [row for row in elements if row[1] == code]
        if rows:
            cells = [[place[node] for node in row[-corners:]] for row in rows]
            mesh.cells.append(meshio.CellBlock(kind, np.array(cells)))
            mesh.cell_data[PHYSICAL].append(np.array([row[3] if row[2] else 0 for row in rows]))
            order += [row[0] for row in rows]
    ends = np.cumsum([len(block.data) for block in mesh.cells])[:-1]
    for name, values in _fields(sections, "NodeData", numbers.tolist()):
        mesh.point_data[name] = values
    for name, values in _fields(sections, "ElementData", order):
        mesh.cell_data[name] = np.split(values, ends)
    return mesh


def _section(name: str, lines: Iterable[str]) -> Iterator[str]:
    yield from (f"{line}\n" for line in (f"${name}", *lines, f"$End{name}"))


def _numbered(rows: list[list[float]]) -> Iterator[str]:
    return (" ".join([str(number), *map(repr, row)]) for number, row in enumerate(rows, 1))


def _field(section: str, name: str, values: Table) -> Iterator[str]:
    """One string tag (the name), one real tag (the time), three integer tags (step, components, number of rows)."""
    rows = values.reshape(len(values), -1)
    head = ["1", f'"{name}"', "1", "0.0", "3", "0", str(rows.shape[1]), str(len(rows))]
    return _section(section, [*head, *_numbered(rows.tolist())])


def _sections(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    starts = [n for n, line in enumerate(lines) if line.startswith("$") and not line.startswith("$End")]
    for start in starts:
        name = lines[start][1:].strip()
        yield name, lines[start + 1 : lines.index(f"$End{name}", start)]


def _names(lines: list[str]) -> dict[str, Index]:
    rows = [line.split(maxsplit=2) for line in lines[1:]]
    return {name.strip('"'): np.array([int(tag), int(size)]) for size, tag, name in rows}


def _fields(sections: list[tuple[str, list[str]]], kind: str, order: list[int]) -> Iterator[tuple[str, Table]]:
    """Fields in the order of these numbers; numbers without a value have 0."""
    for lines in [lines for name, lines in sections if name == kind]:
        tags = 1 + int(lines[0])
        head = tags + 1 + int(lines[tags])
        first = head + 1 + int(lines[head])
        values = {int(row[0]): list(map(float, row[1:])) for row in map(str.split, lines[first:])}
        size = int(lines[head + 2])
        table = np.array([values.get(number, [0.0] * size) for number in order])
        yield lines[1].strip('"'), table if size > 1 else table[:, 0]
