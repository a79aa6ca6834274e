"""Breath-hold shifts: planted jumps are found and taken out, and a heart that only leans or bends is left alone."""

from functools import cache

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from twinbeat.evidence import segmentation as evidence
from twinbeat.intake.imaging import breathhold, image
from twinbeat.parameters import Imaging
from twinbeat.phantom import plan

TOLERANCE = 1.5  # mm
HEARTS = ("healthy", "dilated")


@cache
def still(phenotype: str) -> xr.Dataset:
    """A phantom whose breath-holds were all alike: 8 frames, 14 slices 8 mm apart, pixels of 1.4 to 1.8 mm."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "_breath_holds", lambda rng, count: np.zeros((count, 2)))
        return evidence.phantom(31, phenotype, 8).drop_vars(("labels", "to_lps"))


def planted(phenotype: str, z: int, by: np.ndarray) -> xr.Dataset:
    """The phantom with slice ``z`` moved by (y, x) mm."""
    changed = still(phenotype).copy(deep=True)
    changed.image.values[:, z] = breathhold.moved(changed, z, by)
    return changed


@pytest.mark.parametrize("phenotype", HEARTS)
def test_a_stack_without_shifts_stays(phenotype):
    """No slice seems to move by a pixel, and none is moved; at least six of the ten of the ventricle are judged."""
    found, judged = breathhold.shifts(still(phenotype))
    assert judged.sum() >= 6
    assert np.linalg.norm(found, axis=1).max() < float(still(phenotype).x[1])
    freed = image._freed(still(phenotype).copy(deep=True), Imaging())
    assert not freed.shift_removed.any()
    np.testing.assert_array_equal(freed.image, still(phenotype).image)


@pytest.mark.parametrize("phenotype", HEARTS)
@pytest.mark.parametrize(("z", "size", "angle"), [(6, 3.0, 0.4), (7, 8.0, 2.0), (8, 5.0, 4.0), (9, 6.5, 5.5)])
def test_a_planted_jump_is_recovered(phenotype, z, size, angle):
    """Jumps of 3 to 8 mm in mid slices are found to 1.5 mm, and no other slice seems to move by a pixel."""
    jump = size * np.array([np.sin(angle), np.cos(angle)])
    found, judged = breathhold.shifts(planted(phenotype, z, jump))
    assert judged[z]
    assert np.linalg.norm(found[z] - jump) < TOLERANCE
    assert np.linalg.norm(np.delete(found, z, axis=0), axis=1).max() < float(still(phenotype).x[1])


def test_a_large_jump_is_taken_out():
    """A slice moved by 7 mm comes back to within what was left over, and the store says by how much."""
    jump = np.array([-4.0, 5.7])
    freed = image._freed(planted("healthy", 7, jump), Imaging())
    assert np.flatnonzero(freed.shift_removed.any("in_plane")).tolist() == [7]
    np.testing.assert_allclose(freed.shift_removed[7], jump, atol=TOLERANCE)
    off = [
        np.abs(one.image[:, 7] - still("healthy").image[:, 7]).mean() for one in (freed, planted("healthy", 7, jump))
    ]
    assert off[0] < off[1] / 2


@settings(max_examples=25)
@given(
    lean=st.floats(-6, 6),
    bend=st.floats(-20, 20),
    jump=st.floats(3, 8),
    at=st.integers(2, 9),
    noise=st.integers(0, 999),
)
def test_a_leaning_and_bent_line_is_smooth(lean, bend, jump, at, noise):
    """Places on a parabola along 12 slices are no shifts, even where one slice is off it and all are noisy (0.2 mm)."""
    t = np.linspace(-1, 1, 12)[:, None]
    places = lean * t * [6, -3] + bend * t**2 * [1, 0.5] + 0.2 * np.random.default_rng(at).normal(size=(12, 2))
    places[at] += [jump, 0]
    off = places - breathhold._smooth(places)
    np.testing.assert_allclose(off[at], [jump, 0], atol=1.5)
    assert np.linalg.norm(np.delete(off, at, axis=0), axis=1).max() < 1.5


def test_a_stack_that_cannot_be_judged():
    """A CT is one breath-hold; four slices are too few; noise has no neighbours that are alike."""
    noise = still("healthy").copy(deep=True)
    noise.image.values[:] = np.random.default_rng(1).normal(size=noise.image.shape)
    for given_ in (still("healthy").assign_attrs(modality="CT"), still("healthy").isel(z=slice(4)), noise):
        found, judged = breathhold.shifts(given_)
        assert not found.any() and not judged.any()
        assert len(found) == given_.sizes["z"]
