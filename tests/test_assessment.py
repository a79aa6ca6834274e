"""Figures of a fabricated twin, each with a value that can be checked with a pencil."""

import fabricated
import numpy as np
import pytest
import xarray as xr
from pytest import approx

from twinbeat import assessment, store
from twinbeat.mesh.synthetic import cap_volume
from twinbeat.units import KPA_PER_MMHG

STAGES = ("labels", "anatomy", "targets", "posterior", "activation", "beat")


@pytest.fixture(scope="module")
def twin():
    stores = fabricated.twin()
    return {name: stores[name] for name in STAGES}


@pytest.fixture(scope="module")
def found(twin):
    return assessment.assess(**twin, truth=fabricated.truth(twin["labels"]))


def test_ejection_fraction_of_a_cavity_that_narrows_by_a_fifth(found):
    """The volume goes with the square of the radius: 1 - 0.8² = 36 % of 120 mL, and (122 - 78.8)/122 for the fit."""
    assert float(found.ejection_fraction) == approx(36.0)
    assert float(found.stroke_volume) == approx(43.2)
    assert float(found.fitted_ejection_fraction) == approx(100 * 43.2 / 122)


def test_work_of_an_elliptic_loop(found):
    """Half axes of 30 mL and 50 mmHg enclose 4712 mL mmHg = 0.628 J; 80 corners lose 0.1 % of it."""
    assert float(found.stroke_work) == approx(np.pi * 30 * 50 * KPA_PER_MMHG * 1e-3, rel=2e-3)
    assert float(found.beat_ejection_fraction) == approx(50.0)  # 120 to 60 mL
    assert float(found.beat_peak_pressure) == approx(110.0)


def test_figures_of_a_right_ventricle_in_three_dimensions(twin, found):
    """140 to 84 mL are 40 % of its blood; a beat of the left one alone says nothing of it."""
    phase = np.linspace(0, 2 * np.pi, 81)[:-1]
    loop = {"right_volume": 112 + 28 * np.cos(phase), "right_pressure": (14 + 10 * np.sin(phase)) * KPA_PER_MMHG}
    beat = twin["beat"].assign({name: ("time", values) for name, values in loop.items()})
    both = assessment.assess(**twin | {"beat": beat.assign_attrs(stroke_difference=0.01)})
    names = ("right_end_diastolic_volume", "right_ejection_fraction", "right_peak_pressure", "stroke_difference")
    assert [float(both[name]) for name in names] == approx([140.0, 40.0, 24.0, 0.01])
    assert not set(names) & set(found)


def test_loop_turned_the_other_way_does_negative_work():
    """The unit square, first as the heart goes (fill, contract, eject, relax), then backwards."""
    volume, pressure = np.array([0.0, 1.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0, 1.0])
    assert assessment.loop_area(volume, pressure) == approx(1.0)
    assert assessment.loop_area(volume[::-1], pressure[::-1]) == approx(-1.0)


def test_prediction_of_a_frame_that_was_left_out(twin, found):
    """2 mL too large, of a target known to 2.4 mL and a prediction known to 0.5 mL; nothing where all were fitted."""
    assert float(found.prediction) == approx(2 / np.hypot(2.4, 0.5))
    posterior = twin["posterior"].assign(held_out=("time", np.zeros(10, bool)))
    assert "prediction" not in assessment.assess(**twin | {"posterior": posterior})


def test_error_of_strains_where_some_were_measured(twin, found):
    """Off by 0.03 and 0.04 in the two frames that were: sqrt(12.5e-4) = 0.0354; the others do not count."""
    seen = np.isin(np.arange(10), (3, 4))[None]
    curves = {"strain": (("curve", "time"), np.where(seen, -0.1, 9.0)), "strain_seen": (("curve", "time"), seen)}
    fitted = np.where(np.arange(10) == 3, -0.07, -0.14)[None]
    posterior = twin["posterior"].assign(strain=(("curve", "time"), fitted))
    again = assessment.assess(**twin | {"targets": twin["targets"].assign(curves), "posterior": posterior})
    assert float(again.strain_error) == approx(0.0354, abs=1e-4) and "strain_error" not in found


def test_interval_of_a_share():
    """9 of 10, with z = 1.645: (0.9 + 0.1353 -+ 1.645 sqrt(0.009 + 0.006765)) / 1.2706, so 0.652 to 0.977."""
    assert assessment.wilson(9, 10) == pytest.approx((0.652, 0.977), abs=1e-3)


def test_segments_are_called_infarcted():
    """Planted are those with scar in half of their muscle or more; called those that lost contraction likely enough."""
    found = assessment.recognition([1.0, 0.5, 0.3, 0.0, 0.0], [0.9, 0.1, 0.5, 0.2, 0.24])
    assert found == {"infarcted": 2, "found": 1, "sound": 3, "spared": 2}
    assert assessment.recognition([0.0], [0.24], called=0.2)["spared"] == 0


def test_uncertainty_comes_from_the_covariance(twin, found):
    """C = 1.2 kPa with 8 % of spread in its logarithm; the largest tension is the second free one, with 4 kPa."""
    assert float(found.stiffness_sigma) == approx(1.2 * 0.08)
    assert float(found.peak_tension) == approx(80.0)
    assert float(found.peak_tension_sigma) == approx(4.0)
    sigma = assessment.tension_sigma(twin["posterior"])
    assert sigma.tolist() == [0, 0, 3, 4, 5, 6, 0, 0, 0, 0]


