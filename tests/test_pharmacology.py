"""Drugs on ion channels and on the action potential; qNet after 1000 beats is evidence (``twinbeat.evidence``)."""

import numpy as np
import pytest
from pytest import approx

from twinbeat import ionic, pharmacology
from twinbeat.evidence import pharmacology as evidence
from twinbeat.pharmacology import KNOWN, TRAINING, VALIDATION, Binding, Drug, Hill, action_potential, block, risk

HERG = ("IC1", "IC2", "C2", "O_", "IO", "IObound", "Obound", "Cbound")


def test_half_is_blocked_at_the_half_blocking_concentration():
    """At IC50 whatever the Hill coefficient; at ten times with h = 2, 1/(1 + 100)."""
    assert [Hill(30, h).open(30) for h in (0.5, 1, 2)] == approx([0.5, 0.5, 0.5])
    assert Hill(30, 2).open(300) == approx(1 / 101)


def test_binding_saturates():
    """Kmax D^n / (D^n + halfmax): with n = 2, halfmax 100 and D = 10 half of Kmax, and Kmax in the end."""
    binding = Binding(kmax=8, ku=0.01, n=2, halfmax=100, vhalf=-60)
    assert binding.ratio(10) == approx(4)
    assert binding.ratio(1e6) == approx(8, rel=1e-9)


def test_known_drugs_are_those_of_cipa():
    """Four, four and four training drugs, and four, seven and five to predict (Li et al. 2017, 2019)."""
    for drugs, numbers in ((TRAINING, (4, 4, 4)), (VALIDATION, (4, 7, 5))):
        classes = [drug.risk for drug in drugs.values()]
        assert tuple(classes.count(risk) for risk in ("high", "intermediate", "low")) == numbers
    assert set(KNOWN["bepridil"].block) == {"Na", "NaL", "to", "CaL", "Kr", "Ks"}


def test_drugs_block_independently():
    """Two drugs that each leave half of the sodium channels leave a quarter. The one that is stronger at hERG binds to
    it, the other one blocks a third of it; a drug at no concentration does nothing."""
    half, binding = Hill(10, 1), Binding(8, 0.01, 1, 10, -60)
    weak = Drug("weak", 1, {"Na": half, "Kr": Hill(20, 1)}, binding)
    strong = Drug("strong", 1, {"Na": half, "Kr": Hill(2, 1)}, binding)
    absent = Drug("absent", 1, {"Ks": half})
    found = pharmacology.blocked([(weak, 10), (strong, 10), (absent, 0)])
    assert found == approx({"open_Na": 0.25, "open_Kr": 2 / 3, "binding": 4, "Ku": 0.01, "Vhalf": -60})


def test_drug_without_binding_blocks_herg_at_once():
    assert pharmacology.blocked([(Drug("plain", 1, {"Kr": Hill(10, 1)}), 30)]) == approx({"open_Kr": 0.25})


def test_binding_without_half_blocking_concentration_comes_first():
    binding = Binding(8, 0.01, 1, 10, -60)
    only = Drug("only", 1, {}, binding)
    found = pharmacology.blocked([(only, 10), (Drug("other", 1, {"Kr": Hill(1, 1)}, binding), 30)])
    assert found == approx({"open_Kr": 1 / 31, "binding": 4, "Ku": 0.01, "Vhalf": -60})


def held(voltage, own, duration, states, **changed):
    """States after so many ms at a voltage that is held."""
    model = block.cell()
    for _ in range(round(duration / 0.05)):
        states[model.voltage] = voltage
        model.advance(states, model.values(stim_amplitude=0.0, **changed), 0.0, 0.05, 1, own)
    return dict(zip(model.states, states, strict=True))


def test_herg_binds_as_its_equations_say():
    """With V held at 0 mV and no trapping, bound over open is the ratio 3 in the end; inactivated channels unbind by
    the ratio of inactivation faster, so that as many are bound in one state as in the other."""
    model = block.cell()
    found = held(0.0, model.variation(1, binding=3.0, Ku=0.05), 400, model.initial(1), Kt=0.0)
    assert found["Obound"] / found["O_"] == approx(3, rel=0.01)
    assert found["IObound"] == approx(found["Obound"], rel=0.01)
    assert all(0 <= found[name] <= 1 for name in HERG)


