"""What-if runs: an unchanged twin is itself, and changes go where physiology says."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from mpi4py import MPI
from pytest import approx
from report_pages import QUARANTINED, Elements
from twins import CYCLE, clinical, twin

from twinbeat import beat, circulation, report, store, whatif
from twinbeat.activation import Curve, delays, local_curve, mean_curve, paced, systole
from twinbeat.parameters import Beat, ConfigurationError, Electrophysiology, Mechanics, WhatIf, read

COARSE = Beat(time_step="50 ms", frames=4, steady=0.002, beats=10)


@pytest.fixture(scope="module")
def stores():
    made = twin(MPI.COMM_SELF)
    return made | {"beat": beat.simulate(*made.values(), clinical(), COARSE, Mechanics(), MPI.COMM_SELF)}


def simulated(stores, changed=None, **factors):
    run = WhatIf.model_construct(**factors)
    changed = stores["activation"] if changed is None else changed
    return whatif.simulate(stores, changed, run, COARSE, Mechanics(), MPI.COMM_SELF)


def test_an_unchanged_twin_is_itself(stores):
    """Both are limit cycles of one circulation with one heart, each steady to 0.002 of its state's magnitude (100 mL,
    100 mmHg) at the R wave; five times that is allowed while blood is ejected."""
    same, usual = simulated(stores), stores["beat"]
    assert same.volume.values == approx(usual.volume.values, abs=1.0)
    assert same.pressure.values == approx(usual.pressure.values, abs=0.13)
    assert same.attrs["resistance"] == approx(usual.attrs["resistance"], rel=1e-12)


def test_less_blood_and_less_tension_move_the_loop(stores):
    """Bleeding (a tenth of the stressed blood) empties the ventricle: both volumes and the pressure fall
    (Frank and Starling). Less tension: less is ejected from a fuller heart."""
    usual = figures(stores["beat"], stores)
    bled, weak = (figures(simulated(stores, **{name: 0.9}), stores) for name in ("blood", "tension"))
    for quantity in ("end-diastolic volume (mL)", "stroke volume (mL)", "mean arterial pressure (mmHg)"):
        assert bled[quantity] < 0.97 * usual[quantity]
    assert weak["stroke volume (mL)"] < usual["stroke volume (mL)"]
    assert weak["end-diastolic volume (mL)"] > usual["end-diastolic volume (mL)"]
    assert weak["largest LV pressure (mmHg)"] < 0.97 * usual["largest LV pressure (mmHg)"]


def test_the_usual_heart_rate_is_the_twin_itself(stores):
    """75 beat/min are the 800 ms of the twin; tolerances as for the unchanged twin."""
    same, usual = simulated(stores, heart_rate=60000 / CYCLE), stores["beat"]
    assert same.volume.values == approx(usual.volume.values, abs=1.0)
    assert same.pressure.values == approx(usual.pressure.values, abs=0.13)


def test_a_faster_heart_fills_less_and_pumps_more(stores):
    """From 75 to 100 beat/min at rest, nothing else changed, as in atrial pacing: diastole loses most of the 200 ms; a
    stroke falls, but less than the rate rises, so output and arterial pressure rise; the blood for that comes from the
    veins, so the ventricle fills at a lower pressure."""
    usual, fast = figures(stores["beat"], stores), figures(simulated(stores, heart_rate=100.0), stores)
    assert fast["heart rate (beat/min)"] == approx(100.0)
    shorter = {name: usual[name] - fast[name] for name in ("end of ejection (ms)", "diastole (ms)")}
    assert sum(shorter.values()) == approx(200.0) and shorter["diastole (ms)"] > 3 * shorter["end of ejection (ms)"] > 0
    assert 0.75 * usual["stroke volume (mL)"] < fast["stroke volume (mL)"] < 0.95 * usual["stroke volume (mL)"]
    assert fast["cardiac output (L/min)"] > 1.02 * usual["cardiac output (L/min)"]
    assert fast["mean arterial pressure (mmHg)"] > usual["mean arterial pressure (mmHg)"]
    assert fast["end-diastolic volume (mL)"] < usual["end-diastolic volume (mL)"]
    assert fast["filling pressure (mmHg)"] < usual["filling pressure (mmHg)"]


def test_the_right_ventricle_keeps_step(stores):
    """Its 250 ms of contraction and 400 ms of relaxation take eight tenths of it, in the limit cycle found next too."""
    usual = stores["beat"]
    pump = circulation.Elastance(2.75, 0.08, 5.0, 0.03, 0.3, 0.2, 0.6)
    start = circulation.resume(pump, 0.6, (1.0, 1.0), usual.state.values, systole=0.8)
    right = circulation.keep(pump, start, 1.0, start.circulation.blood(usual.state.values)).circulation.right_ventricle
    assert (right.contraction, right.relaxation) == approx((0.2, 0.32))


def test_dyssynchrony_costs_pressure_rise(stores):
    """An activation that takes four times as long spreads the twitches: the pressure rises more slowly, and segments
    shorten at different times."""
    wave = stores["activation"]
    late = wave.assign({name: 4 * wave[name] for name in ("activation", "fine_activation")})
    usual, changed = figures(stores["beat"], stores), figures(simulated(stores, late), {"activation": late})
    assert changed["largest pressure rise (mmHg/s)"] < 0.95 * usual["largest pressure rise (mmHg/s)"]
    assert changed["first to last activation (ms)"] == approx(160.0)
    name = "spread of its times over segments (ms, s.d.)"
    assert changed[name] > usual[name]


def figures(found, stores):
    return whatif.figures(stores["activation"], found)


def test_the_mean_of_local_twitches_is_the_curve_that_they_were_made_for():
    """Van Cittert's iteration meets the curve; a later activation by 30 ms everywhere moves the mean by 30 ms."""
    time = np.arange(160) * CYCLE / 160
    curve = Curve(time, 50 * np.exp(-(((time - 300) / 80) ** 2)), CYCLE)
    activation, muscle = np.linspace(0, 40, 200), np.ones(200)
    local, late = local_curve(curve, activation, muscle), delays(activation, muscle)
    assert mean_curve(local, late, muscle).tension == approx(curve.tension, abs=0.05)
    shifted = mean_curve(local, late + 30, muscle)
    assert shifted(time + 30) == approx(curve.tension, abs=0.1)


