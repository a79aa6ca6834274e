"""CGAL as a program of its own: what it is given, what becomes of its mesh, and what happens where it is not there."""

from pathlib import Path

import numpy as np
import pytest
from pytest import approx
from test_mesh_both import INNER, OUTER, SHELL, spheres

import twinbeat
from twinbeat.mesh import biventricle, boundary, cgal, measures, quality, tetrahedra
from twinbeat.parameters import ConfigurationError, Mesh, read

CGAL = Mesh(biventricle={"generator": "cgal", "size": "5 mm"})
PROGRAM = """
import sys, numpy as np
given = np.load(sys.argv[1])
assert given["field"].shape[2] > 2 and float(given["edge"]) == 4.0
corners = [[0, 0, -5], [9, 0, 0.1], [0, 9, -0.1], [0, 0, 0], [9, 9, 0.05], [50, 50, 50]]
np.savez(sys.argv[2], points=np.array(corners, float), cells=np.array([[0, 1, 2, 3], [1, 2, 3, 4]], np.uint64))
"""


@pytest.fixture
def stand_in(monkeypatch, tmp_path):
    """Another program, as if pygalmesh were installed."""

    def planted(text: str) -> None:
        path = tmp_path / "program.py"
        path.write_text(text)
        monkeypatch.setattr(cgal, "PROGRAM", path)
        monkeypatch.setattr(cgal, "available", lambda: True)

    return planted


def test_the_program_gets_the_muscle_and_its_rims():
    """A half spherical shell: its field ends in z = 0, is as the level there, and the base has the circles of 20 and of
    30 mm as rims, closed."""
    given = cgal.sampled(spheres())
    assert given["origin"][2] + given["step"] * (given["field"].shape[2] - 1) == approx(0)
    index = np.array([20, 30, 40])
    place = np.linalg.norm(given["origin"] + given["step"] * index)
    assert given["field"][tuple(index)] == approx(max(place - OUTER, INNER - place), abs=0.05)
    rims = [given[name] for name in sorted(given) if name.startswith("rim")]
    assert [np.linalg.norm(rim, axis=1).mean() for rim in rims] == approx([INNER, OUTER], abs=0.05)
    assert all((rim[0] == rim[-1]).all() and (rim[:, 2] == 0).all() for rim in rims)


def test_nodes_near_the_base_lie_in_it(stand_in):
    """Two tetrahedra with nodes within 0.1 mm of z = 0: those go there, the one that is flat then is left out together
    with its node, and the other has a positive volume."""
    stand_in(PROGRAM)
    points, cells, labels = cgal.start(spheres(), 4.0, 0)
    assert points.tolist() == [[0, 0, -5], [9, 0, 0], [0, 9, 0], [0, 0, 0]]
    assert labels.tolist() == [1] and measures.cell_volumes(points, cells) == approx(9 * 9 * 5 / 6)


def test_a_program_that_fails_is_quoted(stand_in):
    stand_in("raise SystemExit('no memory')")
    with pytest.raises(RuntimeError, match="CGAL ended with 1: no memory"):
        cgal.start(spheres(), 4.0, 0)


def test_without_pygalmesh_the_key_is_named(monkeypatch):
    """Not a verdict on the patient: no heart can be meshed so on this machine."""
    monkeypatch.setattr(cgal.sys, "executable", "/usr/bin/false")
    assert not cgal.available()
    with pytest.raises(ModuleNotFoundError, match=r"biventricle\.generator: cgal needs pygalmesh .* expected it, or"):
        biventricle.meshed(spheres(), CGAL)


def test_it_makes_no_blood():
    words = "mesh.biventricle: generator cgal makes no blood; expected stuffing, or blood: false"
    with pytest.raises(ConfigurationError, match=words):
        read({"mesh": {"biventricle": {"generator": "cgal", "blood": True}}})


def test_nothing_imports_it():
    """CGAL is GPL: only the program, which nothing imports, has it."""
    library = Path(twinbeat.__file__).parent
    text = {path.name: path.read_text() for path in library.rglob("*.py")}
    assert [name for name, lines in text.items() if "\nimport pygalmesh" in lines] == ["cgal_program.py"]
    assert not [name for name, lines in text.items() if "import cgal_program" in lines]


@pytest.fixture(scope="module")
def shell():
    return cgal.start(spheres(), 4.0, 0)


@pytest.mark.skipif(not cgal.available(), reason="python3-pygalmesh is not installed")
class TestProgram:
    def test_is_a_shell_where_it_ought_to_be(self, shell):
        """One closed piece without handles; volume 2π/3 (30³ - 20³) but for the chords of 0.2 mm on 20 and 30 mm, and
        the outer surface is centred: no shift by half of the grid's 0.75 mm."""
        points, cells, labels = shell
        border, _ = boundary.facets(cells, labels)
        assert quality.watertight(border) and quality.euler(border) == 2
        assert measures.wall_volume(points, cells) == approx(SHELL, rel=0.02)
        far = np.linalg.norm(points, axis=1)
        outside = points[np.unique(border)][np.abs(far[np.unique(border)] - OUTER) < 0.5]
        assert (outside[:, :2].max(axis=0) + outside[:, :2].min(axis=0)) / 2 == approx(0, abs=0.1)
        assert outside[:, 2].min() == approx(-OUTER, abs=0.2) and outside[:, 2].max() == 0

    def test_passes_the_gates_once_it_is_resized(self, shell):
        made = tetrahedra.resized(spheres(), lambda points: np.full(len(points), 4.0), None, *shell)
        found = quality.figures(made.points, made.cells)
        assert found["minimum_dihedral"] > 10 and found["percentile_dihedral"] > 20

    def test_both_ventricles_pass_all_gates(self):
        anatomy = spheres(right_at=38.0)
        assert biventricle.faults(biventricle.meshed(anatomy, CGAL), anatomy, CGAL) == []
