"""Tetrahedra of both ventricles: level functions, stuffed lattices and Mmg on shells of known volume, and the gates."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx

from twinbeat import mesh
from twinbeat.mesh import (
    biventricle,
    boundary,
    fit,
    levels,
    measures,
    quality,
    remesh,
    right,
    stuffing,
    synthetic,
    template,
    tetrahedra,
)
from twinbeat.parameters import Mesh

INNER, OUTER = 20.0, 30.0  # mm, of a half spherical shell under the plane z = 0
SHELL = 2 * np.pi / 3 * (OUTER**3 - INNER**3) / 1000  # mL


def spheres(right_at: float | None = None) -> levels.Levels:
    """The shell as the left ventricle, and where wanted a right one: a ball of 18 mm, beside it in 4 mm of wall."""
    grid = levels.Grid.around(np.array([-40.0, -40, -40]), np.array([80.0, 40, 6]), 2.0)
    far = np.linalg.norm(grid.points(), axis=1)
    septum, ball = far - OUTER, np.full(len(far), 20.0)
    if right_at is not None:
        ball = right.opened(grid, np.maximum(np.linalg.norm(grid.points() - [right_at, 0, 0], axis=1) - 18, -septum))
    return levels.Levels.sampled(
        grid, left=far - INNER, septum=septum, right=ball, outer=levels.least(septum, ball - 4, 4.0)
    )


def stuffed(anatomy: levels.Levels, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Points and muscle of the stuffed lattice."""
    high = anatomy.grid.origin + anatomy.grid.step * (np.array(anatomy.grid.shape) - 1)
    start = stuffing.lattice(anatomy.grid.origin, high, step, lambda points: anatomy.muscle(points) < step)
    fitted, inside = stuffing.stuff(start, anatomy.muscle)
    used, cells = np.unique(fitted.cells[inside], return_inverse=True)
    return fitted.points[used], cells.reshape(-1, 4)


def dataset(made: tetrahedra.Tagged, tags: np.ndarray) -> xr.Dataset:
    return xr.Dataset(
        {
            "points": (("point", "component"), made.points),
            "cells": (("cell", "corner"), made.cells),
            "cell_tags": (("cell",), tags),
            "facets": (("facet", "facet_corner"), made.facets),
            "facet_tags": (("facet",), made.tags),
        }
    )


