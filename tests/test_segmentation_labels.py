"""From probabilities to labels that obey anatomy."""

import numpy as np
import pytest
from label_samples import PIXEL, certain, cine, disc, labelled, ring

from twinbeat.segmentation import outline, postprocess

BLOOD, MYOCARDIUM, RV = 1, 2, 3


def test_sound_labels_stay_as_they_are():
    right = np.where(disc(14, (32, 54)) & (ring() == 0), RV, ring()).astype(np.uint8)
    assert np.array_equal(labelled(cine(right)), cine(right))


def test_papillary_muscle_becomes_blood_and_a_gap_in_the_wall_is_closed():
    faulty = ring()
    faulty[30:34, 30:34] = MYOCARDIUM  # an island in the pool
    faulty[31:33, 42:50] = 0  # a gap through the wall
    mended = postprocess.tidy(faulty, PIXEL)
    assert (mended[30:34, 30:34] == BLOOD).all()
    assert postprocess.enclosure(faulty) < 1.0
    assert postprocess.enclosure(mended) == 1.0


def test_a_second_ventricle_elsewhere_is_dropped():
    """Blood-like patches of a vessel that never touch the ventricle, in space or time, are no part of it."""
    stack = cine(ring())
    stack[:, 2][:, disc(4, (8, 8))] = BLOOD
    assert np.array_equal(labelled(stack), cine(ring()))


def test_a_slice_that_vanishes_for_one_frame_is_decided_by_its_neighbours_in_time():
    """An edge slice that shows a ventricle in one frame of eight is noise: the median of five frames is absent."""
    stack = cine(ring())
    stack[:, 5] = 0
    stack[3, 5] = ring()
    assert not (labelled(stack)[:, 5] > 0).any()


def test_a_slice_outside_at_end_diastole_stays_outside():
    """The pool is larger in the first half of the cycle, and there the last slice shows no ventricle."""
    stack = cine(ring(), frames=10)
    stack[:5] = ring(12)
    stack[:5, 5] = 0
    found = labelled(stack)
    assert not found[:, 5].any()
    assert np.array_equal(found[:, :5], stack[:, :5])


def test_a_slice_that_the_base_leaves_in_systole_counts_in_diastole():
    stack = cine(ring(), frames=10)
    stack[:5] = ring(12)
    stack[5:, 5] = 0
    assert np.array_equal(labelled(stack), stack)


def test_a_slice_inside_at_both_ends_of_systole_is_inside_between():
    """The network is unsure of the last slice for a while; the base was above it before, and still is afterwards."""
    stack = cine(ring(), frames=10)
    stack[:3], stack[3:6] = ring(12), ring(11)
    probability = certain(stack)
    probability[:, 3:6, 5] = 0.6 * probability[:, 3:6, 5] + 0.1
    assert np.array_equal(postprocess.labels(probability, PIXEL), stack)


def test_a_missing_slice_in_the_middle_does_not_cut_the_apex_off():
    stack = cine(ring())
    stack[:, 3] = np.where(disc(3), BLOOD, 0)
    assert (labelled(stack)[:, 5] == BLOOD).any()


def test_an_unsure_slice_is_no_ventricle():
    """Of four labels with equal chances but for half more of one, the likeliest has 0.63."""
    probability = certain(cine(ring()))
    probability[:, :, 5] = 0.5 * probability[:, :, 5] + 0.5 / 4
    found = postprocess.labels(probability, PIXEL)
    assert not found[:, 5].any()
    assert found[:, 4].any()


@pytest.mark.parametrize(("open_from", "counts"), [(36, True), (22, False)])
def test_a_basal_slice_counts_if_half_of_its_pool_is_closed(open_from, counts):
    """A wall that is open towards the aorta beyond 4 pixels right of the middle of a pool of radius 10 leaves more than
    half of the rim closed, one that is open from 10 pixels left of it leaves less."""
    stack = cine(ring())
    stack[:, 0][:, (ring() == MYOCARDIUM) & (np.arange(64) > open_from)] = 0
    found = labelled(stack)
    assert found[:, 0].any() == counts
    assert np.array_equal(found[:, 1:], stack[:, 1:])


def test_no_heart_gives_no_labels():
    assert not labelled(cine(np.zeros((64, 64), np.uint8))).any()


def test_without_a_left_ventricle_there_is_no_right_one():
    """The network is nowhere sure of the left one."""
    probability = certain(cine(np.where(disc(14, (32, 54)) & (ring() == 0), RV, ring()).astype(np.uint8)))
    assert not postprocess.labels(0.6 * probability + 0.1, PIXEL).any()


