"""Fibres and segments on shapes whose axes are known."""

import meshio
import numpy as np
import pytest
from scipy.spatial import cKDTree

from twinbeat import fibers, mesh
from twinbeat.mesh import synthetic
from twinbeat.parameters import Fibers, Mesh

DEGREE = np.pi / 180
BODY = 0.2  # below this share of the arc, the axes turn within one element


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def centres(anatomy):
    return anatomy["points"].values[anatomy["cells"].values].mean(axis=1)


def of_cells(anatomy, name):
    return anatomy[name].values[anatomy["cells"].values].mean(axis=1)


def analytic_axes(anatomy):
    """Circumferential, longitudinal and transmural axes from the ellipsoids between the walls, by their gradient."""
    x = centres(anatomy) - anatomy["surface_centre"].values
    inner, outer = anatomy["surface_radii"].values
    radii = inner + of_cells(anatomy, "depth")[:, None] * (outer - inner)
    transmural = unit(x / radii**2)
    circumferential = unit(np.cross([0, 0, 1], x))
    return circumferential, np.cross(transmural, circumferential), transmural


@pytest.fixture(scope="module", params=[(8.0, 1), (4.0, 3)], ids=["coarse", "fine"])
def anatomy(request):
    return fibers.assign(synthetic.ellipsoid(*request.param), Fibers())


def test_directions_are_orthonormal(anatomy):
    """Fibre, sheet and normal are a right-handed orthonormal frame in every cell."""
    frames = np.stack([anatomy[name].values for name in ("fiber", "sheet", "sheet_normal")], axis=1)
    np.testing.assert_allclose(frames @ frames.swapaxes(1, 2), np.broadcast_to(np.eye(3), frames.shape), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(frames), 1)


def test_axes_are_those_of_the_ellipsoid(anatomy):
    """Away from the apex: within 1.5 degree in the median and 5 in every cell, also with one layer of elements."""
    body = of_cells(anatomy, "longitudinal") > BODY
    for found, truth in zip(fibers.axes(anatomy), analytic_axes(anatomy), strict=True):
        angle = np.arccos(np.clip(np.sum(found * truth, axis=1), -1, 1))[body] / DEGREE
        assert np.median(angle) < 1.5
        assert angle.max() < 5


def test_helix_turns_from_endocardium_to_epicardium(anatomy):
    """The angle from the circumferential direction is 60 - 120 t degree at depth t: within 3 degree in the median."""
    circumferential, longitudinal, _ = analytic_axes(anatomy)
    fiber = anatomy["fiber"].values
    angle = np.arctan2(np.sum(fiber * longitudinal, axis=1), np.sum(fiber * circumferential, axis=1)) / DEGREE
    off = np.abs(angle - (60 - 120 * of_cells(anatomy, "depth")))[of_cells(anatomy, "longitudinal") > BODY]
    assert np.median(off) < 1.5
    assert off.max() < 8


def test_angles_at_the_walls():
    """60 degree at the endocardium and -60 at the epicardium; 90 and -90 for Land et al. 2015, problem 3."""
    np.testing.assert_allclose(fibers.helix(np.array([0, 0.5, 1]), Fibers()), [np.pi / 3, 0, -np.pi / 3], atol=1e-15)
    land = Fibers(helix_endocardium="90 degree", helix_epicardium="-90 degree")
    np.testing.assert_allclose(fibers.helix(np.array([0, 0.25, 1]), land), [np.pi / 2, np.pi / 4, -np.pi / 2])


def test_endocardial_fibres_are_a_right_handed_helix(anatomy):
    """Seen from the base, they turn counter-clockwise on the way up (Streeter); epicardial ones are left-handed."""
    circumferential, _, _ = analytic_axes(anatomy)
    fiber = anatomy["fiber"].values
    handedness = np.sum(fiber * circumferential, axis=1) * fiber[:, 2]
    body, depth = of_cells(anatomy, "longitudinal") > BODY, of_cells(anatomy, "depth")
    assert (handedness[body & (depth < 0.3)] > 0).all()
    assert (handedness[body & (depth > 0.7)] < 0).all()


