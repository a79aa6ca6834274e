"""The shape model: planted modes come back, drawn hearts pass the gates, and no patient is drawn again."""

import contextlib
import json
import logging

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from mpi4py import MPI
from pytest import approx
from scipy.integrate import quad
from scipy.stats import norm

from twinbeat import fibers, mesh, report, shapes, store
from twinbeat.evidence import shapes as evidence
from twinbeat.mechanics.anatomy import from_anatomy
from twinbeat.mesh import quality, surfaces, synthetic
from twinbeat.parameters import Fibers, Mechanics, Mesh, Shape
from twinbeat.shapes import correspondence, model, virtual
from twinbeat.verdicts import Quarantined, Rejected

COARSE = Mesh(size="10 mm", layers=1)


def heart(rng: np.random.Generator, spread: float = 1.0, degree: int = 2) -> xr.Dataset:
    """Walls of a random ventricle as a mesh store holds them: radii, thickness and length, and some bumps."""
    radius, wall, length = np.array([26, 10, 66]) + spread * rng.normal(size=3) * [3, 1, 4]
    walls = synthetic.ellipsoids((radius, radius + wall), (length, length + wall), 16.0, degree)
    l, _ = surfaces.orders(degree)
    walls.modes[:] = np.where(l > 0, 0.04 * spread * rng.normal(size=walls.modes.shape), 0)
    return xr.Dataset(walls.variables())


def hearts(count: int, seed: int = 0, **kinds) -> list[xr.Dataset]:
    rng = np.random.default_rng(seed)
    return [heart(rng, **kinds) for _ in range(count)]


@pytest.fixture(scope="module")
def shape() -> xr.Dataset:
    return shapes.build(hearts(30), Shape())


@pytest.fixture(scope="module")
def drawn(shape) -> xr.Dataset:
    return shapes.synthesise(shape, 1, Shape(), COARSE)


class TestCorrespondence:
    @pytest.mark.parametrize("seed", range(4))
    def test_walls_are_the_inverse_of_points(self, seed):
        """Points of walls of degree 4 give back walls through the same points; the bending penalty leaves 0.01 mm."""
        walls = mesh.Surfaces.of(heart(np.random.default_rng(seed), degree=4))
        points = correspondence.points(walls)
        again = correspondence.walls(points, correspondence.Frame(walls.centre, walls.radii))
        assert np.linalg.norm(correspondence.points(again) - points, axis=-1).max() < 0.01

    def test_the_same_node_is_the_same_place(self):
        """Node 0 is the apex, the rim lies in the base plane, and a heart twice as large has points twice as far."""
        small = synthetic.ellipsoids((20.0, 30.0), (50.0, 60.0), 10.0)
        large = synthetic.ellipsoids((40.0, 60.0), (100.0, 120.0), 20.0)
        points = correspondence.points(small)
        np.testing.assert_allclose(points[:, 0], [[0, 0, -60], [0, 0, -70]], atol=1e-9)
        assert np.abs(points[:, correspondence.DISK.rim, 2]).max() == 0
        np.testing.assert_allclose(correspondence.points(large), 2 * points, atol=1e-6)

    def test_walls_that_cross_are_none(self):
        """An epicardium at 0.9 of the endocardium."""
        walls = synthetic.ellipsoids(*synthetic.HUMAN)
        endo = correspondence.points(walls)[0]
        with pytest.raises(correspondence.Crossing, match="cross at 487 of 487 points"):
            correspondence.walls(np.stack([endo, 0.9 * endo]), correspondence.Frame(walls.centre, walls.radii))


