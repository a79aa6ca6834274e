"""Files of a mesh for other tools: what is written comes back."""

import os
import subprocess
import sys

import hearts
import hypothesis.extra.numpy as arrays
import meshio
import numpy as np
import pytest
import pyvista
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vtkmodules.vtkIOXdmf2 import vtkXdmfReader

from twinbeat import fibers, mesh, store
from twinbeat.mesh import gmsh
from twinbeat.mesh.__main__ import main
from twinbeat.parameters import Fibers
from twinbeat.verdicts import Rejected

FORMATS = ["vtu", "xdmf", "msh", "inp", "pts"]
SHAPE = ["points", "cells", "cell_tags", "facets", "facet_tags"]
DIRECTIONS = ["fiber", "sheet"]
FACES = [[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]]


@st.composite
def meshes(draw):
    """Some tetrahedra of any points, some of their faces, tags, directions and a field of points; not yet turned."""
    points = draw(st.integers(4, 9))
    cells = draw(st.lists(st.permutations(range(points)).map(lambda nodes: nodes[:4]), min_size=1, max_size=6))
    count = len(cells)
    faces = np.array(cells)[:, FACES].reshape(-1, 3)
    chosen = draw(st.lists(st.integers(0, len(faces) - 1), min_size=1, max_size=8, unique=True))
    numbers = st.floats(-500, 500, allow_subnormal=False)

    def vectors(n):
        return draw(arrays.arrays(float, (n, 3), elements=numbers))

    def tags(n):
        return np.sort(draw(arrays.arrays(np.int64, n, elements=st.integers(1, 4))))

    return xr.Dataset(
        {
            "points": (("point", "component"), vectors(points)),
            "cells": (("cell", "corner"), np.array(cells)),
            "cell_tags": (("cell",), tags(count)),
            "facets": (("facet", "facet_corner"), faces[chosen]),
            "facet_tags": (("facet",), tags(len(chosen))),
            "fiber": (("cell", "component"), vectors(count)),
            "sheet": (("cell", "component"), vectors(count)),
            "segment": (("cell",), draw(arrays.arrays(np.int64, count, elements=st.integers(0, 17)))),
            "depth": (("point",), draw(arrays.arrays(float, points, elements=numbers))),
            "to_lps": (("row", "column"), np.eye(4)),
        }
    )


@pytest.fixture(scope="module")
def heart():
    return fibers.assign(hearts.biventricle(8.0, 2), Fibers())


