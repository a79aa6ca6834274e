"""Pharmacokinetics against closed forms: amounts in mg, times in h, flows in L/h, free concentrations in nM."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import approx

from twinbeat.evidence import pharmacology as evidence
from twinbeat.pharmacology import kinetics
from twinbeat.pharmacology.kinetics import ELIMINATED, PLASMA, TISSUE, Course, Kinetics, simulate

TIMES = np.linspace(0, 24, 49)
NANOMOLAR = 1e6 / 400  # of 1 mg/L at 400 g/mol


def body(**changed: object) -> Kinetics:
    """20 L, 5 L/h: k = 0.25 per h."""
    return Kinetics(**{"clearance": 5.0, "central_volume": 20.0, "molar_mass": 400.0} | changed)


def alone(one: Kinetics, course: Course, times: np.ndarray = TIMES) -> np.ndarray:
    """Free concentration (time,) of one drug."""
    return simulate({"drug": one}, {"drug": course}, times).free[0]


def test_bolus_decays():
    """100 mg into 20 L: 5 mg/L, of which 30 % is free, falling with k = 5/20 per h."""
    found = alone(body(fraction_unbound=0.3), Course("bolus", 100))
    assert found == approx(0.3 * 5 * NANOMOLAR * np.exp(-0.25 * TIMES), rel=1e-6)


def test_swallowed_dose_is_bateman():
    """C = F D ka / (V (ka - k)) (exp(-k t) - exp(-ka t)), with ka 1.2, F 0.8, D 100, V 20, k 0.25."""
    found = alone(body(absorption_rate=1.2, bioavailability=0.8), Course("oral", 100))
    exact = 0.8 * 100 * 1.2 / (20 * (1.2 - 0.25)) * (np.exp(-0.25 * TIMES) - np.exp(-1.2 * TIMES))
    assert found == approx(exact * NANOMOLAR, rel=1e-6, abs=1e-6)


def test_dose_absorbed_at_once_is_a_bolus():
    assert alone(body(bioavailability=0.5), Course("oral", 200)) == approx(alone(body(), Course("bolus", 100)))


def test_infusion_rises_and_falls():
    """R/CL (1 - exp(-k t)) for 6 h at R = 60/6 mg/h, then decay."""
    plateau = 10 / 5 * (1 - np.exp(-0.25 * np.minimum(TIMES, 6)))
    exact = plateau * np.exp(-0.25 * np.maximum(TIMES - 6, 0))
    found = alone(body(), Course("infusion", 60, infusion=6))
    assert found == approx(exact * NANOMOLAR, rel=1e-6, abs=1e-6)


def test_two_compartments_decay_twice():
    """k10 = 5/20, k12 = 8/20, k21 = 8/40: the rates are the roots of s² - (k10 + k12 + k21) s + k10 k21, and the plasma
    is D/V ((α - k21) exp(-α t) + (k21 - β) exp(-β t)) / (α - β)."""
    k10, k12, k21 = 0.25, 0.4, 0.2
    root = np.sqrt((k10 + k12 + k21) ** 2 - 4 * k10 * k21)
    fast, slow = (k10 + k12 + k21 + root) / 2, (k10 + k12 + k21 - root) / 2
    exact = 5 * ((fast - k21) * np.exp(-fast * TIMES) + (k21 - slow) * np.exp(-slow * TIMES)) / (fast - slow)
    found = alone(body(intercompartmental_clearance=8.0, peripheral_volume=40.0), Course("bolus", 100))
    assert found == approx(exact * NANOMOLAR, rel=1e-6)


def test_repeated_doses_superpose_to_a_steady_state():
    """Linear kinetics: ten doses are ten shifted single ones, and over the last interval the mean is F D / (CL τ)."""
    one, course = body(absorption_rate=0.9, bioavailability=0.7), Course("oral", 50, number=10, interval=8)
    times = np.linspace(0, 80, 801)
    found = alone(one, course, times)
    single = alone(one, Course("oral", 50), times)
    shifted = sum(np.interp(times - 8 * k, times, single, left=0.0) for k in range(10))
    assert found == approx(shifted, rel=1e-5, abs=1e-3)
    mean = np.trapezoid(found[720:], times[720:]) / 8
    assert mean == approx(0.7 * 50 / (5 * 8) * NANOMOLAR, rel=2e-3)


def test_inhibited_clearance_accumulates():
    """An inhibitor at its Ki (kept there by an infusion from a body that clears 1 L/h) halves the 80 % of the clearance
    that it acts on: 5 (0.2 + 0.4) = 3 L/h, so an infusion of 10 mg/h settles at 10/3 instead of 10/5 mg/L."""
    victim = body(inhibited_fraction=0.8, inhibitors={"strong": 2 * NANOMOLAR})
    bodies = {"victim": victim, "strong": Kinetics(clearance=1.0, central_volume=2.0, molar_mass=400.0)}
    courses = {
        "victim": Course("infusion", 2000, infusion=200),
        "strong": Course("infusion", 400, infusion=200),
    }
    curves = simulate(bodies, courses, np.array([0.0, 199.0]))
    assert curves.free[:, -1] == approx([10 / 3 * NANOMOLAR, 2 * NANOMOLAR], rel=1e-5)
    assert alone(victim, courses["victim"], np.array([0.0, 199.0]))[-1] == approx(2 * NANOMOLAR, rel=1e-5)


@settings(max_examples=25)
@given(
    route=st.sampled_from(["oral", "bolus", "infusion"]),
    mass=st.floats(0.1, 1000),
    clearance=st.floats(0.01, 100),
    exchange=st.floats(0, 50),
    absorption=st.floats(0.05, 10),
    number=st.integers(1, 4),
)
def test_mass_is_neither_made_nor_lost(route, mass, clearance, exchange, absorption, number):
    """What is in the body and what was eliminated is what was given, to the solver's tolerance."""
    one = body(
        clearance=clearance,
        intercompartmental_clearance=exchange,
        peripheral_volume=30.0,
        absorption_rate=absorption,
        bioavailability=0.6,
    )
    course = Course(route, mass, number=number, interval=6, infusion=2.0)
    times = np.array([0.0, 5.0, 30.0])
    amounts = simulate({"drug": one}, {"drug": course}, times).amounts[0]
    doses = np.array([np.count_nonzero(course.times() + (2.0 if route == "infusion" else 0) <= t) for t in times])
    assert amounts.sum(axis=0) == approx((0.6 if route == "oral" else 1) * mass * doses, rel=1e-6)
    assert (amounts[[PLASMA, TISSUE, ELIMINATED]] >= -1e-6 * mass).all()


def test_rows_of_the_evidence_pass():
    """Ten boluses against the sum of shifted biexponentials, and a plateau under inhibition."""
    assert [row["passed"] for row in evidence.kinetic()] == [True, True]


def test_failed_integration_is_told(monkeypatch):
    class Failed:
        success, message = False, "step too small"

    monkeypatch.setattr(kinetics, "solve_ivp", lambda *_, **__: Failed())
    with pytest.raises(RuntimeError, match="between 0 and 24 h: step too small"):
        alone(body(), Course("bolus", 1))