class TestComponents:
    def test_planted_modes_come_back(self):
        """Three modes hold 99.9 %; they span the planted space; variances are within three sampling errors.

        The variance of n normal numbers errs by sqrt(2 / (n - 1)) of itself, and its mean over 20 cohorts by
        sqrt(20) less.
        """
        cohorts = [evidence.planted(seed) for seed in range(20)]
        found = [model.Components.of(one.shapes) for one in cohorts]
        assert {components.kept(0.999) for components in found} == {3}
        for one, components in zip(cohorts, found, strict=True):
            cosines = np.linalg.svd(one.modes @ components.modes[:3].T)[1]
            assert cosines.min() > 0.999
        mean = np.mean([components.variance[:3].sum() for components in found])
        error = np.sqrt(2 / 59 / 20) * np.sqrt(np.sum(evidence.SIGMA**4))
        assert mean == approx(np.sum(evidence.SIGMA**2), abs=3 * error)

    @pytest.mark.parametrize("patients", [60, 120])
    def test_generalisation_falls_to_the_noise(self, patients):
        """Of a patient that is left out the true modes leave the planted noise, and nothing before the third does.

        Beyond 100 patients groups of them are left out.
        """
        components = model.Components.of(evidence.planted(1, patients).shapes)
        error, sigma = model.generalisation(components.coordinates, 3)
        assert error[3] == approx(evidence.NOISE, rel=0.06)
        assert error[2] > 10 * evidence.NOISE
        assert (np.diff(error) < 0).all()
        assert (sigma < 0.15 * error[0]).all()

    def test_generalisation_without_modes_is_the_distance_from_the_others_mean(self):
        """Of 0, 0 and 3: 1.5 from the mean of the others twice, and 3."""
        error, sigma = model.generalisation(np.array([[0.0], [0.0], [3.0]]), 1)
        assert error[0] == approx(2)
        assert sigma[0] == approx(np.std([1.5, 1.5, 3], ddof=1) / np.sqrt(3))
        assert error[1] == approx(1)  # for the third patient the others, which are equal, have no mode

    def test_compactness(self):
        np.testing.assert_allclose(model.compactness(np.array([6.0, 3.0, 1.0])), [0, 0.6, 0.9, 1])

    def test_specificity_of_two_patients(self):
        """Patients at -1 and 1 have the variance 2: the mean of ||sqrt(2) z| - 1| over normal z, by quadrature."""
        expected = quad(lambda z: abs(np.sqrt(2) * abs(z) - 1) * norm.pdf(z), -8, 8, points=[-(0.5**0.5), 0.5**0.5])[0]
        components = model.Components.of(np.array([[-1.0, 0], [1.0, 0]]))
        found, error = model.specificity(components, 1, 8.0, np.random.default_rng(0))
        assert found[0] == approx(1)
        assert found[1] == approx(expected, abs=3 * error[1])
        assert error[1] < 0.05 * expected

    def test_distances(self):
        """(3, 4) in the first two modes of a patient who is 12 off in the third: 13; neighbours of 0, 1, 5: 1, 1, 4."""
        assert model.nearest(np.array([[3.0, 4.0]]), np.array([[0.0, 0.0, 12.0]])) == approx([13])
        assert model.neighbours(np.array([[0.0], [1.0], [5.0]])) == approx([1, 1, 4])

    def test_truncated_normal(self):
        """Within 2 standard deviations the variance is 1 - 2·2 φ(2) / (2 Φ(2) - 1) = 0.7737."""
        drawn = model.truncated(np.random.default_rng(0), (40_000,), 2.0)
        assert np.abs(drawn).max() <= 2
        assert drawn.var() == approx(1 - 4 * norm.pdf(2) / (2 * norm.cdf(2) - 1), abs=0.01)

    @settings(max_examples=30, derandomize=True)
    @given(patients=st.integers(3, 12), size=st.integers(2, 20), seed=st.integers(0, 1000))
    def test_shapes_are_their_components(self, patients, size, seed):
        """Any cohort: orthonormal modes, exact reconstruction, variances of the coordinates, and the same signs
        whichever way the cohort is ordered."""
        cohort = np.random.default_rng(seed).normal(size=(patients, size))
        found, turned = model.Components.of(cohort), model.Components.of(cohort[::-1])
        np.testing.assert_allclose(found.modes @ found.modes.T, np.eye(len(found.modes)), atol=1e-9)
        np.testing.assert_allclose(found.mean + found.coordinates @ found.modes, cohort, atol=1e-9)
        np.testing.assert_allclose(found.coordinates.var(axis=0, ddof=1), found.variance)
        np.testing.assert_allclose(turned.coordinates[::-1, 0], found.coordinates[:, 0], atol=1e-6)


