"""What reviewers drew replaces automatic labels where it lies in space; other frames follow, and gates step back."""

import numpy as np
import pytest
import xarray as xr
from dicom_samples import stopped
from drawing_samples import ball, box, nifti
from heart_samples import BLOOD, CYCLE, FRAMES, LOOSE, MYOCARDIUM, RV, SLICES, drawn, store_of, thicker
from label_samples import disc, ring
from scipy.ndimage import binary_erosion

from twinbeat.intake import drawings
from twinbeat.intake.drawings import Review, Volume
from twinbeat.parameters import Segmentation
from twinbeat.segmentation import decide, follow
from twinbeat.segmentation.review import volume
from twinbeat.verdicts import NeedsReview, Rejected


def review(*parts: dict, who: tuple[str, ...] = ("r1",)) -> Review:
    return Review(who, parts)


# Decisions


def test_labels_that_pass_go_on_as_they_are():
    automatic = store_of()
    found = decide(automatic, None, Segmentation())
    xr.testing.assert_identical(found.drop_vars("reviewed"), automatic.drop_attrs())
    assert found.predicted_dice.values == pytest.approx(1)
    assert not found.reviewed.any()


def test_low_confidence_needs_review_and_a_reviewer_ends_it():
    """With one frame put in as it was, all labels stay what they were: the reviewer has seen them."""
    automatic = store_of(confidence=0.5)
    verdict = stopped(decide, automatic, None, Segmentation())
    assert (type(verdict), verdict.code) == (NeedsReview, "low-confidence")
    same = drawn(automatic, 0, automatic.labels.values[0])
    found = decide(automatic, review({"end-diastole": same}), Segmentation())
    np.testing.assert_array_equal(found.labels, automatic.labels)
    assert found.attrs["reviewers"] == ["r1"]
    assert np.flatnonzero(found.reviewed) == [0]
    assert found.agreement.values == pytest.approx(1)


def test_what_no_heart_can_be_stays_rejected_whoever_drew_it():
    automatic = store_of()
    whole = {frame: drawn(automatic, frame, automatic.labels.values[0]) for frame in range(FRAMES)}
    verdict = stopped(decide, automatic, review(whole), Segmentation())
    assert (type(verdict), verdict.code) == (Rejected, "implausible-ejection")


def test_what_no_heart_can_be_is_rejected_until_a_reviewer_draws_another():
    automatic = store_of()
    frozen = automatic.assign(volume_lv=("time", np.full(FRAMES, 100.0)))
    verdict = stopped(decide, frozen, None, Segmentation())
    assert (type(verdict), verdict.code) == (Rejected, "implausible-ejection")
    drawing = review({"end-diastole": drawn(automatic, 0, automatic.labels.values[0])})
    np.testing.assert_array_equal(decide(frozen, drawing, Segmentation()).labels, automatic.labels)


# Late enhancement


def scar_on(automatic: xr.Dataset, where: np.ndarray) -> Review:
    """A review of late enhancement alone."""
    return review({"late enhancement": drawn(automatic, 0, np.where(where, 4, 0))})


def test_late_enhancement_counts_in_the_left_wall_and_leaves_the_gates_as_they_are():
    """Drawn over the lower half of the ventricle of one slice, pool and all: the wall of it enhances."""
    automatic = store_of()
    left = (automatic.labels.values[0] == MYOCARDIUM) & (np.arange(64) > 32)[:, None]
    over = left & (np.arange(SLICES) == 2)[:, None, None]
    found = decide(automatic, scar_on(automatic, over), Segmentation())
    np.testing.assert_array_equal(found.enhancement, over)
    np.testing.assert_array_equal(found.labels, automatic.labels)
    assert not found.reviewed.any()
    assert found.attrs["reviewers"] == ["r1"]
    doubtful = stopped(decide, store_of(confidence=0.5), scar_on(automatic, over), Segmentation())
    assert (type(doubtful), doubtful.code) == (NeedsReview, "low-confidence")


def test_late_enhancement_elsewhere_is_of_another_place():
    automatic = store_of()
    verdict = stopped(decide, automatic, scar_on(automatic, automatic.labels.values[0] == BLOOD), Segmentation())
    assert verdict.code == "review-outside"
    assert "0 % of the late enhancement lies in the left wall" in str(verdict)


# Corrections


