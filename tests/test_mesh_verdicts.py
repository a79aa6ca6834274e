"""What cannot be meshed, and how meshing is tried again."""

import logging

import pytest
from pytest import approx

from twinbeat import mesh
from twinbeat.mesh import align, contours, fit, from_labels, quality, synthetic
from twinbeat.parameters import Mesh
from twinbeat.verdicts import Quarantined

COARSE = Mesh(size="8 mm", layers=1)


@pytest.fixture(scope="module")
def stack():
    return synthetic.labels(synthetic.ellipsoids(*synthetic.HUMAN))


class TestVerdicts:
    def quarantined(self, labels, parameters=COARSE) -> str:
        with pytest.raises(Quarantined) as raised:
            mesh.build(labels, parameters)
        return raised.value.code

    def test_no_ventricle(self, stack):
        assert self.quarantined(stack.assign(labels=0 * stack["labels"])) == "no-ventricle"

    def test_few_slices(self, stack):
        assert self.quarantined(stack.isel(z=slice(0, 5))) == "few-slices"

    def test_apex_missing(self, stack):
        assert self.quarantined(stack.isel(z=slice(0, 8))) == "apex-missing"

    def test_no_septum(self, stack):
        assert self.quarantined(stack.assign(labels=stack["labels"] % 3)) == "no-septum"

    def test_mesh_quality_after_all_attempts(self, stack, caplog):
        caplog.set_level(logging.INFO, "twinbeat")
        assert self.quarantined(stack, COARSE.model_copy(update={"minimum_dihedral": 50.0})) == "mesh-quality"
        assert caplog.text.count("trying again") == len(from_labels.attempts(COARSE, 9.0)) == 8
        assert "mesh: size 8 mm, layers 1, smoothness 0.001, misfit 1 mm: " in caplog.text

    def test_flat_elements_are_made_smaller(self, stack, caplog):
        """Layers of 4 to 5 mm with edges of 16 mm have angles of about atan(4.5 / 14) = 18 degree, below 20; smoother
        walls change nothing, edges of 12 mm make it 23."""
        caplog.set_level(logging.INFO, "twinbeat")
        found = mesh.build(stack, Mesh(size="16 mm", layers=2))
        assert caplog.text.count("trying again") == 2
        assert float(found["percentile_dihedral"]) == approx(23, abs=1)

    def test_tall_elements_get_more_layers_first(self):
        """Edges of 4 mm in two layers: of a wall of 12 mm, layers of 6 mm are tall, of one of 6 mm they are flat."""
        thick, thin = (from_labels.attempts(Mesh(size="4 mm", layers=2), wall)[2] for wall in (12.0, 6.0))
        assert (thick.size, thick.layers) == (4, 4)
        assert (thin.size, thin.layers) == (3, 2)

    def test_a_stack_that_just_reaches_the_apex_is_enough(self, stack):
        """Without a slice beyond the apex, the ellipsoid alone closes the wall: cavity within 5 %."""
        found = mesh.build(stack.isel(z=slice(0, -3)), COARSE)
        points, facets, tags = (found[name].values for name in ("points", "facets", "facet_tags"))
        assert mesh.cavity_volume(points, facets, tags) == approx(synthetic.cap_volume(26, 62, 16), rel=0.05)


class TestRemeshing:
    def test_a_smoother_surface_is_tried_next(self, stack, monkeypatch):
        answers = iter([["surface not closed"], []])
        used = []
        monkeypatch.setattr(quality, "faults", lambda result, limits: next(answers))
        monkeypatch.setattr(fit, "surfaces", record(fit.surfaces, used))
        mesh.build(stack, COARSE)
        assert used == [(1e-3,)] * align.ROUNDS + [(1e-3, 1.0), (1e-2, 10.0)]  # to lay slices onto walls, then to mesh

    def test_walls_that_nearly_touch_are_refused(self, stack):
        """1 mm of wall, and an endocardium at 34 mm for contours at 26: 8 mm off, less towards the apex."""
        shape = synthetic.ellipsoids((34.0, 35.0), (62.0, 63.0), 16.0)
        thin, far = from_labels.implausible(shape, contours.extract(stack))
        assert thin == "wall 1.0 mm thin, at least 1.5 mm expected"
        assert float(far.split()[6]) == approx(8, abs=0.5)


def record(function, seen):
    def recorded(outlines, smoothness, *misfit):
        seen.append((smoothness, *misfit))
        return function(outlines, smoothness, *misfit)

    return recorded
