"""The surrogate, on beats that are planted functions of the four factors."""

import numpy as np
import pytest
import xarray as xr

from twinbeat import store, surrogate
from twinbeat.evidence import surrogate as evidence
from twinbeat.evidence.surrogate import FACTOR, TIME, beats, planted, posterior, refreshed
from twinbeat.parameters import Beat, Mechanics
from twinbeat.parameters import Surrogate as Section
from twinbeat.surrogate import design, member
from twinbeat.surrogate.processes import Process
from twinbeat.surrogate.reduction import Basis
from twinbeat.verdicts import Quarantined


@pytest.fixture(scope="module")
def sixteen() -> xr.Dataset:
    return evidence.trained(16)


@pytest.fixture(scope="module")
def twenty_four() -> xr.Dataset:
    return evidence.trained(24)


def test_domain_follows_the_posterior():
    """Stiffness: 2 * 0.1. Tension, T = (30, 40) with 4 kPa each: the factor T·T'/T·T has sigma 4 |T| / |T|² = 4/50 =
    0.08, twice that is 0.16. Narrow ones have the least width, wide ones the largest."""
    ensemble = Section().ensemble
    assert design.half_widths(posterior(), ensemble) == pytest.approx([0.2, 0.16, 0.1, 0.2])
    assert design.half_widths(posterior(1e-4, 1e-4), ensemble)[:2] == pytest.approx([0.05, 0.05])
    assert design.half_widths(posterior(3.0, 90.0), ensemble)[:2] == pytest.approx([0.3, 0.3])


def test_ensemble_fills_the_domain_evenly():
    """16 points of a Sobol sequence: each half, quarter and sixteenth of every axis holds its share."""
    found = surrogate.sample(posterior(), Section(members=16, held_out=4))
    assert found.member.values.tolist() == [*range(16), 1000, 1001, 1002, 1003]
    half = np.log(found.upper.values)
    unit = (np.log(found.factor.values[:16]) / half + 1) / 2
    assert np.sort(np.floor(16 * unit), axis=0) == pytest.approx(np.tile(np.arange(16.0)[:, None], 4))
    assert np.all((found.lower <= found.factor) & (found.factor <= found.upper))


def test_more_members_leave_the_earlier_ones_as_they_are():
    few = surrogate.sample(posterior(), Section(members=16, held_out=3))
    many = surrogate.sample(posterior(), Section(members=41, held_out=7))
    xr.testing.assert_identical(many.sel(member=few.member), few)
    other = surrogate.sample(posterior(), Section(ensemble={"seed": 1}))
    assert not np.isin(few.factor, other.factor).any()


def test_members_of_a_set_are_all_different():
    """Training and held-out members come from different sequences."""
    found = surrogate.sample(posterior(), Section(members=64, held_out=64)).factor.values
    assert len(np.unique(found.round(12), axis=0)) == 128


def test_basis_reproduces_its_snapshots():
    data = np.random.default_rng(0).normal(size=(50, 8))
    basis = Basis.of(data)
    assert basis.values.size == 7  # the mean takes one
    assert basis.mean[:, None] + basis.modes @ basis.coefficients(7) == pytest.approx(data)
    assert basis.modes.T @ basis.modes == pytest.approx(np.eye(7), abs=1e-12)


def test_left_out_modes_are_the_missing_variance():
    data = np.random.default_rng(0).normal(size=(50, 8))
    basis = Basis.of(data)
    residual = data - basis.mean[:, None] - basis.modes[:, :3] @ basis.coefficients(3)
    assert basis.left_out(3) == pytest.approx(np.sqrt(np.sum(residual**2, axis=1) / 7))


def test_kept_modes_hold_the_energy():
    """Singular values 3, 2, 1 hold 9/14, 13/14 and all of the variance."""
    basis = Basis(np.zeros(3), np.eye(3), np.array([3.0, 2.0, 1.0]), np.eye(3))
    assert [basis.kept(energy) for energy in (0.5, 9.1 / 14, 0.99, 1.0)] == [1, 2, 3, 3]


@pytest.mark.parametrize("added", [1, 5, 60])
@pytest.mark.parametrize("rank", [4, 40])
def test_extended_basis_is_the_one_of_all_snapshots(added, rank):
    """To rounding, also where the new snapshots lie within the span of the old ones, or outnumber the entries."""
    rng = np.random.default_rng(added)
    data = rng.normal(size=(40, rank)) @ rng.normal(size=(rank, 10 + added)) + rng.normal(size=(40, 1))
    extended, anew = Basis.of(data[:, :10]).extended(data[:, 10:]), Basis.of(data)
    assert extended.mean == pytest.approx(anew.mean)
    assert extended.values == pytest.approx(anew.values)
    assert extended.mean[:, None] + extended.modes @ extended.coefficients(99) == pytest.approx(data)
    assert extended.modes.T @ extended.modes == pytest.approx(np.eye(anew.values.size), abs=1e-10)


