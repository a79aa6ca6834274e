"""The twitch and the curves that follow local activation."""

import numpy as np
from pytest import approx

from twinbeat.activation import Curve, delays, local_curve, twitch

CYCLE = 800.0


def test_twitch_has_peak_one_and_nothing_before_activation():
    """Both Hill functions are one half at 100 and 350 ms; the rising one is 0.5 at 100 ms where the other is 1,
    so the twitch there is 0.5 over its own largest value, which the product of both has near 270 ms."""
    time = np.linspace(-100, 700, 8001)
    curve = twitch(time, 100, 350)
    assert curve.max() == approx(1, abs=1e-4)
    assert np.all(curve[time <= 0] == 0)
    after = time[time > 0]
    product = after**1.9 / (100**1.9 + after**1.9) / (1 + (after / 350) ** 21.9)
    assert twitch(np.array(100.0), 100, 350) == approx(0.5 / product.max(), rel=1e-4)


def test_curve_is_periodic_and_meets_its_samples():
    curve = Curve(np.array([10.0, 200.0, 400.0, 600.0]), np.array([0.0, 50.0, 20.0, 0.0]), CYCLE)
    assert curve([10, 200, 400, 600]) == approx([0, 50, 20, 0], abs=1e-12)
    assert curve(300 + CYCLE) == approx(float(curve(300)))
    assert float(curve(700)) == approx(0, abs=1e-9)  # between the last sample and the first of the next beat


def test_delays_are_relative_to_the_weighted_mean():
    """Weights 1 and 3 at 0 and 40 ms: the mean is 30 ms."""
    assert delays(np.array([0.0, 40.0]), np.array([1.0, 3.0])) == approx([-30, 10])


def test_mean_of_delayed_curves_is_the_calibrated_one():
    """Delays of up to 60 ms blur a twitch by 2 % of its peak; the local curve undoes it to a fifth of that."""
    time = np.arange(0, CYCLE, 32.0)
    curve = Curve(time, 60 * twitch(time - 30, 100, 350), CYCLE)
    activation, weight = np.linspace(0, 60, 61), np.ones(61)
    fine = np.linspace(0, CYCLE, 400)

    def error(local):
        mean = np.mean([local(fine - delay) for delay in delays(activation, weight)], axis=0)
        return np.sqrt(np.mean((mean - curve(fine)) ** 2))

    assert error(local_curve(curve, activation, weight)) < 0.4 * error(curve)
