"""Smooth walls, the template between them, and measures of meshes: known shapes have known figures."""

import numpy as np
import pytest
from mesh_samples import arrays, bumpy
from pytest import approx

from twinbeat import mesh
from twinbeat.mesh import quality, surfaces, synthetic, template
from twinbeat.parameters import Mesh


class TestSurfaces:
    def test_harmonics_are_orthonormal(self):
        """∫ Yᵢ Yⱼ dΩ is the unit matrix: Gauss in cos θ and even steps in φ are exact up to degree 12."""
        x, weights = np.polynomial.legendre.leggauss(8)
        theta, phi = np.meshgrid(np.arccos(x), 2 * np.pi * np.arange(16) / 16, indexing="ij")
        Y = surfaces.harmonics(theta, phi, 6)
        gram = np.einsum("tpi,tpj,t->ij", Y, Y, weights) * 2 * np.pi / 16
        np.testing.assert_allclose(gram, np.eye(49), atol=1e-12)

    @pytest.mark.parametrize("base", [16.0, 0.0, -10.0])
    def test_enclosed_volume_is_that_of_the_cap(self, base):
        """π a² (h + 2c/3 - h³/3c²), also where the centre lies above the base plane."""
        shape = synthetic.ellipsoids((26.0, 36.0), (62.0, 70.0), base)
        for wall, (short, long) in enumerate([(26, 62), (36, 70)]):
            assert mesh.enclosed_volume(shape, wall) == approx(synthetic.cap_volume(short, long, base), rel=1e-9)

    def test_angles_are_the_inverse_of_points(self):
        shape = bumpy(1)
        theta, phi = np.array([0.5, 1.5, 2.9]), np.array([-3.0, 0.2, 1.4])
        np.testing.assert_allclose(shape.angles(shape.points(1, theta, phi)), [theta, phi], atol=1e-12)


class TestTemplate:
    @pytest.mark.parametrize(("size", "layers"), [(9.0, 1), (6.0, 2), (3.0, 4)])
    def test_mesh_is_a_ball_with_good_elements(self, size, layers):
        """Closed, manifold and of the topology of a ball (Euler characteristic 2); no angle under 25 degree."""
        anatomy = synthetic.ellipsoid(size, layers)
        points, cells, facets, _ = arrays(anatomy)
        assert quality.faults(anatomy, Mesh(minimum_dihedral="25 degree", maximum_aspect=3)) == []
        assert len(np.unique(facets)) - 1.5 * len(facets) + len(facets) == 2
        edges = np.linalg.norm(points[cells[:, 1]] - points[cells[:, 0]], axis=1)
        assert 0.6 * size < np.median(edges) < 1.7 * size

    def test_tags_are_where_they_belong(self):
        """The base lies in z = 0, the walls have their depths, and normals point out of the muscle."""
        anatomy = synthetic.ellipsoid(6.0, 2)
        points, _, facets, tags = arrays(anatomy)
        assert np.abs(points[facets[tags == mesh.BASE], 2]).max() == 0
        assert set(anatomy["depth"].values[facets[tags == mesh.ENDOCARDIUM]].ravel()) == {0.0}
        assert set(anatomy["depth"].values[facets[tags == mesh.EPICARDIUM]].ravel()) == {1.0}
        a, b, c = np.moveaxis(points[facets], 1, 0)
        outward = np.einsum("ij,ij->i", np.cross(b - a, c - a), (a + b + c) / 3 - anatomy["surface_centre"].values)
        assert (outward[tags == mesh.EPICARDIUM] > 0).all()
        assert (outward[tags == mesh.ENDOCARDIUM] < 0).all()

    def test_volumes_converge_at_second_order(self):
        """Chords of length h lose a share of h² of the volume: halving h divides the loss by 4."""
        exact = synthetic.cap_volume(26, 62, 16)
        losses = []
        for size in (8.0, 4.0):
            points, _, facets, tags = arrays(synthetic.ellipsoid(size, 1))
            losses.append(exact - mesh.cavity_volume(points, facets, tags))
        assert losses[0] / losses[1] == approx(4, abs=0.5)

    def test_land_ellipsoid(self):
        """Land et al. 2015, problem 2: cavity 2.492 mL; apices 17 + 5 and 20 + 5 mm under the base."""
        points, cells, facets, tags = arrays(synthetic.ellipsoid(1.0, 3, *synthetic.LAND))
        assert mesh.cavity_volume(points, facets, tags) == approx(2.492, rel=0.005)
        assert points[facets[tags == mesh.ENDOCARDIUM], 2].min() == approx(-22)
        assert points[:, 2].min() == approx(-25)
        assert mesh.wall_volume(points, cells) == approx(3.2347, rel=0.005)

    def test_disks_are_closed_for_all_counts(self):
        """Each edge in two triangles, those of the rim in one; also where middles of edges of both rings coincide."""
        for inner in range(6, 40):
            for outer in range(inner, inner + 7):
                found = template.disk([1, 6, inner, outer, outer]).triangles
                edges = np.sort(np.concatenate([found[:, [0, 1]], found[:, [1, 2]], found[:, [2, 0]]]), axis=1)
                counts = np.unique(edges, axis=0, return_counts=True)[1]
                assert (counts <= 2).all()
                assert (counts == 1).sum() == outer


class TestMeasures:
    def test_cavity_follows_any_deformation(self):
        """Stretches of 1.1, 0.9 and 1.2 multiply the volume by 1.188; a translation leaves it."""
        points, _, facets, tags = arrays(synthetic.ellipsoid(8.0, 1))
        before = mesh.cavity_volume(points, facets, tags)
        after = mesh.cavity_volume(points * [1.1, 0.9, 1.2] + [5, -7, 30], facets, tags)
        assert after == approx(1.188 * before, rel=1e-12)

    def test_regular_tetrahedron(self):
        """Dihedral angle arccos(1/3) = 70.53 degree, aspect ratio 1, volume of edge 2√2: 8/3."""
        points = np.array([[1, 1, 1], [-1, 1, -1], [1, -1, -1], [-1, -1, 1]], dtype=float)
        cells = np.array([[0, 1, 2, 3]])
        np.testing.assert_allclose(quality.dihedral_angles(points, cells), np.degrees(np.arccos(1 / 3)))
        np.testing.assert_allclose(quality.aspects(points, cells), 1)
        np.testing.assert_allclose(mesh.cell_volumes(points, cells), 8 / 3)

    def test_faults_are_found(self):
        anatomy = synthetic.ellipsoid(9.0, 1)
        cells, facets = anatomy["cells"].values.copy(), anatomy["facets"].values
        assert quality.faults(anatomy, Mesh(minimum_dihedral="60 degree"))[0].endswith("at least 60 expected")
        assert quality.faults(anatomy, Mesh(maximum_aspect=1.01))[0].startswith("largest aspect ratio")
        assert not quality.watertight(facets[1:])
        cells[0] = cells[0, [1, 0, 2, 3]]
        turned = anatomy.assign(cells=anatomy["cells"].copy(data=cells))
        assert quality.faults(turned, Mesh()) == ["1 inverted elements"]
        opened = anatomy.isel(facet=slice(1, None))
        assert quality.faults(opened, Mesh()) == ["surface not closed"]