def test_process_passes_through_what_it_was_trained_on():
    inputs = np.random.default_rng(0).uniform(-1, 1, size=(16, 2))
    output = 7 * inputs[:, 0] + np.sin(inputs[:, 1])
    mean, sigma = Process.fit(inputs, output).predict(inputs)
    assert mean == pytest.approx(output, abs=0.01)
    assert np.all(sigma < 0.1)


def test_process_knows_what_it_does_not_know():
    """Far from all training the standard deviation is larger than between the points."""
    inputs = np.random.default_rng(0).uniform(-1, 0, size=(16, 2))
    process = Process.fit(inputs, np.sin(3 * inputs[:, 0]) + inputs[:, 1] ** 2)
    (_, near), (_, far) = (process.predict(np.full((1, 2), at)) for at in (-0.5, 1.0))
    assert far[0] > 3 * near[0]


def test_process_of_noise_is_not_narrower_than_the_noise():
    """90 % of new values lie in the intervals of a process of pure noise; 400 of them, so the share is known to 3 %."""
    rng = np.random.default_rng(0)
    process = Process.fit(rng.uniform(-1, 1, size=(40, 2)), rng.normal(size=40))
    mean, sigma = process.predict(rng.uniform(-1, 1, size=(400, 2)))
    assert np.mean(np.abs(rng.normal(size=400) - mean) < 1.645 * sigma) > 0.8


def test_error_is_small_against_the_variation(sixteen):
    """With 16 members every quantity is known ten times better than by the ensemble's mean."""
    assert sixteen.quantity.values.tolist() == [
        "displacement", "volume", "pressure", "ejection_fraction", "peak_pressure",
    ]  # fmt: skip
    assert np.all(sixteen.error < 0.1 * sixteen.variation)
    assert int(sixteen.held_out) == 64
    assert int(sixteen.failed) == 0


def test_coverage_is_honest(sixteen, twenty_four):
    """The 90 % intervals hold 90 % of 64 hearts that were never seen; entries of one heart are not independent, and 16
    members know their own errors only roughly, so the mean over quantities is asked to lie above 80 %."""
    for found in (sixteen, twenty_four):
        assert float(found.coverage.mean()) > 0.8
        assert np.all(found.coverage > 0.6)


def test_error_falls_with_members(sixteen, twenty_four):
    assert np.all(twenty_four.error < sixteen.error)


def test_prediction_is_what_a_simulation_gives(sixteen):
    found = surrogate.Surrogate.from_store(sixteen).predict(FACTOR)
    truth = planted(0, np.array(list(FACTOR.values())))
    for name in ("volume", "pressure", "displacement", "ejection_fraction", "peak_pressure"):
        assert found[name].dims == truth[name].dims
        assert found[name].values == pytest.approx(truth[name].values, abs=4 * float(found[f"{name}_sigma"].max()))
        assert found[name].values == pytest.approx(truth[name].values, abs=0.02 * float(np.abs(truth[name]).max()))
    assert found.time.values.tolist() == TIME.tolist()


def test_store_holds_all_of_it(sixteen, tmp_path):
    """Arrays alone, no pickled object; read back it predicts the same."""
    store.publish(sixteen, tmp_path / "surrogate.zarr")
    center = dict.fromkeys(surrogate.PARAMETERS, 1.0)
    before = surrogate.Surrogate.from_store(sixteen).predict(center)
    after = surrogate.Surrogate.from_store(store.open(tmp_path / "surrogate.zarr")).predict(center)
    xr.testing.assert_allclose(after, before, rtol=1e-12)


def test_ensemble_and_member_are_what_the_table_says(tmp_path):
    ensemble = surrogate.sample(posterior(), Section())
    store.publish(ensemble, tmp_path / "ensemble.zarr")
    store.publish(beats(ensemble)[0], tmp_path / "members/0.zarr")
    assert store.open(tmp_path / "members/0.zarr").attrs["provenance"]["kind"] == "member"


def test_what_is_kept_of_a_beat():
    """Volumes 120 to 50 mL: ejection fraction 70/120. Of 8 displacements, 3 at frames 0, 8/3 and 16/3 rounded down."""
    beat = xr.Dataset(
        {
            "volume": ("time", [120.0, 80.0, 50.0, 100.0]),
            "pressure": ("time", [1.0, 15.0, 14.0, 1.0]),
            "aortic_pressure": ("time", [10.0, 14.0, 14.0, 12.0]),
            "displacement": (("frame", "point", "component"), np.arange(8.0)[:, None, None] * np.ones((8, 5, 3))),
        },
        coords={"time": [0.0, 200.0, 400.0, 600.0], "frame": np.arange(8) * 100.0},
    )
    ensemble = surrogate.sample(posterior(), Section())
    found = member.kept(beat, ensemble, 1002, 3)
    assert float(found.ejection_fraction) == pytest.approx(100 * 70 / 120)
    assert float(found.peak_pressure) == 15
    assert found.displacement[:, 0, 0].values.tolist() == [0, 2, 5]
    assert found.frame.values.tolist() == [0, 200, 500]
    assert found.factor.values.tolist() == ensemble.factor.values[18].tolist()
    checked = beats(ensemble)[0]
    assert {name: found[name].dims for name in found.variables} == {
        name: checked[name].dims for name in checked.variables
    }