def test_systole_is_that_of_people_at_rest():
    """Boudoulas et al. 1981, at 60 and at 100 beat/min: men 541 - 2.2 HR = 409 and 321 ms, women 540 - 2.0 HR = 420 and
    340 ms; the twin's lies between them."""
    for rate in (60, 100):
        assert 541 - 2.2 * rate < systole(rate) < 540 - 2.0 * rate


@pytest.mark.parametrize("shift", [0.0, 250.0, -250.0])
def test_a_twitch_at_another_rate_is_stretched_about_the_r_wave(shift):
    """From 75 to 100 beat/min systole lasts 330.5 / 383 of what it did, and so does what comes before each tension:
    wherever in the cycle the twitch lies, one that begins before the R wave included."""
    time, middle = np.arange(160) * CYCLE / 160, 300 + shift
    since = (time - middle + CYCLE / 2) % CYCLE - CYCLE / 2
    curve = Curve(time, 50 * np.exp(-((since / 60) ** 2)), CYCLE)
    share, fast = 330.5 / 383.0, paced(curve, 600.0)
    at = np.array([-90.0, -30.0, 0.0, 45.0, 120.0])
    assert fast((middle + at) * share) == approx(50 * np.exp(-((at / 60) ** 2)), abs=0.1)
    assert fast.cycle == 600.0 and fast(fast.time).min() < 0.1


def test_twitches_that_meet_are_not_added():
    """A twitch of 760 of 800 ms lasts 447 of the 400 ms of 150 beat/min: the tension never falls to zero, nor does it
    rise above its peak."""
    time = np.arange(200) * 4.0
    curve = Curve(time, 50 * np.sin(np.pi * np.minimum(time / 760, 1)), CYCLE)
    fast = paced(curve, 400.0)
    assert fast.tension.max() <= 50.0 and fast.tension.min() > 2.0


def test_a_curve_at_its_own_rate_is_itself():
    time = np.arange(12) * CYCLE / 12
    curve = Curve(time, np.array([5.0, 20, 40, 50, 40, 20, 5, 0, 0, 0, 0, 0]), CYCLE)
    fine = np.arange(0, CYCLE, 1.0)
    assert paced(curve, CYCLE)(fine) == approx(curve(fine), abs=0.25)


def test_the_aortic_valve_closes_where_pressures_cross():
    """Pressures 10, 6 and -2 above those of the artery at 100, 120 and 140 ms cross at 135; one that is never above it
    has its largest at 100."""
    time, drop = np.arange(80.0, 180.0, 20.0), np.array([-5.0, 10.0, 6.0, -2.0, -30.0])
    assert whatif.closure(time, drop) == approx(135.0)
    assert whatif.closure(time, drop - 20) == approx(100.0)