def test_a_correction_is_where_the_viewer_showed_it():
    """Drawn on the scanner's own grid, of other pixels, in the moved slice too: the labels are those of the drawing, of
    which nearest voxels lose nothing where grids agree."""
    automatic = store_of()
    wanted = thicker(automatic.labels.values[0])
    found = decide(automatic, review({"end-diastole": drawn(automatic, 0, wanted)}), Segmentation())
    np.testing.assert_array_equal(found.labels.values[0], wanted)
    assert found.volume_lv[0] == pytest.approx((wanted == BLOOD).sum() * 0.018)
    sure = found.probability.values[:, 0].astype(float)
    assert sure.sum(0) == pytest.approx(1, abs=3e-3)
    for label in (0, BLOOD, RV):  # far from borders: 5 x 5 pixels have 0.95² = 0.91 of the weight of a blur of one
        inside = binary_erosion(wanted == label, np.ones((1, 5, 5)))
        assert inside.any() and sure[label][inside].min() > 0.9
    assert sure[BLOOD, :, 32, 32] == pytest.approx(1, abs=1e-3)
    size = (automatic.labels.values[0] == BLOOD).sum(), (wanted == BLOOD).sum()
    assert found.agreement.sel(label=BLOOD)[0] == pytest.approx(2 * size[0] / sum(size))


def test_frames_between_follow_and_the_others_keep_their_labels():
    """A pool drawn 3 mm larger at end-diastole, on labels that do not move: the change of the distance goes linearly to
    none at end-systole, four frames later, so half of it, one pixel of 1.5 mm, is left after two frames."""
    still = np.broadcast_to(np.broadcast_to(ring(10, 18), (SLICES, 64, 64)), (FRAMES, SLICES, 64, 64)).copy()
    still[4] = ring(9, 17.5)
    automatic = store_of(still)
    larger = np.broadcast_to(ring(12, 18), (SLICES, 64, 64))
    found = decide(automatic, review({"end-diastole": drawn(automatic, 0, larger)}), LOOSE)
    pools = [int((frame[0] == BLOOD).sum()) for frame in found.labels.values]
    exact = [int(disc(10 + 2 * max(1 - t / 4, t / 4 - 1)).sum()) for t in range(FRAMES)]
    assert pools[0] == exact[0]
    assert pools[4] == int(disc(9).sum())
    assert pools[2] == pytest.approx(exact[2], rel=0.06)
    assert pools[2] == pools[6]
    assert pools[0] > pools[1] >= pools[2] >= pools[3] > pools[4]


def test_a_border_moves_by_its_share_of_the_distance():
    """Discs of radius 10 and 14 mm in pixels of 1 mm: a quarter of the way is a disc of 11 mm."""
    frames = np.stack([disc(10)[None].astype(np.uint8)] * 8)
    found = follow.followed(
        frames, {0: frames[0], 4: disc(14)[None].astype(np.uint8)}, 100.0 * np.arange(8), 800.0, 1.0
    )
    for t, radius in {1: 11, 2: 12, 3: 13, 5: 13, 7: 11}.items():
        assert (found[t] == BLOOD).sum() == pytest.approx(np.pi * radius**2, rel=0.05)


def test_a_slice_that_was_added_or_taken_away_follows_too():
    """Erased at end-diastole, the basal slice is gone there and in the frames beside it, and what is left of it grows
    until end-systole, which stays as it was."""
    automatic = store_of()
    less = automatic.labels.values[0].copy()
    less[0] = 0
    found = decide(automatic, review({"end-diastole": drawn(automatic, 0, less)}), LOOSE)
    assert not found.labels.values[[0, 1, 7], 0].any()
    np.testing.assert_array_equal(found.labels.values[4], automatic.labels.values[4])
    assert 0 < (found.labels.values[3, 0] > 0).sum() < (automatic.labels.values[3, 0] > 0).sum()
    more = review({"end-diastole": drawn(automatic, 0, automatic.labels.values[0])})
    back = decide(automatic.assign(labels=found.labels), more, LOOSE)
    assert back.labels.values[0, 0].any() and back.labels.values[1, 0].any()


@pytest.mark.parametrize(
    ("frame", "decided", "expected"),
    [(1, [0, 4], (0, 4, 0.25)), (6, [0, 4], (4, 0, 0.5)), (0, [2, 6], (6, 2, 0.5)), (3, [2], (2, 2, 0.125))],
)
def test_frames_lie_between_others_on_a_closed_cycle(frame, decided, expected):
    assert follow.between(frame, decided, 100.0 * np.arange(8), 800.0) == pytest.approx(expected)


