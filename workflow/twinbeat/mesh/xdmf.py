"""XDMF with its numbers as text in the one file (XDMF Model and Format, version 3): meshio's needs HDF5 for any."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ElementTree, SubElement

import meshio
import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.generic]
KINDS = {"tetra": (6, 4), "triangle": (4, 3)}
"""Number of the element in a mixed topology, and of its nodes."""


def write(path: Path, mesh: meshio.Mesh) -> None:
    """Points, tetrahedra, triangles and the fields of points and cells."""
    root = Element("Xdmf", Version="3.0")
    grid = SubElement(SubElement(root, "Domain"), "Grid", Name="heart", GridType="Uniform")
    _item(SubElement(grid, "Geometry", GeometryType="XYZ"), mesh.points)
    count = sum(len(block.data) for block in mesh.cells)
    topology = SubElement(grid, "Topology", TopologyType="Mixed", NumberOfElements=str(count))
    _item(topology, np.concatenate([np.insert(b.data, 0, KINDS[b.type][0], axis=1).ravel() for b in mesh.cells]))
    for name, centre, values in _fields(mesh):
        kind = "Scalar" if values.ndim == 1 else "Vector"
        _item(SubElement(grid, "Attribute", Name=name, AttributeType=kind, Center=centre), values)
    ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def read(path: Path) -> meshio.Mesh:
    """The mesh of such a file. Raises ValueError where numbers lie elsewhere, or elements are others."""
    tree = ElementTree(file=path)
    items = {item.get("Format") for item in tree.iter("DataItem")}
    if items != {"XML"}:
        found = ", ".join(sorted(map(str, items))) or "none"
        raise ValueError(f"{path.name}: expected items of the format XML, found {found}")
    flat = _values(tree.find(".//Topology/DataItem"))
    mesh = meshio.Mesh(_values(tree.find(".//Geometry/DataItem")), _blocks(flat, path.name))
    ends = np.cumsum([len(block.data) for block in mesh.cells])[:-1]
    for attribute in tree.iter("Attribute"):
        name, values = attribute.get("Name"), _values(attribute.find("DataItem"))
        if attribute.get("Center") == "Node":
            mesh.point_data[name] = values
        else:
            mesh.cell_data[name] = np.split(values, ends)
    return mesh


def _fields(mesh: meshio.Mesh) -> Iterator[tuple[str, str, Table]]:
    for name, values in mesh.point_data.items():
        yield name, "Node", values
    for name, parts in mesh.cell_data.items():
        yield name, "Cell", np.concatenate(parts)


def _item(parent: Element, values: Table) -> None:
    kind = "Int" if values.dtype.kind in "iu" else "Float"
    shape = " ".join(map(str, values.shape))
    item = SubElement(parent, "DataItem", DataType=kind, Precision="8", Dimensions=shape, Format="XML")
    item.text = "\n".join(" ".join(map(repr, row)) for row in np.atleast_2d(values).tolist())


def _values(item: Element) -> Table:
    kind = np.int64 if item.get("DataType", "Float") == "Int" else float
    return np.array(item.text.split(), dtype=kind).reshape(list(map(int, item.get("Dimensions").split())))


def _blocks(flat: Table, name: str) -> list[tuple[str, Table]]:
    """The elements of a mixed topology, those of a kind after each other."""
    blocks, start = [], 0
    for kind, (code, nodes) in KINDS.items():
        rest = flat[start:]
        rows = rest[: len(rest) // (nodes + 1) * (nodes + 1)].reshape(-1, nodes + 1)
        count = len(rows) if (rows[:, 0] == code).all() else int(np.argmax(rows[:, 0] != code))
        if count:
            blocks.append((kind, rows[:count, 1:]))
            start += count * (nodes + 1)
    if start < len(flat):
        raise ValueError(f"{name}: expected tetrahedra (6) and then triangles (4), found {flat[start]}")
    return blocks