class TestBuild:
    def test_hearts_of_three_dimensions_have_three_modes(self):
        """Ellipsoids whose radius, wall and length vary alone: three modes give any of them back within 0.1 mm."""
        rng = np.random.default_rng(5)
        sizes = np.array([26, 10, 66]) + rng.normal(size=(40, 3)) * [3, 1, 4]
        walls = [synthetic.ellipsoids((r, r + w), (c, c + w), 16.0) for r, w, c in sizes]
        found = shapes.build([xr.Dataset(one.variables()) for one in walls], Shape(variance=0.999))
        assert found.sizes["shape_mode"] == 3
        assert float(found["generalisation"][3]) < 0.1
        assert float(found["generalisation"][2]) > 0.3

    def test_modes_are_in_mm_per_standard_deviation(self, shape):
        """Mean and scores times modes give each patient back, within the residual that is stored."""
        points = np.stack([correspondence.points(mesh.Surfaces.of(one)) for one in hearts(30)])
        again = shape["mean"].values + np.tensordot(shape["score"].values, shape["modes"].values, 1)
        rms = np.sqrt(np.mean(np.sum((again - points) ** 2, axis=-1), axis=(1, 2)))
        np.testing.assert_allclose(rms, shape["residual"], atol=1e-9)
        np.testing.assert_allclose(shape["score"].std("patient", ddof=1), 1)
        assert 0.98 <= float(shape["compactness"][shape.sizes["shape_mode"]]) <= 1

    def test_fewer_modes_can_be_asked_for(self):
        assert shapes.build(hearts(12), Shape(modes=2)).sizes["shape_mode"] == 2

    def test_too_few_patients_make_no_model(self):
        with pytest.raises(Rejected, match="few-patients: 9 patients have a mesh, at least 10 expected"):
            shapes.build(hearts(9), Shape())

    def test_a_cohort_of_one_heart_makes_no_model(self):
        with pytest.raises(Rejected, match="no-variation"):
            shapes.build(hearts(1) * 12, Shape())


