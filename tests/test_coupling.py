"""The circulation with hearts that are not of the closed form: waveform relaxation, step by step, one or both."""

from dataclasses import replace

import numpy as np
import pytest
from pumps import PERIOD, fitted, pump, tension
from pytest import approx

from twinbeat import circulation
from twinbeat.circulation import Pump, Pumps, Ventricles
from twinbeat.circulation.patient import settle
from twinbeat.units import KPA_PER_MMHG
from twinbeat.verdicts import Quarantined

__all__ = ["fitted", "pump"]


class Stiffer:
    """A heart that is not of the pump's form: passive stiffness exponential, tension weaker at small volumes."""

    def hold(self, volume, time):
        x = volume / 80 - 1
        active = tension(np.asarray(time)) * (1.9 + 0.4 * np.tanh(2 * x))
        return float(6 * np.expm1(1.5 * x) + active) * KPA_PER_MMHG


def test_coupling_is_the_implicit_one(pump, fitted):
    """Waveform relaxation ends where the heart itself as cavity of the circulation does, without any closed form."""

    def circulate(pump: Pump, last):
        return settle(pump, last or fitted, fitted.resistance, 1.3)

    beat = circulation.couple(Stiffer(), pump, circulate, np.arange(0, 800, 20.0), 3)
    exact = circulate(itself(Stiffer()), beat.loop)
    assert beat.steadiness < 0.02
    assert beat.loop.cycle.stroke_volume == approx(exact.cycle.stroke_volume, rel=5e-3)
    assert beat.pressure.max() == approx(exact.cycle.pressure.max() * KPA_PER_MMHG, rel=5e-3)


class Remembering(Stiffer):
    """The same, a share of whose tension is lost as volume falls within the last step: it has a memory."""

    def __init__(self):
        self.begin = self.end = (0.0, 100.0)
        self.strength = self.share = 1.0

    def hold(self, volume, time):
        if time != self.end[0]:
            self.begin = self.end
        self.end = (time, volume)
        rate = (volume - self.begin[1]) / ((time - self.begin[0]) % 800 or 800)
        self.share = self.strength * float(1 + 0.5 * np.clip(rate, -1, 1))
        passive = super().hold(volume, -1.0)
        return passive + self.share * (super().hold(volume, time) - passive)

    def strengthen(self, factor):
        self.strength *= factor

    def mean_tension(self):
        return self.share * float(tension(np.asarray(self.end[0])))


def test_marching_ends_where_the_implicit_coupling_does(pump, fitted):
    """A heart without memory: step by step with steps of 10 ms the limit cycle is that of the heart as cavity."""

    class Plain(Remembering):
        def hold(self, volume, time):
            self.end = (time, volume)
            return Stiffer.hold(self, volume, time)

    def circulate(pump: Pump, last):
        return settle(pump, last or fitted, fitted.resistance, 1.3)

    beat = circulation.march(Plain(), pump, circulate, np.arange(0, 800, 10.0), 8, 5e-3)
    exact = circulate(itself(Stiffer()), beat.loop)
    assert beat.steadiness <= 5e-3
    assert float(np.ptp(beat.volume)) == approx(exact.cycle.stroke_volume, rel=0.01)
    assert beat.pressure.max() == approx(exact.cycle.pressure.max() * KPA_PER_MMHG, rel=0.01)


def test_marching_bears_a_heart_that_yields(pump, fitted):
    """Half of the tension goes at 1 mL/ms: waveforms without memory would swing; step by step all is smooth, blood is
    conserved, and the strength that is asked for, 1.2, is reached and stays."""
    heart, asked = Remembering(), iter([1.2, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])

    def circulate(pump: Pump, last):
        return settle(pump, last or fitted, fitted.resistance, 1.3)

    times = np.arange(0, 800, 10.0)
    beat = circulation.march(heart, pump, circulate, times, 8, 5e-3, lambda volume, pump: next(asked))
    assert beat.steadiness <= 5e-3 and heart.strength == approx(1.2)
    blood = [beat.loop.circulation.blood(state) for state in beat.loop.cycle.states]
    assert np.ptp(blood) < 1e-6 * blood[0]
    ejecting = (times > 120) & (times < 260)
    assert np.all(np.diff(beat.volume[ejecting]) < 0)


def test_a_heart_goes_on_where_the_closed_form_has_no_limit_cycle(pump, fitted):
    """Beat after beat from the end of the last: the state changes less and less."""
    heart, changes = Remembering(), []
    heart.strength = 1.1

    def circulate(pump: Pump, last):
        if last is None:
            return fitted
        changes.append(np.abs(last.cycle.gap).max())
        raise Quarantined("circulation-unsteady", "planted")

    beat = circulation.march(heart, pump, circulate, np.arange(0, 800, 20.0), 5)
    assert len(changes) == 4 and beat.steadiness < 0.5 * 0.1
    assert beat.loop.cycle.unsteadiness == approx(beat.steadiness)


def test_a_step_without_volume_is_a_verdict(pump, fitted):
    """A heart that fills, with another pressure each time that it is asked: 0, 0.5 or 0.25 kPa."""

    class Restless(Remembering):
        def hold(self, volume, time):
            self.begin = (0, self.begin[1] + 1)
            return 0.25 * (self.begin[1] * 2 % 3)

    with pytest.raises(Quarantined, match=r"beat-diverged: volume and pressure of the heart at \d+ ms still change"):
        circulation.march(Restless(), pump, lambda pump, last: fitted, np.arange(0, 800, 20.0), 1)


class Both:
    """Such a heart on either side, the right one with a fifth of the pressure."""

    def hold(self, volume, time):
        return np.array([Stiffer().hold(volume[0], time), 0.2 * Stiffer().hold(volume[1], time)])


def test_coupling_of_both_is_the_implicit_one(pump, fitted):
    """As above with two hearts of which each is corrected on its own; and what a closed loop must do: both eject the
    same, and all chambers and vessels together hold the same blood (mL) at all times."""
    pumps = Pumps(pump, replace(pump, coefficients=tuple(0.2 * a for a in pump.coefficients)))

    def circulate(pumps, last):
        return settle(pumps, last or fitted, fitted.resistance, 1.3)

    beat = circulation.couple(Both(), pumps, circulate, np.arange(0, 800, 20.0), 6, 0.005)
    left, right = (itself(heart) for heart in (Stiffer(), Weaker()))
    exact = circulate(Ventricles(left, right), beat.loop).cycle
    assert beat.steadiness < 0.01
    strokes = np.ptp(beat.loop.cycle.states[:, [1, 3]], axis=0)
    assert strokes == approx(np.ptp(exact.states[:, [1, 3]], axis=0), rel=5e-3)
    assert strokes[1] == approx(strokes[0], abs=0.02)
    assert beat.pressure.max(axis=0)[0] == approx(exact.pressure.max() * KPA_PER_MMHG, rel=5e-3)
    blood = [beat.loop.circulation.blood(state) for state in beat.loop.cycle.states]
    assert blood == approx([blood[0]] * len(blood), rel=1e-12)


class Weaker:
    """The right one of ``Both``."""

    def hold(self, volume, time):
        return 0.2 * Stiffer().hold(volume, time)


def itself(heart):
    """The heart as cavity of the circulation."""

    class Cavity:
        def pressure(self, volume, time):
            return heart.hold(volume, 1000 * (time % PERIOD)) / KPA_PER_MMHG

    return Cavity()
