"""Scar and border zone: by segment, by late enhancement, and how far the border reaches."""

import numpy as np
import pytest
import xarray as xr

from twinbeat import fibers
from twinbeat.fibers.scar import BORDER, HEALTHY, SCAR, enhanced, imaged
from twinbeat.mesh import synthetic
from twinbeat.parameters import Fibers


@pytest.fixture(scope="module")
def anatomy():
    turned = synthetic.ellipsoid(6.0, 2).assign(
        to_lps=(("row", "column"), np.block([[synthetic.OBLIQUE, np.full((3, 1), 40.0)], [np.eye(4)[3:]]]))
    )
    return fibers.assign(turned, Fibers())


def labels(enhancement, spacing=(8.0, 2.0, 2.0), origin=(0.0, 0.0, 0.0), directions=None):
    """A store of labels with late enhancement alone."""
    steps = zip(("z", "y", "x"), enhancement.shape, spacing, strict=True)
    return xr.Dataset(
        {
            "enhancement": (("z", "y", "x"), enhancement),
            "origin": (("component",), np.array(origin)),
            "directions": (("axis", "component"), np.eye(3)[::-1] if directions is None else directions),
        },
        coords={name: np.arange(count) * step for name, count, step in steps},
    )


def centres(anatomy):
    return anatomy["points"].values[anatomy["cells"].values].mean(axis=1)


def test_scar_is_where_the_reader_saw_it(anatomy):
    """Segments 7 and 13, without a border zone: those cells and no other."""
    scar = fibers.scarred(anatomy, xr.Dataset(), (7, 13))
    found = fibers.tissue(anatomy, scar, 0.0)
    np.testing.assert_array_equal(found == SCAR, np.isin(anatomy["segment"], (7, 13)))
    assert set(np.unique(found)) == {HEALTHY, SCAR}


def test_border_zone_has_its_width(anatomy):
    """5 mm about the upper half of the wall (z above -30 mm): the cells whose centres are down to -35 mm, but for the
    jagged edge of half an element (3 mm) on either side."""
    z = centres(anatomy)[:, 2]
    found = fibers.tissue(anatomy, z > -30, 5.0)
    assert (found[z > -30] == SCAR).all()
    assert (found[z < -35 - 3] == HEALTHY).all()
    assert (found[(z <= -30) & (z > -35 + 3)] == BORDER).all()


def test_without_scar_there_is_no_border_zone(anatomy):
    none = np.zeros(anatomy.sizes["cell"], bool)
    assert (fibers.tissue(anatomy, none, 5.0) == HEALTHY).all()


def test_blood_is_no_scar(anatomy):
    """Cells of blood within an enhanced voxel stay healthy, and are no border zone either."""
    tags = np.where(centres(anatomy)[:, 0] > 0, 1, 3)
    found = fibers.tissue(anatomy.assign(cell_tags=("cell", tags)), np.ones(len(tags), bool), 5.0)
    np.testing.assert_array_equal(found, np.where(tags == 1, SCAR, HEALTHY))


def test_enhancement_is_read_at_the_nearest_voxel():
    """A voxel of 8 x 2 x 2 mm about (6, 4, 8) mm: 0.9 mm beside it in the plane and 3.9 mm along z is still inside."""
    image = np.zeros((3, 5, 6), int)
    image[1, 2, 3] = 1
    points = np.array([[6, 4, 8], [6.9, 3.1, 11.9], [7.1, 4, 8], [6, 4, 12.1], [6, 4, 3.9]], float)
    assert enhanced(labels(image), points).tolist() == [True, True, False, False, False]


def test_beyond_the_stack_nothing_enhances():
    """All voxels enhance; the outermost reach half a voxel beyond their centres."""
    everywhere = labels(np.ones((3, 5, 6), int))
    points = np.array([[0, 0, -3.9], [0, 0, -4.1], [11.1, 0, 0], [-0.9, 8.9, 19.9]], float)
    assert enhanced(everywhere, points).tolist() == [True, False, False, True]


def test_a_breath_hold_moves_what_enhances(anatomy):
    """Slices at 0 and 8 mm, the upper one moved by (3, 2) mm: points are sought where the stack has them."""
    moved = anatomy.assign(
        slice_position=("slice", [0.0, 8.0]), slice_shift=(("slice", "component"), [[0, 0, 0], [3, 2, 0]])
    )
    stack, points = labels(np.zeros((2, 5, 6))), np.array([[6.0, 4, 3], [6.0, 4, 5]])
    assert imaged(moved, stack, points).tolist() == [[6, 4, 3], [9, 6, 5]]
    assert imaged(anatomy.drop_vars("slice_shift", errors="ignore"), stack, points).tolist() == points.tolist()


def test_enhancement_overrules_the_reader(anatomy):
    """An oblique stack of 2 mm voxels that enhance where the first axis of the heart is above 10 mm: within a voxel's
    half diagonal (1.7 mm) of that plane either is right, and segments are not asked."""
    to_lps = anatomy["to_lps"].values
    corner = np.array([-42.0, -42.0, -92.0])
    across = corner[0] + 2.0 * np.arange(43)
    image = np.broadcast_to(across > 10, (48, 43, 43)).astype(int)
    origin = to_lps[:3, :3] @ corner + to_lps[:3, 3]
    store = labels(image, (2.0, 2.0, 2.0), origin, to_lps[:3, :3].T[::-1])
    scar, first = fibers.scarred(anatomy, store, (1, 2, 3)), centres(anatomy)[:, 0]
    sure = np.abs(first - 10) > 1.75
    np.testing.assert_array_equal(scar[sure], first[sure] > 10)