@pytest.mark.parametrize("suffix", FORMATS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(written=meshes())
def test_what_is_written_comes_back(tmp_path, suffix, written):
    """Points, cells, facets and tags in every format; directions and fields where the table of formats says so."""
    path = tmp_path / f"mesh.{suffix}"
    mesh.write(written, path)
    found = mesh.read(path)
    fields = {"inp": [], "pts": DIRECTIONS}.get(suffix, [*DIRECTIONS, "segment", "depth"])
    assert set(found.data_vars) == {*SHAPE, *fields, "to_lps"}
    for name in [*SHAPE, *fields, "to_lps"]:
        assert found[name].dims == written[name].dims
        np.testing.assert_allclose(found[name], written[name], rtol=1e-14, atol=1e-300, err_msg=name)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_heart_lies_in_the_patient(heart, tmp_path, suffix):
    """Both ventricles: points and directions of the file are those of the heart frame, turned and shifted into LPS."""
    path = tmp_path / f"heart.{suffix}"
    mesh.write(heart, path)
    found, to_lps = mesh.read(path), heart["to_lps"].values
    np.testing.assert_allclose(found["points"], heart["points"].values @ to_lps[:3, :3].T + to_lps[:3, 3], atol=1e-9)
    np.testing.assert_array_equal(found["cells"], heart["cells"])
    order = np.argsort(heart["facet_tags"].values, kind="stable") if suffix == "pts" else slice(None)
    np.testing.assert_array_equal(found["facets"], heart["facets"].values[order])
    for name in set(found.data_vars) & {"fiber", "sheet", "sheet_normal"}:
        np.testing.assert_allclose(found[name], heart[name].values @ to_lps[:3, :3].T, atol=1e-12)


def test_triangles_have_the_fields_of_their_tetrahedra(heart, tmp_path):
    """The segment of a facet in the file is that of the cell which has it as a face."""
    mesh.write(heart, tmp_path / "heart.vtu")
    found = meshio.read(tmp_path / "heart.vtu").cell_data["segment"][1]
    cells, facets = heart["cells"].values, heart["facets"].values
    assert len(np.unique(found)) > 17
    for facet, segment in zip(facets[::50], found[::50], strict=True):
        (owner,) = np.flatnonzero(np.isin(cells, facet).sum(axis=1) == 3)
        assert segment == heart["segment"].values[owner]


def test_triangles_between_muscle_and_blood_are_of_the_muscle(tmp_path):
    """Two tetrahedra that share a face: the first is blood, but the face has the segment of the second."""
    two = xr.Dataset(
        {
            "points": (("point", "component"), np.concatenate([np.zeros((1, 3)), np.eye(3), np.ones((1, 3))])),
            "cells": (("cell", "corner"), [[0, 1, 2, 3], [1, 2, 3, 4]]),
            "cell_tags": (("cell",), [3, 1]),
            "facets": (("facet", "facet_corner"), [[1, 2, 3]]),
            "facet_tags": (("facet",), [1]),
            "segment": (("cell",), [0, 7]),
            "to_lps": (("row", "column"), np.eye(4)),
        }
    )
    mesh.write(two, tmp_path / "two.vtu")
    assert meshio.read(tmp_path / "two.vtu").cell_data["segment"][1].tolist() == [7]


def test_parts_have_names_in_gmsh_and_abaqus(heart, tmp_path):
    """The physical groups with their dimension, and the element sets that are not empty."""
    mesh.write(heart, tmp_path / "heart.msh")
    groups = gmsh.read(tmp_path / "heart.msh").field_data
    assert groups["right_ventricle"].tolist() == [2, 3]
    assert groups["right_endocardium"].tolist() == [4, 2]
    mesh.write(heart, tmp_path / "heart.inp")
    names = {"left_ventricle", "right_ventricle", "endocardium", "epicardium", "base", "right_endocardium"}
    assert set(meshio.read(tmp_path / "heart.inp").cell_sets) == names


def test_opencarp_counts_in_micrometres(tmp_path):
    """One tetrahedron with edges of 1 mm: the header is the count, 1 mm is 1000; two directions in the third file."""
    corners = np.concatenate([np.zeros((1, 3)), np.eye(3)])
    one = xr.Dataset(
        {
            "points": (("point", "component"), corners),
            "cells": (("cell", "corner"), [[0, 1, 2, 3]]),
            "cell_tags": (("cell",), [2]),
            "facets": (("facet", "facet_corner"), [[0, 2, 1]]),
            "facet_tags": (("facet",), [3]),
            "fiber": (("cell", "component"), [[0.0, 1.0, 0.0]]),
            "sheet": (("cell", "component"), [[0.5, 0.0, 0.0]]),
            "to_lps": (("row", "column"), np.eye(4)),
        }
    )
    mesh.write(one, tmp_path / "one.pts")
    texts = {path.name: path.read_text().splitlines() for path in tmp_path.iterdir()}
    assert texts == {
        "one.pts": ["4", "0 0 0", "1000 0 0", "0 1000 0", "0 0 1000"],
        "one.elem": ["1", "Tt 0 1 2 3 2"],
        "one.lon": ["2", "0 1 0 0.5 0 0"],
        "one.base.surf": ["1", "Tr 0 2 1"],
    }


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_mesh_without_fibres_can_be_written(heart, tmp_path, suffix):
    """Then there are no directions in the file; a mesh of the left ventricle alone has cells of tag 1."""
    bare = heart[["points", "cells", "facets", "facet_tags", "to_lps"]]
    mesh.write(bare, tmp_path / f"bare.{suffix}")
    found = mesh.read(tmp_path / f"bare.{suffix}")
    assert set(found.data_vars) == {*SHAPE, "to_lps"}
    assert (found["cell_tags"] == 1).all()


def test_tetrahedra_of_others_are_the_left_wall(tmp_path):
    """A file of another tool with tetrahedra alone: one tag, no facets."""
    meshio.Mesh(np.eye(4)[:, :3], [("tetra", [[0, 1, 2, 3]])]).write(tmp_path / "other.vtu")
    found = mesh.read(tmp_path / "other.vtu")
    assert found["cell_tags"].values.tolist() == [1]
    assert found.sizes["facet"] == 0


def test_what_cannot_be_written_or_read_is_named(heart, tmp_path):
    with pytest.raises(ValueError, match=r"heart\.stl: expected a file name in \.vtu, .*, found '\.stl'"):
        mesh.write(heart, tmp_path / "heart.stl")
    meshio.Mesh(np.eye(3), [("triangle", [[0, 1, 2]])]).write(tmp_path / "flat.vtu")
    with pytest.raises(ValueError, match=r"flat\.vtu: expected tetrahedra, found triangle"):
        mesh.read(tmp_path / "flat.vtu")
    with pytest.raises(ValueError, match=r"nodes \[0, 1, 900\]: expected a face of a tetrahedron"):
        mesh.owners(heart["cells"].values, np.array([[0, 1, 900]]))


@pytest.mark.parametrize(
    ("line", "found"), [("Hx 0 1 2 3 4 5 6 7 1", "found 0 such of 1"), ("Tt 0 1 2 3", "found 0 such of 1")]
)
def test_other_elements_of_opencarp_are_named(tmp_path, line, found):
    (tmp_path / "mesh.pts").write_text("4\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n")
    (tmp_path / "mesh.elem").write_text(f"1\n{line}\n")
    with pytest.raises(ValueError, match=rf"mesh\.elem: expected 1 lines of Tt with 5 numbers, {found}"):
        mesh.read(tmp_path / "mesh.pts")


def test_a_store_is_written_by_the_command(heart, tmp_path, capsys):
    """From a store to Gmsh to openCARP; a verdict, or another format, is said and ends with status 1."""
    store.publish(heart, tmp_path / "anatomy.zarr")
    assert main([str(tmp_path / "anatomy.zarr"), str(tmp_path / "heart.msh")]) == 0
    assert main([str(tmp_path / "heart.msh"), str(tmp_path / "heart.pts")]) == 0
    assert mesh.read(tmp_path / "heart.pts").sizes["cell"] == heart.sizes["cell"]
    store.publish(store.verdict(Rejected("image-gap", "slice 7 is missing")), tmp_path / "mesh.zarr")
    assert main([str(tmp_path / "mesh.zarr"), str(tmp_path / "mesh.vtu")]) == 1
    assert "slice 7 is missing" in capsys.readouterr().err
    assert main([str(tmp_path / "anatomy.zarr"), str(tmp_path / "heart.stl")]) == 1
    assert "expected a file name in" in capsys.readouterr().err


def test_the_command_is_a_module(tmp_path):
    """What a shell sees: no such store, one line, status 1."""
    command = [sys.executable, "-m", "twinbeat.mesh", str(tmp_path / "none.zarr"), str(tmp_path / "none.vtu")]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 1
    assert "none.zarr" in done.stderr


def test_other_versions_of_gmsh_are_read(tmp_path):
    """Version 4.1 as text, by meshio: points and cells."""
    one = meshio.Mesh(np.eye(4)[:, :3], [("tetra", [[0, 1, 2, 3]])])
    meshio.gmsh.write(tmp_path / "one.msh", one, fmt_version="4.1", binary=False)
    found = mesh.read(tmp_path / "one.msh")
    np.testing.assert_array_equal(found["points"], one.points)
    assert found["cells"].values.tolist() == [[0, 1, 2, 3]]


def test_xdmf_of_others_is_named(heart, tmp_path):
    """Numbers in HDF5, and elements that are neither tetrahedra nor triangles (hexahedra have 9)."""
    path = tmp_path / "heart.xdmf"
    mesh.write(heart, path)
    text = path.read_text()
    path.write_text(text.replace('Format="XML"', 'Format="HDF"', 1))
    with pytest.raises(ValueError, match=r"heart\.xdmf: expected items of the format XML, found HDF, XML"):
        mesh.read(path)
    first = " ".join(map(str, heart["cells"].values[0]))
    path.write_text(text.replace(f"6 {first} ", f"9 {first} ", 1))
    with pytest.raises(ValueError, match=r"heart\.xdmf: expected tetrahedra \(6\) and then triangles \(4\), found 9"):
        mesh.read(path)


def test_paraview_reads_the_xdmf(heart, tmp_path):
    """VTK's own reader finds all elements and fields."""
    mesh.write(heart, tmp_path / "heart.xdmf")
    reader = vtkXdmfReader()
    reader.SetFileName(str(tmp_path / "heart.xdmf"))
    reader.Update()
    found = pyvista.wrap(reader.GetOutputDataObject(0))
    assert found.n_cells == heart.sizes["cell"] + heart.sizes["facet"]
    assert {"fiber", "sheet", "segment", "cell_tags", "facet_tags"} <= set(found.cell_data.keys())
    np.testing.assert_array_equal(found.point_data["depth"], heart["depth"])