def test_shape_gradients_are_exact_for_linear_fields(anatomy):
    points, cells = anatomy["points"].values, anatomy["cells"].values
    gradients, volumes = fibers.shape_gradients(points, cells)
    field = points @ [1.0, -2.0, 3.0] + 4
    np.testing.assert_allclose(np.einsum("ci,cia->ca", field[cells], gradients), np.tile([1, -2, 3], (len(cells), 1)))
    np.testing.assert_allclose(volumes, mesh.cell_volumes(points, cells))


def test_laplace_between_spheres():
    """Between half spheres of 20 and 30 mm the potential is (1/r - 1/20) / (1/30 - 1/20); errors fall as h²."""
    errors = []
    for size, layers in ((6.0, 2), (3.0, 4)):
        half = synthetic.ellipsoid(size, layers, (20.0, 30.0), (20.0, 30.0), 0.0)
        points, cells = half["points"].values, half["cells"].values
        laplacian = fibers.stiffness(cells, *fibers.shape_gradients(points, cells))
        depth, radius = half["depth"].values, np.linalg.norm(points, axis=1)
        found = fibers.harmonic(laplacian, np.flatnonzero(depth == 0), np.flatnonzero(depth == 1))
        truth = (1 / radius - 1 / 20) / (1 / 30 - 1 / 20)
        errors.append(np.sqrt(np.mean((found - truth)[(depth > 0) & (depth < 1)] ** 2)))
    assert errors[1] < 0.01
    assert errors[0] / errors[1] > 3


def test_segments_share_the_wall(anatomy):
    """17 segments, those of a ring alike: on a body of revolution each within 15 % of the mean of its ring."""
    volumes = mesh.cell_volumes(anatomy["points"].values, anatomy["cells"].values)
    shares = np.bincount(anatomy["segment"].values, weights=volumes, minlength=18)[1:]
    for ring in (slice(0, 6), slice(6, 12), slice(12, 16)):
        np.testing.assert_allclose(shares[ring] / shares[ring].mean(), 1, atol=0.15)
    assert 0.01 < shares[16] / shares.sum() < 0.06


@pytest.mark.parametrize(
    ("segment", "angle"),
    [(1, 90), (2, 30), (3, -30), (4, -90), (5, -150), (6, 150), (13, 90), (14, 0), (15, -90), (16, 180)],
)
def test_segments_lie_where_the_AHA_puts_them(anatomy, segment, angle):
    """After the middle of the septum (0 degree) come the anteroseptal and anterior walls, as seen from above."""
    x, y, _ = centres(anatomy)[anatomy["segment"].values == segment].mean(axis=0)
    turn = (np.arctan2(y, x) / DEGREE - angle + 180) % 360 - 180
    assert abs(turn) < 6


def test_basal_segments_are_above_apical_ones(anatomy):
    z = [centres(anatomy)[anatomy["segment"].values == segment, 2].mean() for segment in (2, 8, 14, 17)]
    assert sorted(z, reverse=True) == z
    apex = anatomy["points"].values[anatomy["depth"].values == 0, 2].min()
    assert z[3] < apex < z[2]


def test_refined_anatomy_agrees_with_the_coarse_one():
    """The axes of 8 and 3 mm meshes of one ventricle differ by under 2 degree in the median; both have all segments."""
    coarse = fibers.assign(synthetic.ellipsoid(8.0, 1), Fibers())
    fine = fibers.refine(coarse, 3.0, 4, Fibers())
    _, nearest = cKDTree(centres(fine)).query(centres(coarse))
    for found, other in zip(fibers.axes(fine), fibers.axes(coarse), strict=True):
        cosine = np.sum(found[nearest] * other, axis=1)
        assert np.median(np.arccos(np.clip(cosine, -1, 1))) / DEGREE < 2
    assert set(np.unique(fine["segment"])) == set(np.unique(coarse["segment"])) == set(range(1, 18))


def test_frames_survive_the_patient_frame(tmp_path):
    """In the exported file directions are turned into LPS with the points."""
    anatomy = fibers.assign(mesh.build(synthetic.labels(synthetic.ellipsoids(*synthetic.HUMAN)), Mesh()), Fibers())
    mesh.write(anatomy, tmp_path / "anatomy.vtu")
    turned = meshio.read(tmp_path / "anatomy.vtu").cell_data["fiber"][0]
    np.testing.assert_allclose(turned @ anatomy["to_lps"].values[:3, :3], anatomy["fiber"], atol=1e-12)