class TestLevels:
    def test_smooth_minimum(self):
        """Where both are equal it is a quarter of the width less; where they differ by more, it is the minimum."""
        assert levels.least(np.array([1.0, 1.0]), np.array([1.0, 6.0]), 4.0).tolist() == [0.0, 1.0]

    def test_volumes_of_a_shell(self):
        """2π/3 (30³ - 20³) and 2π/3 20³; what is left of the right ventricle is nothing."""
        found = spheres().volumes
        assert found[levels.LEFT_WALL] == approx(SHELL, rel=2e-3)
        assert found[levels.LEFT_BLOOD] == approx(2 * np.pi / 3 * INNER**3 / 1000, rel=2e-3)
        assert found[levels.RIGHT_WALL] == approx(0, abs=1e-4)
        assert found[levels.RIGHT_BLOOD] == 0

    def test_thickness_is_that_of_the_shell(self):
        """10 mm, wherever in the wall."""
        points = np.array([[21.0, 0, 0], [0, 25, 0], [0, 0, -29]])
        np.testing.assert_allclose(spheres().thickness(points), 10, atol=0.02)

    def test_gradient_points_outwards(self):
        points = np.array([[0.0, 18, -24], [25, 0, -1]])
        unit = points / np.linalg.norm(points, axis=1, keepdims=True)
        np.testing.assert_allclose(spheres().gradient("septum", points), unit, atol=5e-3)

    def test_opening_gives_the_distance_from_a_sphere(self):
        """The level r² - 20² gives r - 20: to 0.2 mm near the surface, to 0.4 mm within 10 mm of it.

        Above z = 0 the grid ends, and with it the surface that points are measured from.
        """
        grid = spheres().grid
        far = np.linalg.norm(grid.points(), axis=1)
        off = np.abs(right.opened(grid, far**2 - INNER**2) - (far - INNER))
        below = grid.points()[:, 2] <= 0
        assert off[below & (np.abs(far - INNER) < 1)].max() < 0.2
        assert off[below & (np.abs(far - INNER) < 10)].max() < 0.4

    @pytest.mark.parametrize("half", [20, 30, 45])
    def test_opening_rounds_edges(self, half):
        """A ball of radius R ends R (1 / sin α - 1) before the edge of a wedge with the angle 2 α."""
        grid = levels.Grid.around(np.array([-10.0, -30, -20]), np.array([50.0, 30, 20]), 2.0)
        x, y, _ = grid.points().T
        angle = np.radians(half)
        wedge = right.opened(grid, np.abs(y) * np.cos(angle) - x * np.sin(angle))
        along = np.linspace(0, 20, 400)
        fields = dict.fromkeys(levels.NAMES, wedge)
        found = levels.Levels.sampled(grid, **fields).at("right", np.stack([along, 0 * along, 0 * along], axis=1))
        assert np.interp(0, -found, along) == approx(right.RADIUS * (1 / np.sin(angle) - 1), abs=0.3)

    def test_opening_leaves_the_largest_piece(self):
        """Of two balls of 18 and 8 mm, 50 mm apart, the first."""
        grid = spheres().grid
        large, small = (np.linalg.norm(grid.points() - [at, 0, -10], axis=1) for at in (-10.0, 40.0))
        found = right.opened(grid, np.minimum(large - 18, small - 8))
        assert (found[large < 16] < 0).all()
        assert (found[small < 8] > 0).all()

    def test_distances_of_a_fitted_wall(self):
        """From a sphere they are exact, also near its centre, where rays turn quickly."""
        ball = synthetic.ellipsoids((20.0, 30.0), (20.0, 30.0), -10.0)
        points = ball.centre + np.array([[0.1, 0, 0.1], [5, 0, 3], [0, 18, 0], [0, 0, -26], [30, 30, 0]])
        expected = np.linalg.norm(points - ball.centre, axis=1) - 20
        np.testing.assert_allclose(fit.distances(ball, 0, points), expected, atol=0.01)


class TestStuffing:
    def test_the_lattice_alone(self):
        """Body-centred cubic: angles of 60 and 90 degree; 45 degree and less only where the plane halves octahedra."""
        box = np.array([0.0, 0, -20]), np.array([20.0, 20, 0])
        found = stuffing.lattice(*box, 5.0, lambda points: np.ones(len(points), bool))
        angles = quality.dihedral_angles(found.points, found.cells)
        deep = found.points[found.cells][..., 2].max(axis=1) < 0
        np.testing.assert_allclose(np.unique(angles[deep].round(6)), [60, 90])
        assert angles.min() == approx(45)
        assert (measures.cell_volumes(found.points, found.cells) > 0).all()

    def test_volume_converges_at_second_order(self):
        """Nodes lie on the surfaces and flat facets cut them by chords: halving the step divides the loss by 4."""
        losses = [SHELL - measures.wall_volume(*stuffed(spheres(), step)) for step in (5.0, 2.5)]
        assert losses[0] / losses[1] == approx(4, abs=1.5)
        assert abs(losses[1]) < 0.01 * SHELL

    @settings(max_examples=8, derandomize=True)
    @given(step=st.floats(2.5, 5.0), inner=st.floats(14, 22), bulge=st.floats(0, 0.2))
    def test_any_shell_is_closed_and_has_no_sliver(self, step, inner, bulge):
        """Of any size and oval: one piece, closed, of the topology of a ball; angles from 10 degree on."""
        grid = spheres().grid
        points = grid.points() * [1, 1 - bulge, 1 - bulge / 2]
        far = np.linalg.norm(points, axis=1)
        fields = {"left": far - inner, "septum": far - 30, "right": np.full(len(far), 20.0), "outer": far - 30}
        points, cells = stuffed(levels.Levels.sampled(grid, **fields), step)
        border, _ = boundary.facets(cells, np.ones(len(cells), np.int64))
        assert boundary.components(cells).max() == 0
        assert quality.watertight(border)
        assert quality.euler(border) == 2
        assert quality.dihedral_angles(points, cells).min() > 10