def test_a_slice_that_shows_no_ventricles_outline_is_outside():
    """A ring and a disc 50 pixels beside it, joined by a strip of 4 x 18 pixels, fill
    (2 pi 16^2 + 72) / (pi 16^2 + 50 x 32) = 0.70 of their hull."""
    stack = cine(np.zeros((96, 96), np.uint8))
    alone = np.where(disc(10, (32, 25), 96), BLOOD, np.where(disc(16.3, (32, 25), 96), MYOCARDIUM, 0)).astype(np.uint8)
    stack[:] = alone
    stack[:, 0][:, disc(16, (32, 75), 96)] = MYOCARDIUM
    stack[:, 0, 30:34, 40:60] = MYOCARDIUM
    assert outline.solidity(stack[0, 0] > 0) == pytest.approx(0.70, abs=0.03)
    found = labelled(stack)
    assert not found[:, 0].any()
    assert np.array_equal(found[:, 1:], stack[:, 1:])


def test_a_spike_of_the_wall_goes_and_a_notch_of_the_pool_is_filled():
    """Discs of 10 mm do not reach into a spike or a notch 4 pixels (6 mm) wide, but for a fillet at its foot."""
    slice_ = ring(12, 20.4)
    slice_[30:34, 51:60] = MYOCARDIUM
    slice_[30:34, 20:28] = MYOCARDIUM
    mended = postprocess.tidy(slice_, PIXEL)
    assert not (mended[30:34, 54:60] > 0).any()
    assert (mended[30:34, 22:28] == BLOOD).all()
    assert (mended != ring(12, 20.4)).sum() <= 12


def test_specks_of_the_right_ventricle_go_and_large_pieces_stay():
    """Beside a piece of about 250 pixels, one of 12 is a speck and one of 49 is a part of it (they meet in the next
    slice)."""
    whole = np.where(disc(14, (32, 54)) & (ring() == 0), RV, ring()).astype(np.uint8)
    apical = np.where(disc(9, (32, 56)) & (ring() == 0), RV, ring()).astype(np.uint8)
    stack = cine(whole)
    stack[:, 5] = apical
    stack[:, 5][:, disc(4, (19, 52))] = RV
    stack[:, 5][:, disc(1.5, (44, 50))] = RV
    found = labelled(stack)[0, 5] == RV
    assert found[disc(4, (19, 52))].all()
    assert not found[disc(1.5, (44, 50))].any()
    assert (found[disc(9, (32, 56))] == (apical[disc(9, (32, 56))] == RV)).all()


@pytest.mark.parametrize("upwards", [1, -1])
def test_fat_beyond_the_apex_of_the_right_ventricle_goes(upwards):
    """On the way to the apex the ventricle narrows; what widens again is none, and towards the base it may."""
    walls = [ring(10, outer) for outer in (17.3, 17.3, 17.3, 16.3, 16.3, 16.3)]
    discs = [disc(radius, (32, 54)) for radius in (10, 14, 12, 9, 11, 10)]
    slices = [np.where(near & (wall == 0), RV, wall).astype(np.uint8) for near, wall in zip(discs, walls, strict=True)]
    found = labelled(np.broadcast_to(np.stack(slices)[::upwards], (8, 6, 64, 64)).copy())[0][::upwards]
    assert [bool((slice_ == RV).any()) for slice_ in found] == [True, True, True, True, False, False]
    assert all((found[place] == slices[place]).all() for place in range(4))


def test_what_is_smaller_than_the_disc_keeps_its_outline():
    small = disc(5)
    small[31:33, 36:42] = True
    assert np.array_equal(outline.opened(small, PIXEL), small)
    assert outline.solidity(small) < 0.95
    assert outline.solidity(np.zeros((4, 4), bool)) == 1
    assert not outline.closed(np.zeros((4, 4), bool), PIXEL).any()


@pytest.mark.parametrize(("frames", "weight"), [(25, 0.2), (40, 0.2), (5, 0.04)])
def test_smoothing_in_time_keeps_the_sum_and_closes_the_cycle(frames, weight):
    probability = np.zeros((1, frames, 1, 1, 1), np.float32)
    probability[0, 0] = 1
    found = postprocess.smooth_in_time(probability).ravel()
    assert found[[0, 1, 2, -1]] == pytest.approx([1 - 2 * weight, weight, 0, weight])
    assert found.sum() == pytest.approx(1)
