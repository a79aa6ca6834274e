"""Both ventricles from labels of a known shape, and what is tried when a mesh fails."""

import logging

import numpy as np
import pytest
import xarray as xr
from pytest import approx
from skimage.measure import marching_cubes

from twinbeat import mesh, store
from twinbeat.mesh import biventricle, boundary, levels, measures, quality, right, synthetic
from twinbeat.mesh.from_labels import steady
from twinbeat.parameters import Mesh
from twinbeat.verdicts import Quarantined

COARSE = Mesh(biventricle={"size": "7 mm", "wall": "4 mm"})


@pytest.fixture(scope="module")
def stack():
    return synthetic.labels(synthetic.ellipsoids(*synthetic.HUMAN), pixel=2.0)


@pytest.fixture(scope="module")
def built(stack):
    return biventricle.build_biventricle(stack, COARSE)


class TestBuild:
    def test_is_coarse(self, built):
        """Edges of 7 mm, and 4.7 mm in the right wall, where an edge across it would give four times as many cells."""
        assert 10_000 < built.sizes["cell"] < 30_000

    def test_contours_are_met(self, built):
        """Root mean square distances at most 1 mm: LV endocardium, RV endocardium, LV epicardium."""
        assert built["contour_rms"].values.max() < 1

    def test_passes_the_gates_and_is_what_the_table_says(self, built, tmp_path):
        assert quality.faults(built, COARSE) == []
        np.testing.assert_allclose(built["volume"], built["smooth_volume"], rtol=0.01)
        store.publish(built, tmp_path / "biventricle.zarr")
        assert store.open(tmp_path / "biventricle.zarr")["cells"].equals(built["cells"])

    def test_islands_cost_the_walls_no_volume(self, built):
        """Bisection to 0.02 % of 133 mL, and cells of 0.003 mL that change sides together: 0.05 mL in walls of one
        piece. Islands given away after the border was placed would cost the right wall 0.4 mL."""
        cells, tags = built["cells"].values, built["cell_tags"].values
        np.testing.assert_allclose(built["volume"][:2], built["smooth_volume"][:2], atol=0.05)
        assert [boundary.components(cells[tags == wall]).max() for wall in (1, 2)] == [0, 0]

    def test_left_blood_is_that_of_the_planted_ellipsoid(self, built):
        """Within 3 %, as for the LV alone."""
        assert float(built["volume"][2]) == approx(synthetic.cap_volume(26, 62, 16), rel=0.03)

    def test_right_wall_has_its_thickness(self, built):
        """From the RV free wall's endocardium to the epicardium: 4 mm, but where it meets the left ventricle."""
        points, facets, tags = (built[name].values for name in ("points", "facets", "facet_tags"))
        inner = points[np.unique(facets[tags == boundary.RIGHT_ENDOCARDIUM])]
        outer = points[np.unique(facets[tags == mesh.EPICARDIUM])]
        free = inner[inner[:, 0] > np.quantile(inner[:, 0], 0.8)]
        nearest = np.linalg.norm(free[:, None] - outer[None], axis=2).min(axis=1)
        assert np.median(nearest) == approx(4, abs=0.5)

    def test_the_right_wall_lies_towards_the_right(self, built):
        """The first axis points to the RV."""
        x = built["points"].values[built["cells"].values].mean(axis=1)[:, 0]
        tags = built["cell_tags"].values
        assert x[tags == levels.RIGHT_WALL].mean() > 30 > x[tags == levels.LEFT_WALL].mean()

    def test_no_staircase(self):
        """Slices of 8 mm, each as it is down to the next, have edges of a right angle: over 0.3 per mm across a grid of
        2 mm. Of an ellipsoid smoothed between the slices 99 % of all edges bend by less than a fillet of 4 mm."""
        z, y = 8.0 * np.arange(-1, 9), np.arange(-40.0, 40, 2)
        radii = 30 * np.sqrt(np.maximum(1 - (z / 70) ** 2, 0))
        planes = np.hypot(*np.meshgrid(y, y)) - radii[:, None, None]
        smooth = right.between(z, y, y, planes, right.STIFFNESS)
        steps = np.repeat(smooth.values[4::4], 4, axis=0)
        bent = [bends_of(values, smooth) for values in (smooth.values, steps)]
        assert bent[0] < 1 / 4 < 0.3 < bent[1]

    @pytest.mark.parametrize("seen", [0.0, 0.5])
    def test_valves_may_cut_the_right_ventricle(self, stack, seen):
        """Half of it in the first slice, or none, is not its form there: it goes on as it is in the second one."""
        outlines = steady(stack, 1e-3)
        cut, first = stack.copy(deep=True), int(np.abs(stack["z"].values - outlines.positions[0]).argmin())
        blood = np.argwhere(cut["labels"].values[0, first] == 3)
        cut["labels"].values[0, first][tuple(blood[int(seen * len(blood)) :].T)] = 0
        shape = biventricle.fit.surfaces(outlines, 1e-3)
        whole, found = (right.levels(labels, outlines, shape, 4.0).volumes for labels in (stack, cut))
        assert found[levels.RIGHT_BLOOD] == approx(whole[levels.RIGHT_BLOOD], rel=0.03)

    def test_the_right_ventricle_follows_its_outlines(self, stack, caplog):
        """Its blood is 6 mm to one side in every other slice: of that zigzag, half the stiffness leaves less."""
        caplog.set_level(logging.INFO, "twinbeat")
        outlines, zigzag = steady(stack, 1e-3), stack.copy(deep=True)
        for name in ("labels", "probability"):
            values = zigzag[name].load().values
            values[..., ::2, :, :] = np.roll(values[..., ::2, :, :], 3, axis=-2)
        shape, drawn = biventricle.fit.surfaces(outlines, 1e-3), right.contours(zigzag, outlines)
        smooth = right.levels(zigzag, outlines, shape, 4.0)
        near = right.levels(zigzag, outlines, shape, 4.0, misfit=0.99 * smooth.rms("right", drawn))
        assert near.rms("right", drawn) < 0.99 * smooth.rms("right", drawn)
        assert caplog.text.count("with 0.5 of the penalty") == 1

    def test_scar_is_meshed_finer(self, stack):
        """Half the edge within 5 mm of a scar in the lateral wall, all of it on the other side of the ventricle."""
        outlines = steady(stack, 1e-3)
        shape = biventricle.fit.surfaces(outlines, 1e-3)
        anatomy = right.levels(stack, outlines, shape, 4.0)
        scar = np.array([[-30.0, 0, -20]])
        parameters = Mesh(biventricle={"size": "4 mm", "scar": 0.5, "across": 1, "wall": "4 mm"})
        sizes = biventricle.wanted(anatomy, parameters, 1.0, scar)
        assert sizes(np.array([[-30.0, 2, -20], [0, 30.0, -20]])) == approx([2, 4])