class TestTouching:
    @pytest.mark.parametrize(("second", "expected"), [((3, 4, 5, 6), [3]), ((2, 3, 4, 5), [2, 3]), ((1, 2, 3, 4), [])])
    def test_by_a_node_an_edge_or_a_face(self, second, expected):
        """Two tetrahedra with one common node, with two, and with three, whose surface is that of a ball."""
        cells = np.array([(0, 1, 2, 3), second])
        assert boundary.touching(cells).tolist() == expected


@pytest.fixture(scope="module")
def pair():
    """Two ventricles of spheres with their blood."""
    anatomy = spheres(right_at=38.0)
    start = tetrahedra.stuffed(anatomy, 2.6, 0.0, True)
    made = tetrahedra.resized(anatomy, lambda points: np.full(len(points), 4.0), None, *start)
    return anatomy, made, dataset(made, tetrahedra.walls(made, anatomy))


class TestTetrahedra:
    def test_passes_all_gates(self, pair):
        anatomy, _, found = pair
        assert biventricle.faults(found, anatomy, Mesh()) == []

    def test_encloses_the_smooth_volumes(self, pair):
        """Surfaces are moved until cavities and whole are exact; the walls' border, made of faces, is within 1 %."""
        anatomy, _, found = pair
        volumes, smooth = biventricle.volumes(found), anatomy.volumes
        for label in (levels.LEFT_BLOOD, levels.RIGHT_BLOOD):
            assert volumes[label] == approx(smooth[label], rel=1e-3)
        assert sum(volumes.values()) == approx(sum(smooth.values()), rel=1e-3)

    def test_blood_conforms(self, pair):
        """The cells of a pool fill what its endocardium encloses, and its lid lies in the plane."""
        _, made, found = pair
        sizes = measures.cell_volumes(made.points, made.cells)
        pools = biventricle.volumes(found)
        for label, lid in ((levels.LEFT_BLOOD, boundary.LEFT_LID), (levels.RIGHT_BLOOD, boundary.RIGHT_LID)):
            assert sizes[made.labels == label].sum() / 1000 == approx(pools[label], rel=1e-9)
            assert np.abs(made.points[made.facets[made.tags == lid], 2]).max() == 0

    def test_tags_lie_on_their_surfaces(self, pair):
        """Within 0.3 mm, a tenth of an edge or less; the base is flat, and normals of the epicardium point outwards."""
        anatomy, made, _ = pair
        for tag, name in tetrahedra.SURFACES.items():
            nodes = np.unique(made.facets[made.tags == tag])
            assert np.quantile(np.abs(anatomy.at(name, made.points[nodes])), 0.99) < 0.3
        assert np.abs(made.points[made.facets[made.tags == mesh.BASE], 2]).max() == 0
        a, b, c = np.moveaxis(made.points[made.facets[made.tags == mesh.EPICARDIUM]], 1, 0)
        outward = anatomy.gradient("outer", (a + b + c) / 3)
        assert (np.einsum("ij,ij->i", np.cross(b - a, c - a), outward) > 0).all()

    def test_finer_where_it_is_wanted(self):
        """Edges of 2 mm below z = -20 and 4 mm above z = -10: the mean edges are about in that ratio."""

        def sizes(points):
            return np.clip(2 + 2 * (points[:, 2] + 20) / 10, 2.0, 4.0)

        made = tetrahedra.resized(spheres(), sizes, None, *tetrahedra.stuffed(spheres(), 3.0, 0.0, False))
        corners = made.points[made.cells]
        edge, depth = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1), corners[..., 2].mean(axis=1)
        assert edge[depth > -8].mean() / edge[depth < -22].mean() == approx(2, abs=0.5)


