"""The law of Land et al. 2017: its steady states by hand, its time steps, and its tension beside another code's."""

import numpy as np
import pytest
from pytest import approx

from twinbeat.contraction import INTACT, SKINNED, Land, Path, advance, land, rest, rigidity, tension


def held(law: Land, calcium: np.ndarray, stretch: float, time: float = 20000.0) -> np.ndarray:
    """Tension (cell,) after a long time at a constant calcium (cell,) and stretch."""
    stretches = np.full(len(calcium), stretch)
    path = Path(0.0, time, stretches, stretches, lambda _: calcium)
    return tension(law, advance(law, rest(len(calcium)), path), stretches)


def shortening(law: Land, speed: float, time: float = 300.0) -> float:
    """Tension at full activation when the stretch has fallen to 1 at a speed in 1/ms, over that at rest."""
    calcium = np.array([10.0])
    ones = np.ones(1)
    states = advance(law, rest(1), Path(0, 1000, ones, ones, lambda _: calcium))
    start, step = tension(law, states, ones), time / 100
    for k in range(100):
        before, after = 1 + speed * (time - k * step) * ones, 1 + speed * (time - (k + 1) * step) * ones
        states = advance(law, states, Path(k * step, (k + 1) * step, before, after, lambda _: calcium))
    return float((tension(law, states, ones) / start)[0])


@pytest.mark.parametrize("law", [SKINNED, INTACT])
def test_saturated_muscle_has_the_reference_tension(law):
    """W = U as r_w = 1/2, S = 2/3 U, B = k_b/k_u C^-n_tm U, and they add up to 1: T = T_ref S / r_s
    = T_ref / (1 + (0.35/C)^n_tm), with C = 1 here. At a stretch of 1.1 h = 1 + 2.3 (1.1 + 0.87 - 1.87) = 1.23."""
    calcium, most = np.array([1000.0]), law.reference / (1 + 0.35**law.n_tm)
    assert held(law, calcium, 1.0) == approx(most, rel=1e-4)
    assert held(law, calcium, 1.1) == approx(1.23 * most, rel=1e-4)


@pytest.mark.parametrize(("law", "half"), [(SKINNED, 1.8345), (INTACT, 0.5907)])
def test_half_of_the_tension(law, half):
    """T is half of T_ref where C = trpn50 = 0.35 = 1 / (1 + (Ca50/Ca)^2): (Ca/Ca50)^2 = 0.35 / 0.65,
    Ca = 0.7338 Ca50. A stretch of 1.1 takes 0.24 µM from Ca50 (beta1): the muscle is more sensitive."""
    assert held(law, np.array([half]), 1.0) == approx(law.reference / 2, rel=1e-3)
    assert held(law, np.array([half - 0.7338 * 0.24]), 1.1) == approx(1.23 * law.reference / 2, rel=2e-3)


@pytest.mark.parametrize(("law", "steepness"), [(SKINNED, 2.86), (INTACT, 6.5)])
def test_steepness_of_the_force_calcium_curve(law, steepness):
    """T = T_ref / (1 + (0.35/C)^n_tm), so at half tension d ln(T/(1 - T)) / d ln Ca = n_tm d ln C / d ln Ca
    = n_tm 2 (1 - C) = 2.2 * 1.3 = 2.86 (skinned) and 5 * 1.3 = 6.5 (intact)."""
    half = law.ca50 * np.sqrt(0.35 / 0.65)
    share = held(law, half * np.array([0.99, 1.01]), 1.0) / law.reference
    assert np.diff(np.log(share / (1 - share)))[0] / np.log(1.01 / 0.99) == approx(steepness, rel=0.01)


def test_no_tension_in_very_short_muscle():
    """h = 1 + 2.3 (2 λ - 1.87) is nought at λ = 0.7176 and stays so below."""
    assert held(INTACT, np.array([10.0]), 0.7) == approx(0.0, abs=1e-9)


def test_tension_falls_with_the_speed_of_shortening():
    """Distortions become A dλ/dt / c: with A = 10, c_s = 2.23 * 0.012 * 3/2 = 0.0401 and c_w = 2.23 * 0.182 = 0.406 /ms
    those of a length a second are -0.249 and -0.0246. With W/S = 3/2 the tension is 1 - 0.249 - 0.037 = 0.71 of that at
    rest, less what strained weak bridges lose (g_w takes 4 % of them); it is nought at 3 to 4 lengths a second."""
    found = [shortening(INTACT, speed) for speed in (0.0, 0.0005, 0.001, 0.003, 0.004)]
    assert found[0] == approx(1.0, abs=1e-3)
    assert found[1:3] == approx([0.85, 0.70], abs=0.03)
    assert found[3] > 0 > found[4]


