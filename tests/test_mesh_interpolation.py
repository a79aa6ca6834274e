"""Values of one mesh on another: at points and as means over cells."""

import numpy as np
from mesh_samples import arrays
from pytest import approx

from twinbeat import mesh
from twinbeat.electrophysiology.assembly import box
from twinbeat.mesh import synthetic


def test_interpolation_is_exact_for_linear_fields():
    """Inside the mesh; at curved walls, points outside the coarse chords are off by the sagitta, under 0.5 mm."""
    fine, coarse = synthetic.ellipsoid(4.0, 3), synthetic.ellipsoid(8.0, 1)
    matrix = mesh.interpolation(*arrays(fine)[:2], coarse["points"].values)
    assert np.abs(matrix @ fine["points"].values - coarse["points"].values).max() < 0.5
    centres = coarse["points"].values[coarse["cells"].values].mean(axis=1)
    inner = mesh.interpolation(*arrays(coarse)[:2], centres)
    np.testing.assert_allclose(inner @ coarse["points"].values, centres, atol=1e-9)
    np.testing.assert_allclose(inner.sum(axis=1), 1)


def test_means_over_cells_keep_the_integral():
    """Kuhn's cubes of 0.5 mm lie in those of 1 mm: any field has the same integral, a linear one its exact means."""
    (points, cells), (fine, parts) = box((2.0, 3.0, 2.0), 1.0), box((2.0, 3.0, 2.0), 0.5)
    onto = mesh.averaging(points, cells, fine, parts)
    field = np.random.default_rng(1).normal(size=len(fine))
    integral = mesh.cell_volumes(fine, parts) @ field[parts].mean(axis=1)
    assert mesh.cell_volumes(points, cells) @ (onto @ field) == approx(integral, rel=1e-12)
    np.testing.assert_allclose(onto @ fine, points[cells].mean(axis=1), atol=1e-12)


def test_means_from_a_coarser_mesh_are_its_values_in_the_middle():
    """Most of the cells hold no centre of another."""
    (points, cells), (coarse, parts) = box((2.0, 2.0, 2.0), 0.5), box((2.0, 2.0, 2.0), 2.0)
    onto = mesh.averaging(points, cells, coarse, parts)
    middles = points[cells].mean(axis=1)
    lone = np.abs(onto @ coarse - middles).max(axis=1) < 1e-12
    assert lone.sum() >= len(cells) - len(parts)
    np.testing.assert_allclose(onto.sum(axis=1), 1)


def test_means_are_nearer_than_corners():
    """Of a wave with a front as steep as that of the endocardium, on a wall of two layers, against the mean of its
    values at 64 places of each cell."""
    fine, coarse = synthetic.ellipsoid(2.0, 8), synthetic.ellipsoid(10.0, 2)
    (points, cells), (nodes, parts) = arrays(coarse)[:2], arrays(fine)[:2]
    wave = lambda x: 10 * np.tanh(np.linalg.norm(x, axis=-1) / 2 - 15)  # noqa: E731
    places = np.random.default_rng(2).dirichlet(np.ones(4), 64) @ points[cells]
    truth = wave(places).mean(axis=1)
    corners, means = wave(points[cells]).mean(axis=1), mesh.averaging(points, cells, nodes, parts) @ wave(nodes)
    off = [np.sqrt(np.mean((one - truth) ** 2)) for one in (corners, means)]
    assert off[1] < 0.5 * off[0]