def bends_of(values: np.ndarray, like: right.Stack) -> float:
    """The 99th percentile of the curvature of the surface where values are zero."""
    spacing = [abs(axis[1] - axis[0]) for axis in (like.z, like.y, like.x)]
    points, facets, _, _ = marching_cubes(values, 0.0, spacing=spacing)
    return float(np.percentile(measures.bends(points, facets), 99))


class TestRemeshing:
    @pytest.fixture(autouse=True)
    def without_levels(self, monkeypatch):
        """Meshes are planted here, so nothing reads the levels."""
        monkeypatch.setattr(biventricle.right, "levels", lambda *_: None)

    def test_the_next_attempt_has_another_lattice(self, stack, monkeypatch, caplog):
        """One attempt fails in Mmg, one at a gate; the third passes."""
        caplog.set_level(logging.INFO, "twinbeat")
        tried, answers = [], iter([["surface not closed"], []])

        def meshed(levels_, parameters, attempt, scar):
            tried.append(attempt)
            if len(tried) == 1:
                raise RuntimeError("Remeshing failed")
            return xr.Dataset()

        monkeypatch.setattr(biventricle, "meshed", meshed)
        monkeypatch.setattr(biventricle, "faults", lambda *_: next(answers))
        monkeypatch.setattr(biventricle, "_figures", lambda *_: {"minimum_dihedral": 12.0})
        assert float(biventricle.build_biventricle(stack, COARSE)["minimum_dihedral"]) == 12
        assert tried == list(biventricle.ATTEMPTS[:3])
        assert caplog.text.count("trying again") == 2

    def test_quarantined_after_all_attempts(self, stack, monkeypatch):
        monkeypatch.setattr(biventricle, "meshed", lambda *_: xr.Dataset())
        monkeypatch.setattr(biventricle, "faults", lambda *_: ["3 inverted elements"])
        with pytest.raises(Quarantined, match="3 inverted elements") as stopped:
            biventricle.build_biventricle(stack, COARSE)
        assert stopped.value.code == "mesh-quality"
