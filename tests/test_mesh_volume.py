"""Labels of an isotropic volume in any position: they become a short-axis stack, and then the known heart."""

import numpy as np
import pytest
import xarray as xr
from pytest import approx
from scipy.spatial.transform import Rotation

from twinbeat import mesh
from twinbeat.mesh import fit, reformat, right, synthetic
from twinbeat.mesh.from_labels import steady
from twinbeat.parameters import Mesh
from twinbeat.verdicts import Quarantined

PIXEL = 1.5
TURNED = Rotation.from_euler("xyz", [0.5, -0.9, 0.3]).as_matrix()  # heart frame to LPS
SHAPE = synthetic.ellipsoids(*synthetic.HUMAN)


@pytest.fixture(scope="module")
def volume() -> xr.Dataset:
    """Axial slices of 1.5 mm through the human ellipsoid with its RV, which lies obliquely in them."""
    axes = [np.arange(-110, 80, PIXEL), np.arange(-90, 90, PIXEL), np.arange(-90, 100, PIXEL)]
    lps = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)[..., ::-1]
    points = lps @ TURNED
    inner, outer = synthetic._inside(SHAPE, points, PIXEL)
    beside = synthetic._right(SHAPE, points, PIXEL) * (1 - outer) * (points[..., 2] < 0)
    share = np.stack([1 - outer - beside, inner, outer - inner, beside])[:, None]
    return xr.Dataset(
        {
            "labels": (("time", "z", "y", "x"), share.argmax(axis=0)),
            "probability": (("label", "time", "z", "y", "x"), share),
            "origin": (("component",), np.array([-90.0, -90, -110])),
            "directions": (("axis", "component"), np.eye(3)[::-1]),
            "end_diastole": ((), 0),
        },
        coords={name: axis - axis[0] for name, axis in zip("zyx", axes, strict=True)},
    )


@pytest.fixture(scope="module")
def stack(volume):
    return reformat.short_axis(volume)


def test_the_stack_lies_along_the_long_axis(stack):
    """From the apex to the base within 6 degree: the RV does not pull the axis, which is that of LV blood."""
    assert stack["directions"].values[0] @ TURNED[:, 2] > np.cos(np.radians(6))
    np.testing.assert_allclose(stack["directions"].values @ stack["directions"].values.T, np.eye(3), atol=1e-12)


def test_volumes_come_back(volume):
    """Cavity within 4 % and wall within 5 % of the truth; contours within 1 mm. The base is found to a slice of 2 mm,
    which is 2 % of the cavity; voxels of 1.5 mm, smoothed by 1 mm, do the rest."""
    found = mesh.build(volume, Mesh(size="8 mm", layers=1))
    points, cells, facets, tags = (found[name].values for name in ("points", "cells", "facets", "facet_tags"))
    inner, outer = synthetic.cap_volume(26, 62, 16), synthetic.cap_volume(36, 70, 16)
    assert mesh.cavity_volume(points, facets, tags) == approx(inner, rel=0.04)
    assert mesh.wall_volume(points, cells) == approx(outer - inner, rel=0.05)
    assert found["contour_rms"].values.max() < 1


def test_the_right_ventricle_comes_back(stack):
    """Contours of RV blood within 1 mm of its surface."""
    outlines = steady(stack, 1e-3)
    anatomy = right.levels(stack, outlines, fit.surfaces(outlines, 1e-3), 3.0)
    assert np.sqrt(np.mean(anatomy.at("right", right.contours(stack, outlines)) ** 2)) < 1


def test_a_stack_is_left_as_it_is():
    thick = synthetic.labels(SHAPE, pixel=2.0)
    assert reformat.short_axis(thick) is thick


def test_no_blood(volume):
    with pytest.raises(Quarantined) as stopped:
        reformat.short_axis(volume.assign(labels=volume["labels"] * 0))
    assert stopped.value.code == "no-ventricle"