def test_a_quick_stretch_meets_springs():
    """Within a microsecond no crossbridge lets go: T rises by K dλ, K = h T_ref/r_s A (S + W), plus h' dλ T / h."""
    calcium, ones, jump = np.array([1.0]), np.ones(1), 1e-4
    states = advance(INTACT, rest(1), Path(0, 1000, ones, ones, lambda _: calcium))
    after = advance(INTACT, states, Path(0, 1e-3, ones, ones + jump, lambda _: calcium))
    rise = tension(INTACT, after, ones + jump) - tension(INTACT, states, ones)
    springs = rigidity(INTACT, states, ones)
    assert rise / jump == approx(springs + 2.3 * tension(INTACT, states, ones), rel=1e-3)


def transient(time: float) -> np.ndarray:
    return np.array([0.1 + 4 * np.exp(-(((time - 100) / 60) ** 2))])


def stretch(time: float) -> np.ndarray:
    return np.array([1.05 - 0.1 * max(0, 1 - abs(time - 150) / 100)])


def test_steps_are_of_second_order():
    """Half the step leaves a quarter of the error."""
    path = Path(50.0, 90.0, np.array([1.0]), np.array([0.98]), transient)
    start = advance(SKINNED, rest(1), Path(0, 50, np.ones(1), np.ones(1), transient), 1e-8)
    ends = []
    for steps in (32, 64, 128, 256):
        states = start
        for k in range(steps):
            states = land._substep(SKINNED, states, path, 50 + k * 40 / steps, 40 / steps)
        ends.append(tension(SKINNED, states, path.after)[0])
    errors = np.abs(np.diff(ends))
    assert np.log2(errors[:-1] / errors[1:]) == approx(2, abs=0.15)


def test_a_long_step_is_stable():
    """L-stable: after one sub-step of a second, shares are shares; with rates of up to 1e12 / s (C is small)."""
    path = Path(0.0, 1000.0, np.ones(1), np.ones(1), lambda _: np.array([1e-4]))
    C, B, W, S, *_ = land._substep(INTACT, rest(1), path, 0.0, 1000.0)[:, 0]
    assert min(C, W, S) > -1e-6 and abs(B - 1) < 1e-6


def test_steps_are_chosen_by_error():
    """A hundredth of the tolerance changes the tension by less than some tolerances."""
    path = Path(0.0, 400.0, np.ones(1), np.array([0.9]), transient)
    loose, tight = (tension(SKINNED, advance(SKINNED, rest(1), path, one), path.after) for one in (1e-3, 1e-5))
    assert loose == approx(tight, abs=5e-3 * SKINNED.reference)
    asked = []
    advance(SKINNED, rest(1), path, 1e-3, largest=lambda error: asked.append(error) or error)
    assert min(asked) <= 1e-3 and len(asked) > 3


@pytest.mark.parametrize(
    ("still", "expected"),
    [
        (True, {50: 0.2449, 100: 5.8336, 150: 13.9087, 200: 16.9534, 250: 14.6994, 300: 11.4742}),
        (False, {50: 0.3212, 100: -1.0245, 150: 0.0597, 200: 6.4261, 250: 6.0054, 300: 3.3689}),
    ],
)
def test_tension_is_that_of_crossbridge(still, expected):
    """kPa of ``Land2017`` of the MIT package crossbridge 0.5.0 in steps of 0.05 ms, from B = 0 and C in balance with
    0.1 µM: calcium ``transient``, ``stretch`` 1 or a triangle of 0.001 / ms. It freezes coefficients within steps and
    errs by some 1e-3 kPa itself."""
    states = np.zeros((6, 1))
    states[0] = 1 / (1 + 25**2)
    found = {}
    for time in range(300):
        before, after = (np.ones(1),) * 2 if still else (stretch(time), stretch(time + 1))
        states = advance(SKINNED, states, Path(time, time + 1, before, after, transient), 1e-6)
        found[time + 1] = tension(SKINNED, states, after)[0]
    assert {time: found[time] for time in expected} == approx(expected, abs=2e-3)