def test_residuals_of_a_fit_that_is_too_large_everywhere(found):
    """2 mL of 2.4 mL in 10 volumes and 0.5 mm of 1.5 mm in 160 radii: sqrt((10 (2/2.4)² + 160/9) / 170)."""
    assert float(found.volume_error) == approx(2.0)
    assert float(found.radius_error) == approx(0.5)
    assert float(found.residual) == approx(np.sqrt((10 * (2 / 2.4) ** 2 + 160 / 9) / 170))


def test_only_the_scar_does_not_contract(found):
    expected = np.full(17, 80.0)
    expected[6] = 0.0  # the fabricated scar is segment 7
    assert found.contractility.values == approx(expected)


def test_peak_strain_is_the_most_negative_one(found):
    """Strain of segment s is -0.01 s sin²; the middle of the beat is among the 80 samples."""
    assert found.peak_strain.values == approx(-0.01 * np.arange(1, 18))


def test_mass_of_the_wall(found):
    """The wall between two cut ellipsoids, by their exact volumes, at 1.05 g/mL; 10 mm facets cut corners: 5 %."""
    inner, outer = (cap_volume(a, c, fabricated.BASE) for a, c in zip(fabricated.SHORT, fabricated.LONG, strict=True))
    assert float(found.myocardial_mass) == approx(1.05 * (outer - inner), rel=0.05)


def test_recovery_against_the_planted_truth(found):
    """Planted C is 1.0 kPa, so 1.2 is 20 % off; the tension is the planted one; EF is 35.41 instead of 36 %."""
    assert float(found.stiffness_recovery) == approx(20.0)
    assert float(found.tension_recovery) == approx(0.0, abs=1e-9)
    assert float(found.ejection_fraction_recovery) == approx(100 * 43.2 / 122 - 36)
    assert [float(found[name]) for name in assessment.DICE] == approx([1.0, 1.0, 1.0])


def test_labels_moved_by_one_row_lose_overlap(twin):
    """Against the same labels moved by one row of 2 mm, a disc of radius r loses about 2 mm * 2 r of its pi r²."""
    truth = fabricated.truth(twin["labels"])
    moved = truth.assign(labels=truth.labels.roll(y=1))
    found = assessment.assess(**twin, truth=moved)
    blood = (truth.labels == 1).values
    expected = 2 * (blood & np.roll(blood, 1, axis=2)).sum() / (2 * blood.sum())
    assert float(found.dice_blood) == approx(expected)
    assert 0.9 < expected < 0.97


def test_a_slice_that_import_moved_back_meets_its_truth(twin):
    """The scanner saw slice 4 by 2 mm (one row) further along y than the labels, which lie where the heart is."""
    labels = twin["labels"]
    shift = labels.shift_removed.copy(data=np.where(np.arange(9)[:, None] == 3, [2.0, 0.0], 0.0))
    seen = labels.labels.where(labels.z != labels.z[3], labels.labels.roll(y=1)).astype(int)
    found = assessment.assess(
        **{**twin, "labels": labels.assign(shift_removed=shift)}, truth=fabricated.truth(labels.assign(labels=seen))
    )
    assert float(found.dice_blood) == 1


def test_truth_beyond_the_crop_of_the_labels_counts_as_missed(twin):
    """Labels cut in half at x see half of the blood at best: Dice = 2 h / (h + 1) for the share h that is left."""
    labels, truth = twin["labels"], fabricated.truth(twin["labels"])
    half = labels.isel(x=slice(0, labels.sizes["x"] // 2))
    share = float((half.labels == 1).sum() / (truth.labels == 1).sum())
    found = assessment.assess(**{**twin, "labels": half}, truth=truth)
    assert 0.2 < share < 0.8
    assert float(found.dice_blood) == approx(2 * share / (share + 1))


def test_truth_in_another_frame_is_met_in_lps(twin):
    """Truth with slices the other way round, its origin at their far end and rows 10 mm further: the same labels."""
    truth = fabricated.truth(twin["labels"]).isel(z=slice(None, None, -1))
    last = float(truth.z[0])
    origin = truth.origin + last * truth.directions[0] - 10 * truth.directions[1]
    turned = truth.directions * xr.DataArray([-1.0, 1.0, 1.0], dims="axis")
    truth = truth.assign(origin=origin, directions=turned).assign_coords(z=last - truth.z.values, y=truth.y.values + 10)
    found = assessment.assess(**twin, truth=truth)
    assert [float(found[name]) for name in assessment.DICE] == approx([1.0, 1.0, 1.0])


def test_without_a_truth_there_is_no_recovery(twin):
    found = assessment.assess(**twin)
    assert not [name for name in found if "recovery" in name or "dice" in name]


def test_surrogate_is_judged_where_there_is_one(twin, found):
    """The largest of the errors and the mean of the coverages, in %; without a surrogate there are none."""
    surrogate = fabricated.surrogate(twin["posterior"])
    again = assessment.assess(**twin, surrogate=surrogate)
    assert float(again.surrogate_error) == approx(100 * max(surrogate.error.values))
    assert float(again.surrogate_coverage) == approx(100 * np.mean(surrogate.coverage.values))
    assert "surrogate_error" not in found


def test_truth_is_read_from_its_store(twin, found, tmp_path):
    """The fabricated truth has dimensions and units of the table of variables, and comes back the same."""
    store.publish(fabricated.truth(twin["labels"]), tmp_path / "truth.zarr")
    again = assessment.assess(**twin, truth=store.open(tmp_path / "truth.zarr"))
    xr.testing.assert_allclose(again, found)


def test_it_is_a_store(found, tmp_path):
    """Dimensions and units are those of the table of variables, and no value is NaN: the store refuses others."""
    store.publish(found, tmp_path / "assessment.zarr")
    again = store.open(tmp_path / "assessment.zarr")
    xr.testing.assert_allclose(again, found)
    assert again.stiffness.attrs["units"] == "kPa"