def test_a_member_is_the_beat_with_its_factors(monkeypatch):
    """The factors reach the beat by name, and what comes back is kept under the member's number."""
    ensemble, given = surrogate.sample(posterior(), Section()), []

    def simulate(*inputs):
        given.extend(inputs)
        return beats(ensemble)[7]

    monkeypatch.setattr(member.beat, "simulate", simulate)
    stores = dict.fromkeys(("anatomy", "posterior", "activation", "targets"), posterior())
    found = member.simulate(
        7, ensemble, **stores, clinical=None, parameters=Beat(), mechanics=Mechanics(), frames=5, comm=None
    )
    factors = ensemble.factor.sel(member=7)
    assert given[-1] == member.beat.Factors(
        **{name: float(factors.sel(parameter=name)) for name in surrogate.PARAMETERS}
    )
    assert int(found.number) == 7
    assert found.factor.values.tolist() == factors.values.tolist()


def test_outside_its_domain_it_refuses(sixteen):
    """The bounds of the preload are exp(-0.1) = 0.904837 and exp(0.1) = 1.10517."""
    emulator = surrogate.Surrogate.from_store(sixteen)
    center = dict.fromkeys(surrogate.PARAMETERS, 1.0)
    for outside in (1.2, 0.9, np.nan):
        message = rf"preload is {outside:g}; it was trained from 0\.904837 to 1\.10517"
        with pytest.raises(surrogate.OutsideDomain, match=message):
            emulator.predict(center | {"preload": outside})
    with pytest.raises(ValueError, match="expected the parameters stiffness, tension, preload, resistance, got pre"):
        emulator.predict({"pre": 1.0})


def test_refreshed_is_what_rebuilt_would_be(sixteen, twenty_four):
    """The bases agree to rounding; the predictions within a tenth of their uncertainty, for the likelihood is searched
    from other starts."""
    again = refreshed(sixteen, Section(members=24, held_out=64))
    assert again.member.values.tolist() == list(range(24))
    for field in ("displacement", "loop", "figures"):
        values = twenty_four[f"{field}_values"].values
        assert again[f"{field}_values"].values == pytest.approx(values, rel=1e-6, abs=1e-9)
    assert 0 < evidence.difference() < 0.1


def count_fits(monkeypatch) -> list[bool]:
    """Whether each fit of a process from now on starts from an earlier one."""
    starts, fit = [], Process.fit.__func__

    def counted(cls, inputs, output, start=None):
        starts.append(start is not None)
        return fit(cls, inputs, output, start)

    monkeypatch.setattr(Process, "fit", classmethod(counted))
    return starts


def test_only_added_members_refresh(sixteen, monkeypatch):
    """With members of another posterior, or fewer of them, or a changed one, everything is made anew."""
    starts = count_fits(monkeypatch)
    refreshed(sixteen, Section(members=17))
    assert sum(starts) >= len(starts) - 1  # a mode that the earlier one had not kept has no start
    starts.clear()
    refreshed(sixteen, Section(ensemble={"preload": 0.11}))
    assert not any(starts)
    starts.clear()
    section = Section()
    ensemble = surrogate.sample(posterior(), section)
    members = beats(ensemble)
    members[3] = members[3].assign(peak_pressure=members[3].peak_pressure + 0.1)
    surrogate.refresh(ensemble, members, section, sixteen)
    assert not any(starts)


def test_same_members_again_change_nothing(sixteen):
    again = refreshed(sixteen, Section(held_out=64))
    assert np.array_equal(again.displacement_modes, sixteen.displacement_modes)


def test_some_members_may_fail():
    section = Section(members=20, held_out=4)
    ensemble = surrogate.sample(posterior(), section)
    members = beats(ensemble)
    found = surrogate.refresh(ensemble, [*members[:3], *members[5:-1]], section)
    assert int(found.failed) == 3
    assert int(found.held_out) == 3
    assert found.member.values.tolist() == [0, 1, 2, *range(5, 20)]
    with pytest.raises(Quarantined, match="ensemble-failed: 15 of 20 training members could be simulated; at least 16"):
        surrogate.refresh(ensemble, members[5:], section)
    with pytest.raises(Quarantined, match="ensemble-failed: 1 of 4 held-out members could be simulated; at least 2"):
        surrogate.refresh(ensemble, members[:-3], section)


def test_an_ensemble_without_variation_is_no_ensemble():
    section = Section()
    ensemble = surrogate.sample(posterior(), section)
    members = [planted(number, np.ones(4)) for number in ensemble.member.values.tolist()]
    with pytest.raises(Quarantined, match="ensemble-constant: displacement: the 16 members do not differ"):
        surrogate.refresh(ensemble, members, section)
