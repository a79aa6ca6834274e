"""Figures that need no truth, and the gates that they have to pass."""

import numpy as np
import pytest
import xarray as xr
from label_samples import certain, cine, ring

from twinbeat.parameters import Segmentation
from twinbeat.segmentation import gates, quality
from twinbeat.verdicts import NeedsReview, Rejected


def test_certain_probabilities_predict_a_perfect_dice():
    labels = cine(ring(), 3, 2)
    labels[1] = 0
    found = quality.predicted_dice(certain(labels), labels)
    assert found.shape == (4, 3)
    assert found == pytest.approx(np.ones((4, 3)))


def test_the_predicted_dice_is_that_of_truths_drawn_from_the_probabilities():
    """The prediction is the ratio of the expected overlap and size; over 300 truths of 8192 independent voxels the mean
    Dice is the same within 0.002, three standard errors of it."""
    rng = np.random.default_rng(3)
    share = rng.uniform(0, 1, (1, 2, 64, 64)) ** 2
    labels = (share > 0.5).astype(np.uint8)
    predicted = quality.predicted_dice(np.stack([1 - share, share]), labels)[1, 0]
    truths = [(rng.random(share.shape) < share).astype(np.uint8) for _ in range(300)]
    mean = np.mean([quality.agreement(labels, truth, 2)[1, 0] for truth in truths])
    assert predicted == pytest.approx(mean, abs=0.002)


def test_a_label_that_is_drawn_against_the_odds_is_not_trusted():
    """Half of what is drawn is right, and nothing else: 2 * 0.5 n / (0.5 n + n) = 2/3. A label that is likely and
    drawn nowhere has 0."""
    labels = np.ones((1, 1, 4, 4), np.uint8)
    probability = np.stack([0.5 * (labels == 1), 0.5 * (labels == 1), 0.0 * labels, 0.0 * labels])
    assert quality.predicted_dice(probability, labels)[:, 0] == pytest.approx([0, 2 / 3, 1, 1])


def test_dice_of_half_an_overlap_by_frame():
    """Two squares of 4 pixels that share 2: 2 * 2 / 8; in the second frame neither is there."""
    one, other = np.zeros((2, 1, 4, 4), np.uint8), np.zeros((2, 1, 4, 4), np.uint8)
    one[0, 0, :2, :2] = other[0, 0, :2, 1:3] = 1
    assert quality.agreement(one, other)[1] == pytest.approx([0.5, 1])


def test_departure_of_the_mass_and_difference_of_strokes():
    """Muscle of 100, 100 and 88 departs by 12 % from its median; strokes of 90 and 60 differ by 40 % of their mean."""
    assert quality.mass_variation(np.array([100.0, 100, 88])) == pytest.approx(0.12)
    assert quality.mass_variation(np.zeros(3)) == np.inf
    assert quality.stroke_difference(np.array([150.0, 60]), np.array([130.0, 70])) == pytest.approx(0.4)
    assert quality.stroke_difference(np.zeros(2), np.zeros(2)) == 0


def test_a_voxel_of_thick_slices():
    """1.5 x 1.5 x 8 mm are 18 mm³, in whatever direction the slices are counted."""
    axes = (np.array(axis) for axis in ([16.0, 8, 0], [0, 1.5, 3], [0, 1.5]))
    names = {name: values.tolist() for name, (_, values) in quality.volumes(np.full((1, 3, 3, 2), 3), *axes).items()}
    assert names == {"volume_lv": [0], "volume_myocardium": [0], "volume_rv": [pytest.approx(18 * 0.018)]}


def figures(**changed) -> xr.Dataset:
    """The figures of plausible labels in six slices, some of them changed."""
    plausible = {
        "volume_lv": [150.0, 100, 60, 100],
        "volume_myocardium": [120.0] * 4,
        "volume_rv": [160.0, 110, 75, 110],
        "confidence": [0.95] * 4,
    }
    found = {name: ("time", np.array(values)) for name, values in (plausible | changed).items() if name in plausible}
    found["labels"] = (("time", "z", "y", "x"), changed.get("labels", cine(ring(), 4)))
    found["predicted_dice"] = (("label", "time"), np.array(changed.get("predicted_dice", np.full((4, 4), 0.95))))
    return xr.Dataset(found | {"end_diastole": 0})


def sinking(label: int, frame: int, value: float) -> np.ndarray:
    dice = np.full((4, 4), 0.95)
    dice[label, frame] = value
    return dice


def test_plausible_figures_pass():
    gates.check(figures(), Segmentation())
    gates.trust(figures(), Segmentation())


@pytest.mark.parametrize(
    ("code", "volume", "words"),
    [
        ("implausible-volume", [20.0, 15, 10, 15], "is 20 mL, expected 30 to 500 mL"),
        ("implausible-volume", [600.0, 500, 400, 500], "is 600 mL, expected 30 to 500 mL"),
        ("implausible-ejection", [100.0, 99, 98, 99], "is 2 %, expected 3 to 90 %"),
        ("implausible-ejection", [100.0, 50, 5, 50], "is 95 %, expected 3 to 90 %"),
    ],
)
def test_what_no_heart_can_be_is_rejected(code, volume, words):
    with pytest.raises(Rejected) as stopped:
        gates.check(figures(volume_lv=volume), Segmentation())
    assert stopped.value.code == code
    assert words in stopped.value.message


@pytest.mark.parametrize(
    ("code", "changed", "words"),
    [
        ("few-slices", {"labels": cine(ring(), 4, 4)}, "end-diastole is 4 slices, expected at least 5 slices"),
        ("unstable-myocardium", {"volume_myocardium": [120.0, 120, 120, 100]}, "is 16.7 %, expected 0 to 10 %"),
        ("unequal-strokes", {"volume_rv": [160.0, 150, 140, 150]}, "is 127 %, expected 0 to "),
        ("low-confidence", {"confidence": [0.7] * 4}, "is 0.7 of 1, expected 0.8 to 1 of 1"),
        ("low-dice", {"predicted_dice": sinking(2, 3, 0.31)}, "LV myocardium in frame 4 is 0.31 of 1"),
        ("low-dice", {"predicted_dice": sinking(3, 0, 0.0)}, "RV blood in frame 1 is 0 of 1"),
    ],
)
def test_what_may_be_wrong_needs_review(code, changed, words):
    gates.check(figures(**changed), Segmentation())
    with pytest.raises(NeedsReview) as stopped:
        gates.trust(figures(**changed), Segmentation())
    assert stopped.value.code == code
    assert words in stopped.value.message


def test_all_that_is_amiss_is_said():
    with pytest.raises(NeedsReview) as stopped:
        gates.trust(figures(confidence=[0.5] * 4, volume_rv=[0.0] * 4), Segmentation())
    assert stopped.value.code == "unequal-strokes"
    assert "stroke volumes" in stopped.value.message and "confidence" in stopped.value.message