class TestSynthesis:
    def test_it_is_a_heart_that_passes_every_gate(self, shape, drawn):
        """The mesh, the wall, both volumes, and the distance from every patient, measured anew on its walls."""
        assert quality.faults(drawn, COARSE) == []
        walls = mesh.Surfaces.of(drawn)
        assert [*virtual.implausible(walls, Shape())] == []
        own = correspondence.points(walls)
        patients = (correspondence.points(mesh.Surfaces.of(one)) for one in hearts(30))
        rms = min(np.sqrt(np.mean(np.sum((own - other) ** 2, axis=-1))) for other in patients)
        assert 0 <= rms - float(drawn["nearest_training"]) <= 2 * float(drawn["refit_rms"])
        assert float(drawn["nearest_training"]) >= virtual.closest(shape, Shape()) >= 1
        assert float(drawn["refit_rms"]) < 0.3

    def test_it_goes_through_fibres_and_mechanics(self, drawn):
        """As a patient's mesh does, also at another density."""
        anatomy = fibers.assign(drawn, Fibers())
        ventricle, _ = from_anatomy(anatomy, Mechanics(), MPI.COMM_SELF)
        assert ventricle.domain.topology.index_map(3).size_global == drawn.sizes["cell"]
        assert mesh.refine(drawn, 6.0, 2).sizes["cell"] > drawn.sizes["cell"]

    def test_a_number_is_the_same_heart_and_another_one_is_another(self, shape, drawn):
        assert shapes.synthesise(shape, 1, Shape(), COARSE).identical(drawn)
        assert not np.allclose(shapes.synthesise(shape, 2, Shape(), COARSE)["shape_score"], drawn["shape_score"])

    def test_a_refused_draw_is_followed_by_the_next_one_of_its_stream(self, shape, drawn, caplog):
        """With a cavity that the first draw has not; other limits change nothing about what is drawn."""
        caplog.set_level(logging.INFO, "twinbeat")
        volume = mesh.enclosed_volume(mesh.Surfaces.of(drawn), 0)
        limits = {"cavity_bounds": ("30 mL", f"{volume - 1} mL")}
        other = shapes.synthesise(shape, 1, Shape(synthesise=limits), COARSE)
        rng = np.random.default_rng([Shape().seed, 1])
        stream = model.truncated(rng, (int(other["attempts"]), shape.sizes["shape_mode"]), Shape().bound)
        np.testing.assert_array_equal(other["shape_score"], stream[-1])
        np.testing.assert_array_equal(drawn["shape_score"], stream[int(drawn["attempts"]) - 1])
        assert mesh.enclosed_volume(mesh.Surfaces.of(other), 0) < volume - 1
        assert f"refused at anatomy: cavity {volume:.1f} mL, 30 to {volume - 1:g} mL expected" in caplog.text

    @pytest.mark.parametrize(
        ("limits", "meshing", "gate"),
        [
            ({"wall_bounds": ("20 mm", "30 mm")}, COARSE, "3 at anatomy"),
            ({"muscle_bounds": ("30 mL", "31 mL")}, COARSE, "3 at anatomy"),
            ({"nearest": "20 mm"}, COARSE, "3 at nearest-training"),
            ({"nearest_share": 50}, COARSE, "3 at nearest-training"),
            ({}, Mesh(size="10 mm", minimum_dihedral="60 degree"), "3 at mesh"),
        ],
    )
    def test_after_the_last_draw_it_is_given_up(self, shape, limits, meshing, gate):
        with pytest.raises(Quarantined, match=f"no-anatomy: all 3 draws were refused .{gate}., one expected"):
            shapes.synthesise(shape, 1, Shape(synthesise={"attempts": 3} | limits), meshing)

    def test_walls_that_cross_are_refused(self, shape):
        """A model whose endocardium lies about its epicardium."""
        turned = shape.assign(mean=shape["mean"].isel(wall=[1, 0]))
        with pytest.raises(virtual.Refused, match="walls: the walls cross"):
            virtual.anatomy(turned, np.full(shape.sizes["shape_mode"], 1.0), Shape(), COARSE)

    def test_walls_that_are_not_through_the_points_are_refused(self, shape):
        """About a centre 12 mm beside the heart's, the same disk lies elsewhere on the walls."""
        beside = shape.assign(frame=shape["frame"] + np.r_[12.0, np.zeros(8)])
        with pytest.raises(virtual.Refused, match="walls: star-shaped walls lie"):
            virtual.anatomy(beside, np.full(shape.sizes["shape_mode"], 1.0), Shape(), COARSE)

    def test_a_cohort_of_nearly_one_heart_gives_nothing_away(self):
        """Twelve hearts that differ by tenths of a mm: whatever is drawn is one of them to a contour's accuracy."""
        near = shapes.build(hearts(12, spread=0.03), Shape())
        assert float(near["neighbour"].max()) < 0.5
        with pytest.raises(Quarantined, match=r"no-anatomy: all 50 draws were refused \(50 at nearest-training"):
            shapes.synthesise(near, 1, Shape(), COARSE)

    def test_a_patient_is_not_drawn_again(self, shape):
        """At a patient's own scores the distance is its residual, far below what is expected."""
        for patient in range(3):
            own = shape["score"].values[patient]
            distance = virtual.nearest_training(shape, own)
            assert distance == approx(float(shape["residual"][patient]))
            with pytest.raises(virtual.Refused, match="nearest-training"):
                virtual.anatomy(shape, own, Shape(), COARSE)


def test_stores_name_no_patient(shape, drawn, tmp_path):
    """The model and a virtual anatomy, published and read back; the anatomy comes from the model alone."""
    with contextlib.chdir(tmp_path):
        store.publish(shape, "results/study/shape.zarr")
        store.publish(drawn, "results/study/virtual/v-00001/mesh.zarr", inputs=["results/study/shape.zarr"])
        back = store.open("results/study/virtual/v-00001/mesh.zarr")
    np.testing.assert_array_equal(back["points"], drawn["points"])
    assert list(back.attrs["provenance"]["inputs"]) == ["study/shape.zarr"]
    assert not json.dumps(back.attrs["provenance"]["external"]).strip("[]")


def test_page(shape):
    """Both pictures are there, and the table says what the store says, up to the modes that are kept."""
    kept = 2
    page = report.shape_page("study", shape.isel(shape_mode=slice(kept)))
    assert page.count("data:image/") == 2
    assert f"{100 * float(shape['compactness'][kept]):.1f}</td>" in page
    assert page.count('<tr><td class="n">') == kept + 1
    assert "30 left ventricles" in page


def test_three_patients_are_enough_for_a_page():
    """Two modes, of which leaving one patient out can judge the first alone."""
    few = shapes.build(hearts(3), Shape(minimum_patients=3, variance=1))
    assert (few.sizes["shape_mode"], few.sizes["count"]) == (2, 2)
    assert report.shape_page("study", few).count('<tr><td class="n">') == 2
