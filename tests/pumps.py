"""A heart that is of the closed form of a pump, the pump that learned from it, and their loop."""

from functools import cache

import numpy as np
import pytest

from twinbeat import circulation
from twinbeat.circulation import Goals, Loop, Pump, Reading

PERIOD = 0.8


def tension(time):
    """A raised cosine of 60 kPa between 50 and 450 ms."""
    return np.where((time > 50) & (time < 450), 30 * (1 - np.cos(2 * np.pi * (time - 50) / 400)), 0.0)


def plain(volume, T):
    """10 x + 4 x |x| + T (2 + 0.1 x), unloaded at 80 mL."""
    x = volume / 80 - 1
    return 10 * x + 4 * x * abs(x) + T * (2 + 0.1 * x)


@cache
def learned() -> Pump:
    """Learned from a heart that is of the pump's form."""
    states = [(v, T) for v in (40.0, 60.0, 100.0, 120.0, 150.0) for T in (0.0, 20.0, 60.0)]
    return circulation.learn([Reading(v, T, plain(v, T)) for v, T in states], 80.0, tension, PERIOD)


@cache
def loop() -> Loop:
    """Three scales for three goals: the systolic pressure is left free."""
    return circulation.fit(learned(), PERIOD, Goals((1.3, 0.02), (16.0, 100.0), (10.0, 0.05), (65.0, 0.3)))


@pytest.fixture
def pump():
    return learned()


@pytest.fixture
def fitted():
    return loop()