def test_a_file_speaks_of_its_own_box_only():
    """Three slices in a box: the others keep their labels; in the three, what is empty has no heart."""
    automatic = store_of()
    ours = drawn(automatic, 0, np.where(automatic.labels.values[0] == RV, 0, automatic.labels.values[0]))
    boxed = Volume(ours.labels[2:5], ours.corners[2:5], ours.steps)
    found = decide(automatic, review({"end-diastole": boxed}), Segmentation()).labels.values[0]
    assert not (found[2:5] == RV).any()
    np.testing.assert_array_equal(found[[0, 1, 5]], automatic.labels.values[0, [0, 1, 5]])


def test_end_diastole_and_end_systole_move_only_if_all_frames_were_drawn():
    automatic = store_of()
    rolled = np.roll(automatic.labels.values, 1, axis=0)
    every = {frame: drawn(automatic, frame, rolled[frame]) for frame in range(FRAMES)}
    found = decide(automatic, review(every), Segmentation())
    assert (int(found.end_diastole), int(found.end_systole)) == (1, 5)
    found = decide(automatic, review({5: drawn(automatic, 5, rolled[5])}), Segmentation())
    assert (int(found.end_diastole), int(found.end_systole)) == (0, 4)


def test_a_reviewers_own_end_diastole_takes_the_place_of_ours():
    """Drawn 60 ms later in a cycle of 800 ms, it is the end-diastole from then on, and our own follows it: of 460 ms
    from end-systole around to it, 400 lead to ours. At 90 ms it is just another frame."""
    times = CYCLE * np.arange(FRAMES) / FRAMES
    times[1] = 60
    automatic = store_of().assign_coords(time=times)
    automatic.labels.values[1] = automatic.labels.values[0]
    wanted = thicker(automatic.labels.values[0])
    found = decide(automatic, review({1: drawn(automatic, 1, wanted)}), LOOSE)
    assert (int(found.end_diastole), int(found.end_systole)) == (1, 4)
    pools = [(found.labels.values[frame] == BLOOD).sum() for frame in (0, 1)]
    assert (automatic.labels.values[0] == BLOOD).sum() < pools[0] <= pools[1] == (wanted == BLOOD).sum()
    late = automatic.assign_coords(time=np.where(np.arange(FRAMES) == 1, 90, times))
    found = decide(late, review({1: drawn(late, 1, wanted)}), LOOSE)
    assert int(found.end_diastole) == 0
    np.testing.assert_array_equal(found.labels.values[0], late.labels.values[0])


def test_drawings_that_do_not_fit():
    automatic = store_of()
    ours = drawn(automatic, 0, automatic.labels.values[0])
    both = review({"end-diastole": ours}, {0: ours}, who=("r1", "r2"))
    assert stopped(decide, automatic, both, Segmentation()).code == "review-twice"
    scars = review({"late enhancement": ours}, {"late enhancement": ours}, who=("r1", "r2"))
    assert stopped(decide, automatic, scars, Segmentation()).code == "review-twice"
    elsewhere = Volume(ours.labels, ours.corners + np.array([0, 60, 0]), ours.steps)
    verdict = stopped(decide, automatic, review({"end-diastole": elsewhere}), Segmentation())
    assert (verdict.code, "lies within the grid" in verdict.message) == ("review-outside", True)
    thin = ours.steps * np.array([[0.1], [1], [1]])
    between = Volume(ours.labels[:1], ours.corners[:1] + 0.5 * ours.steps[0], thin)
    assert stopped(decide, automatic, review({"end-diastole": between}), Segmentation()).code == "review-outside"


def test_a_nifti_file_of_another_grid(tmp_path):
    """Drawn on isotropic voxels along the patient's axes: a ball comes in with its volume. Slices 8 mm apart through a
    ball of 24 mm err by less than (h / 2r)² = 3 %, voxels of 1 mm and pixels of 1.5 mm by less than as much again."""
    automatic = store_of()
    middle = volume(automatic, 0).points()[2:4, 30:34, 30:34].mean((0, 1, 2))
    heart = ball(box((80, 80, 80), np.eye(3), middle), 24, middle)
    file = nifti(tmp_path / "r4-ed.nii.gz", [heart])
    found = decide(automatic, drawings.of_patient([str(file.path)], "p", tmp_path, FRAMES), Segmentation())
    assert float(found.volume_lv[0]) == pytest.approx(4 / 3 * np.pi * 2.4**3, rel=0.06)
    assert found.attrs["reviewers"] == ["r4"]