class TestEdges:
    def test_walls_have_fewer_of_them_in_a_coarse_mesh(self):
        """1.5 across a wall of 3 mm are 2 mm long, as long as 3 mm is the size; twice that where it is 6 mm."""
        usual, coarse, fine = (Mesh(biventricle={"size": f"{size} mm"}).biventricle for size in (3, 6, 1))
        assert [section.edges_across() for section in (usual, coarse, fine)] == [1.5, 0.75, 1.5]
        assert Mesh(biventricle={"size": "6 mm", "across": 2}).biventricle.edges_across() == 2

    def test_chords_follow_the_edges(self):
        """0.1 mm below 3 mm of size, a thirtieth of it above, and never more than a tenth of the shortest edge."""
        wanted = [np.array(edges) for edges in ([2.0, 3.0], [4.0, 6.0], [0.8, 1.4], [1.0, 6.0])]
        assert [remesh._off(edges, None) for edges in wanted] == approx([0.1, 0.2, 0.08, 0.1])
        assert [remesh._off(edges, 1.0) for edges in (wanted[1], np.array([12.0, 15.0]))] == approx([0.4, 1.0])


class TestGates:
    def ball(self) -> xr.Dataset:
        """The LV template, which passes."""
        return synthetic.ellipsoid(9.0, 1)

    def test_percentile(self):
        found = quality.faults(self.ball(), Mesh(percentile_dihedral="60 degree"))
        assert found[0].startswith("first percentile of dihedral angles")
        assert found[0].endswith("at least 60 expected")

    def test_label_in_pieces(self):
        """Two cells at opposite ends with a label of their own are two pieces."""
        anatomy = self.ball()
        z = anatomy["points"].values[anatomy["cells"].values].mean(axis=1)[:, 2]
        tags = np.ones(len(z), np.int64)
        tags[[z.argmin(), z.argmax()]] = 2
        assert quality.faults(anatomy.assign(cell_tags=(("cell",), tags)), Mesh()) == ["label 2 in 2 pieces"]

    def test_handle(self):
        """A ring of cubes of 5 x 5 around a hole has the surface of a torus: Euler characteristic 0."""
        cube = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
        split = np.array([[0, 1, 3, 7], [0, 3, 2, 7], [0, 2, 6, 7], [0, 6, 4, 7], [0, 4, 5, 7], [0, 5, 1, 7]])
        places = [(i, j, 0) for i in range(3) for j in range(3) if (i, j) != (1, 1)]
        corners = np.concatenate([cube + place for place in places])
        points, number = np.unique(corners, axis=0, return_inverse=True)
        cells = np.concatenate([number.reshape(-1, 8)[n][split] for n in range(8)])
        border, _ = boundary.facets(template.oriented(points.astype(float), cells), np.ones(len(cells), np.int64))
        assert quality.watertight(border)
        ring = xr.Dataset({"facets": (("f", "c"), border), "facet_tags": (("f",), np.ones(len(border), np.int64))})
        assert quality.surface_faults(ring) == ["surface of Euler characteristic 0, 2 of a ball expected"]

    def test_volume(self):
        """102 mL for 100 are 2 % off, more than 1 %; 99.5 for 100 are not."""
        found = quality.volume_faults({"wall": 102.0, "blood": 99.5}, {"wall": 100.0, "blood": 100.0}, Mesh())
        assert found == ["volume of wall 2.0% off, at most 1.0% expected"]

    def test_curvature_of_a_sphere(self):
        """1/R = 0.05 per mm in the median; Mmg is not needed for that."""
        points, cells = stuffed(spheres(), 4.0)
        border, _ = boundary.facets(cells, np.ones(len(cells), np.int64))
        inner = border[np.abs(np.linalg.norm(points[border].mean(axis=1), axis=1) - INNER) < 1]
        assert np.median(measures.bends(points, inner)) == approx(1 / INNER, rel=0.25)