def test_trapped_drug_stays():
    """Held at -88 mV, far below Vhalf closed channels keep what they hold; far above it they lose it with Kt on either
    side, exp(-2 Kt t), where it unbinds at once."""
    model = block.cell()
    states, row = model.initial(2), list(model.states).index
    states[row("Cbound")] = 0.5
    states[row("IC1")] -= 0.5
    found = held(-88.0, model.variation(2, Vhalf=[50.0, -1000.0], Ku=50.0), 100, states, Kt=0.01)
    assert found["Cbound"] == approx([0.5, 0.5 * np.exp(-2 * 0.01 * 100)], rel=0.01)


def test_first_beats_are_ordered_by_risk():
    """After five beats from the published initial state: dofetilide prolongs, diltiazem shortens, and a cell without
    drug in the same batch is the one that is paced alone."""
    drugs = [KNOWN["dofetilide"], KNOWN["diltiazem"]]
    varied = pharmacology.variation([(), *([(drug, 50 * drug.cmax)] for drug in drugs)])
    start = np.repeat(block.cell().initial(1), 3, axis=1)
    beat = pharmacology.pace(start, varied, 1000, beats=5)
    none, dofetilide, diltiazem = beat.duration()
    assert diltiazem < none - 10 and dofetilide > none + 10
    assert beat.repolarised().all()
    alone = pharmacology.control(1000, beats=5)
    assert beat.voltage[:, 0] == approx(alone.voltage[:, 0], abs=1e-6)
    assert beat.charge[0] == approx(alone.charge[0], rel=1e-9)


def test_charge_is_that_of_six_currents():
    """With all six blocked there is none. With K1 alone, over 0.1 ms at the initial state, it is 0.1 times GK1 1.698
    √ko xk1 (v - EK) / (1 + exp((v + 105.8 - 2.6 ko) / 9.493)) (O'Hara et al. 2011; Dutta et al. 2017)."""
    model = block.cell()
    shut = {f"open_{channel}": 0.0 for channel in ("NaL", "CaL", "Kr", "Ks", "to")}
    states = model.initial(2)
    model.advance(states, model.unpaced(), 0.0, 0.01, 10, model.variation(2, **shut, open_K1=[0.0, 1.0]))
    v, potential = model.states["v"], 8314 * 310 / 96485 * np.log(5.4 / model.states["ki"])
    current = 0.1908 * 1.698 * np.sqrt(5.4) * model.states["xk1"] * (v - potential)
    current /= 1 + np.exp((v + 105.8 - 2.6 * 5.4) / 9.493)
    assert states[list(model.states).index("q_net")] == approx([0.0, 0.1 * current], rel=0.01)


def test_steps_converge():
    """Halved steps halve the change of the first beat's charge: the method is of first order."""
    found = [pharmacology.control(500, beats=1, refined=k).charge[0] for k in (1, 2, 4)]
    assert (found[0] - found[1]) / (found[1] - found[2]) == approx(2, rel=0.2)


def test_cell_that_stays_depolarised_is_told():
    """Without any potassium current the cell does not repolarise: its duration is the whole beat."""
    blocker = Drug("blocker", 1, {channel: Hill(1e-9, 2) for channel in ("Kr", "Ks", "K1")})
    beat = pharmacology.pace(block.cell().initial(1), pharmacology.variation([[(blocker, 1.0)]]), 1200, beats=2)
    assert not beat.repolarised().any()
    assert beat.duration() == approx([1200])


def test_a_late_cell_keeps_the_finer_step(monkeypatch):
    """Beyond 1000 ms a cell above -70 mV is stepped as before: its partner at rest does not change it."""
    model = block.cell()
    states = np.repeat(model.initial(1), 2, axis=1)
    states[model.voltage, 1] = -20
    both = action_potential.Pacer(states.copy(), pharmacology.variation([(), ()]), 2000, 1)
    both.advance(1000, 1010)
    for k, step in ((0, 0.5), (1, 0.1)):
        one = np.ascontiguousarray(states[:, [k]])
        model.advance(one, both.parameters, 1000, step, round(10 / step), pharmacology.variation([()]))
        assert both.states[:, k] == approx(one[:, 0], rel=1e-9)