def test_compare_gives_both_columns(stores):
    twin_stores = {name: stores[name] for name in ("activation", "beat")}
    changes = whatif.compare(twin_stores, twin_stores)
    assert changes.baseline.values == approx(changes.changed.values)
    row = dict(zip(changes.quantity.values.tolist(), changes.baseline.values.tolist(), strict=True))
    assert row["ejection fraction (%)"] == approx(stores["beat"].attrs["ejection_fraction"], abs=0.5)
    assert row["first to last activation (ms)"] == approx(40.0)


# --- configuration


def test_a_run_keeps_what_it_does_not_change():
    run = WhatIf(electrophysiology={"leads": [[0.1, "90 degree", 1, "0 ms"]], "roots": []})
    usual = Electrophysiology(size="3 mm")
    found = run.activated_by(usual)
    assert found.size == usual.size and found.roots == () and len(found.leads) == 1
    nested = WhatIf(electrophysiology={"scar": {"kind": "passive"}}).activated_by(
        Electrophysiology(scar={"border_velocity": 0.7})
    )
    assert nested.scar.kind == "passive" and nested.scar.border_velocity == 0.7


def test_a_train_of_beats_has_the_heart_rate():
    """A single beat from rest knows no rate: the twin's activation stands. 100 beat/min are 600 ms of a train, unless
    the run has a cycle of its own."""
    fast = WhatIf(heart_rate="100 beat/min")
    assert fast.activated_by(Electrophysiology()) == Electrophysiology()
    train = Electrophysiology(pacing={"beats": 5})
    assert fast.activated_by(train).pacing.cycle == 600.0
    own = WhatIf(heart_rate="100 beat/min", electrophysiology={"pacing": {"beats": 3, "cycle": "500 ms"}})
    assert (own.activated_by(train).pacing.beats, own.activated_by(train).pacing.cycle) == (3, 500.0)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"p": {}}, "whatif.p: nothing is changed; expected another value of electrophysiology, tension"),
        ({"p": {"tension": 0}}, "whatif.p.tension: input should be greater than 0, got 0"),
        ({"p": {"heart_rate": "100 ms"}}, "whatif.p.heart_rate: expected a heart rate such as"),
        ({"p": {"heart_rate": "200 beat/min"}}, "whatif.p.heart_rate: input should be less than or equal to 150"),
        ({"P x": {"tension": 2}}, "whatif.P x.*: string should match pattern"),
        ({"p": {"electrophysiology": {"sise": 1}}}, r"whatif.p.electrophysiology.sise: unknown key; known here"),
        ({"p": {"electrophysiology": {"roots": []}}}, r"whatif.p.electrophysiology: roots and leads are both empty"),
    ],
)
def test_a_run_that_cannot_be_is_named(entry, words):
    with pytest.raises(ConfigurationError, match=words):
        read({"whatif": entry})


# --- the page


def test_the_page_shows_what_changed(tmp_path, stores):
    fine = {
        "fine_points": (("fine_point", "component"), stores["anatomy"].points.values),
        "fine_cells": (("fine_cell", "corner"), stores["anatomy"].cells.values),
        "fine_activation": ("fine_point", stores["activation"].activation.values),
        "voltage": (("snapshot", "fine_point"), np.zeros((0, stores["anatomy"].sizes["point"]), np.float32)),
    }
    activation = stores["activation"].assign(fine).assign_coords(snapshot=np.zeros(0))
    pair = {"activation": activation, "beat": stores["beat"]}
    changes = whatif.compare(pair, pair)
    made = pair | {f"changed_{name}": one for name, one in pair.items()} | {"changes": changes}
    paths = {name: str(tmp_path / name / f"{name.split('_')[-1]}.zarr") for name in made}
    for name, one in made.items():
        Path(paths[name]).parent.mkdir()
        store.publish(one, paths[name])
    page = report.whatif_page("p-01", "study", "bleeding", {"blood": 0.9}, paths)
    assert not Elements(page).open
    assert len(Elements(page).of("img")) == 2
    assert "<code>blood</code>" in page and "ejection fraction (%)" in page


def test_a_stopped_run_says_so(tmp_path):
    path = str(tmp_path / "beat.zarr")
    store.publish(store.verdict(QUARANTINED), path)
    page = report.whatif_page("p-01", "study", "bleeding", {"blood": 0.9}, {"beat": path})
    assert "no-convergence" in page and not Elements(page).of("img")


def test_digits_show_a_thousandth():
    columns = {"baseline": ("quantity", [1234.5, 0.0, 57.3]), "changed": ("quantity", [1200.0, 0.0, 50.0])}
    changes = xr.Dataset(columns, {"quantity": np.array(["a", "b", "c"])})
    assert [(row["digits"], row["share"] is None) for row in report.whatif.rows(changes)] == [
        (0, False),
        (5, True),
        (1, False),
    ]
