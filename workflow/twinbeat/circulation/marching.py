"""Three-dimensional heart and circulation, coupled step by step, for a heart that remembers what went before.

Where tension depends on stretch and its rate, pressure depends on the way to a volume, and a waveform of volumes
without it (``coupling``) meets a heart that yields: blood would be thrown to and fro. So heart and circulation go
through the beat together, each step implicit in both: the circulation runs against the heart's pressure as a line with
the heart's elastance, the heart is solved at the volume that this gives, until both agree. What takes many beats, the
blood in slow veins, is left to the closed-form pump: after each beat it is corrected to the heart, and its limit cycle
gives the state from which the next beat starts.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np

from ..units import KPA_PER_MMHG
from ..verdicts import Quarantined
from .coupling import Coupled
from .loop import P_AR, SCALE, V_LV, Circulation, Cycle, runge_kutta
from .patient import Loop
from .pump import Pump

log = logging.getLogger("twinbeat")

STEP = 0.002  # s, of the circulation at most
CLOSE = 0.1  # mmHg between the heart's pressure and the line
ITERATIONS = 15
STARLING = 1.6
"""d ln T / d ln V of the closed form where cells drive the heart: the limit cycle does not depend on it, how fast it is
found does."""
SOFTEST, STIFFEST = 0.05, 100.0  # mmHg/mL, of the heart within a step


class Heart(Protocol):
    """A left ventricle with a memory that can be held at a volume."""

    def hold(self, volume: float, time: float) -> float:
        """Cavity pressure in kPa at a volume in mL, a step after the last time in ms, or at that time again."""

    def strengthen(self, factor: float) -> None:
        """Let muscle develop this much more tension."""

    def mean_tension(self) -> float:
        """Mean active tension in kPa where it was held last."""


class Point(NamedTuple):
    """Volume (mL) and pressure (mmHg) of the heart at a time (s)."""

    time: float
    volume: float
    pressure: float


@dataclass(frozen=True)
class Line:
    """The heart within a step, as the circulation sees it: p = p(t) + elastance (V - V(t)), both linear in time."""

    start: Point
    end: Point
    elastance: float

    def pressure(self, volume: float, time: float) -> float:
        share = (time - self.start.time) / (self.end.time - self.start.time)
        middle = self.start.volume + share * (self.end.volume - self.start.volume)
        pressure = self.start.pressure + share * (self.end.pressure - self.start.pressure)
        return pressure + self.elastance * (volume - middle)


class Beat(NamedTuple):
    """A beat of the heart: at its times and the end, ``states`` (n + 1, 12), ``pressure`` (mmHg) and ``tension``."""

    time: np.ndarray
    states: np.ndarray
    pressure: np.ndarray
    tension: np.ndarray


Stronger = Callable[[np.ndarray, Pump], float]
"""Volumes (time,) in mL of a beat and the pump that follows it -> the factor on tension that they ask for."""


def as_strong(volume: np.ndarray, pump: Pump) -> float:
    """No other tension."""
    return 1.0


Renewed = Callable[[], float]
"""What a beat does to the heart that goes through the next one, done; how much that changed it, which has to settle."""


def as_it_is() -> float:
    """Nothing."""
    return 0.0


def march(
    heart: Heart,
    pump: Pump,
    circulate: Callable[[Pump, Loop | None], Loop],
    times: np.ndarray,
    beats: int,
    steady: float = 0.0,
    stronger: Stronger = as_strong,
    renewed: Renewed = as_it_is,
    starling: float = STARLING,
) -> Coupled:
    """Run the heart at ``times`` (ms, from 0 on, within a beat) until a beat ends as it began, within ``steady``.

    At most ``beats`` beats. ``circulate`` gives the limit cycle with a pump, starting from the last one; ``stronger``
    the factor on tension that the volumes of a beat and the pump that follows it ask for, which has to settle too, and
    so has what is ``renewed`` after each beat.
    Raises Quarantined("beat-diverged") where a step finds no volume, and what the heart raises.
    """
    loop = circulate(pump, None)
    for number in range(beats):
        beat = _beat(heart, loop, times, pump)
        gap = float(np.abs((beat.states[-1] - beat.states[0]) / SCALE).max())
        volume = beat.states[:-1, V_LV]
        pump = pump.following(times / 1000, volume, beat.tension[:-1], beat.pressure[:-1], starling)
        factor = stronger(volume, pump)
        change = max(gap, abs(np.log(factor)), renewed())
        log.info("beat %d of %d: state changed by %.2g, tension to change by %.3f", number + 1, beats, gap, factor)
        if change <= steady or number == beats - 1:
            break
        heart.strengthen(factor)
        loop = _next(circulate, pump.strengthened(factor), loop, beat)
    arterial = beat.states[:-1, P_AR] * KPA_PER_MMHG
    cycle = Cycle(beat.time, beat.states, beat.pressure)
    found = replace(loop, cycle=cycle)
    return Coupled(times, volume, beat.pressure[:-1] * KPA_PER_MMHG, arterial, found, pump, change)


def _next(circulate: Callable[[Pump, Loop | None], Loop], pump: Pump, loop: Loop, beat: Beat) -> Loop:
    """Where the next beat starts: at the limit cycle with the pump, or, where that has none (it may not hold far from
    the volumes of the beat), where this beat ended."""
    try:
        return circulate(pump, loop)
    except Quarantined as verdict:
        log.info("circulation: %s with the closed form; the heart goes on from the end of its beat", verdict.code)
        states = np.vstack([beat.states[-1:], beat.states[1:]])
        return replace(loop, cycle=Cycle(beat.time, states, beat.pressure))


def _beat(heart: Heart, loop: Loop, times: np.ndarray, pump: Pump) -> Beat:
    """From the start of the loop's limit cycle through one beat; the heart's next time is 0 again."""
    circulation, state = loop.circulation, loop.cycle.states[0]
    seconds = np.append(times / 1000, circulation.period)
    at = Point(0.0, state[V_LV], heart.hold(float(state[V_LV]), 0.0) / KPA_PER_MMHG)
    states, pressures, tensions, elastance = [state], [at.pressure], [heart.mean_tension()], 1.0
    for time in seconds[1:]:
        volume = float(np.interp(time, loop.cycle.time, loop.cycle.volume))
        guess = Point(float(time), volume, pump.pressure(volume, time % circulation.period))
        state, at, elastance = _step(heart, circulation, state, at, Line(at, guess, elastance))
        states.append(state)
        pressures.append(at.pressure)
        tensions.append(heart.mean_tension())
    return Beat(seconds, np.array(states), np.array(pressures), np.array(tensions))


def _step(
    heart: Heart, circulation: Circulation, state: np.ndarray, start: Point, line: Line
) -> tuple[np.ndarray, Point, float]:
    """State and heart at the end of a step, with the heart's elastance; ``line`` is the first guess."""
    held, clock = None, 1000 * (line.end.time % circulation.period)
    for _ in range(ITERATIONS):
        after = _through(replace(circulation, left_ventricle=line), state, start.time, line.end.time)
        volume = float(after[V_LV])
        if held is not None and abs(volume - held.volume) * line.elastance <= CLOSE:
            return after, Point(held.time, volume, line.pressure(volume, held.time)), line.elastance
        last, held = held, Point(line.end.time, volume, heart.hold(volume, clock) / KPA_PER_MMHG)
        elastance = line.elastance
        if last is not None:
            elastance = float(np.clip((held.pressure - last.pressure) / (volume - last.volume), SOFTEST, STIFFEST))
        if abs(held.pressure - line.pressure(volume, held.time)) <= CLOSE:
            return after, held, elastance
        line = Line(start, held, elastance)
    found = f"volume and pressure of the heart at {clock:g} ms still change after {ITERATIONS} iterations"
    raise Quarantined(
        "beat-diverged", f"{found}: {held.volume:.1f} mL, {held.pressure:.1f} mmHg; expected {CLOSE} mmHg"
    )


def _through(circulation: Circulation, state: np.ndarray, start: float, end: float) -> np.ndarray:
    """The state (12,) at the end of a step of s."""
    steps = int(np.ceil((end - start) / STEP - 1e-9))
    for k in range(steps):
        state = runge_kutta(circulation, start + k * (end - start) / steps, state, (end - start) / steps)
    return state