def _charges(charge, repolarised=True):
    charge = np.atleast_2d(charge)
    good = np.broadcast_to(repolarised, charge.shape)
    return pharmacology.Charges(("bepridil",), charge, good, charge, None, None)


def test_class_is_that_of_the_mean():
    """Bounds 57.9 and 67.1 nC/uF (Li et al. 2019); doses at which the cell does not repolarise are not averaged, and a
    drug under which it never does is of high risk."""
    assert [risk.classify(mean) for mean in (57.8, 57.9, 67.1, 67.2)] == ["high", "intermediate", "intermediate", "low"]
    assert _charges([60, 62, 64, 66]).mean() == approx([63])
    assert _charges([60, 62, -900, 900], [True, True, False, False]).mean() == approx([61])
    assert _charges([60, 62, 64, 66], False).classes() == ["high"]


def test_deviation_leaves_out_the_rhythm():
    """Bepridil's reference is 54.472, 46.231, 40.79, 36.888: 1 % off at the second dose."""
    assert evidence.deviation(_charges([54.472, 1.01 * 46.231, 40.79, 36.888]), "bepridil") == approx(1.0)
    quinidine = pharmacology.Charges(("quinidine",), np.array([[28.019, 13.59, 1.0, 91.793]]), None, None, None, None)
    assert evidence.deviation(quinidine, "quinidine") == approx(0.0)


def test_few_beats_of_all_doses():
    """One batch of two drugs at four doses: the higher the dose of a hERG blocker, the less charge."""
    found = risk.charges([KNOWN["dofetilide"], KNOWN["sotalol"]], beats=2)
    assert found.charge.shape == (2, 4)
    assert (np.diff(found.charge, axis=1) < 0).all()
    assert found.drugs == ("dofetilide", "sotalol")


def test_unknown_varied_parameter_is_named():
    with pytest.raises(KeyError, match="has no parameter open_Typo"):
        block.cell().variation(2, open_Typo=1.0)
    with pytest.raises(KeyError, match=r"ohara_rudy_cipa.ode has no parameter typo"):
        ionic.load(block.CELL, ("typo",))


def test_rows_hold_what_was_computed_beside_the_reference(monkeypatch):
    """A result that is the reference passes every row; one that is 2 % off in bepridil fails that row alone."""
    names = tuple(TRAINING)
    charge = np.array([evidence.REFERENCE[name] for name in names])
    charge[names.index("verapamil"), 3] = 74.5

    class Control:
        charge, voltage = np.array([evidence.CONTROL]), np.array([[evidence.CONTROL_REST]])

        def duration(self):
            return np.array([evidence.CONTROL_DURATION])

    for factor, failed in ((1.0, []), (1.02, ["CiPA, bepridil"])):
        charge[names.index("bepridil"), 0] = factor * 54.472
        rests = np.ones((12, 4), dtype=bool)
        rests[names.index("quinidine"), 3] = False
        found = pharmacology.Charges(names, charge, rests, charge, None, Control())
        monkeypatch.setattr(evidence, "_charges", lambda found=found: found)
        monkeypatch.setattr(evidence, "_nearest", lambda: -13.1)
        assert [row["name"].split(":")[0] for row in evidence.rows() if not row["passed"]] == failed


def test_of_the_rhythm_the_nearest_beat_counts(monkeypatch):
    """Four beats of -9, -12, 5 and -16 nC/uF take turns; the reference is -13.068."""
    charges = iter([-9.0, -12.0, 5.0, -16.0])

    class Found:
        drugs, states = ("bepridil", "quinidine"), np.arange(8.0)[None]
        beat = property(lambda self: self)

    class Next(Found):
        def __init__(self, states, *_, **__):
            assert (states == 6).all()  # the third dose of the second drug
            self.states, self.charge = states, np.array([next(charges)])

    monkeypatch.setattr(evidence, "_charges", Found)
    monkeypatch.setattr(evidence.pharmacology, "pace", Next)
    assert evidence._nearest() == -12.0
