"""Three-dimensional heart and circulation, coupled over the whole beat (waveform relaxation).

The heart is quasi-static: its pressures at a time depend on the volumes and tension at that time alone. So the
coupled problem is solved beat by beat: the circulation runs to its limit cycle with a closed-form pump (one per
ventricle), the heart is solved through the beat at the volumes found, the pump is corrected to the heart's pressures,
and again. The fixed point is the periodic solution of the fully implicit coupling (the loop of Regazzoni et al. 2022
with volume consistency, eq. 15) without the many beats that its slow veins would take, and no step is unstable while
a valve is open.
"""

import logging
import time as clock
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..units import KPA_PER_MMHG
from .loop import P_AR, SCALE, Cycle
from .patient import Loop
from .pump import Pump, Pumps

log = logging.getLogger("twinbeat")


class Heart(Protocol):
    """A left ventricle that can be held at a volume; or both, at both volumes (ventricle,)."""

    def hold(self, volume: np.ndarray | float, time: float) -> np.ndarray | float:
        """Cavity pressure in kPa at a volume in mL, with the tension of a time in ms."""


class Coupled(NamedTuple):
    """The periodic beat of heart and circulation, at the heart's times (ms), and how it changed from the beat before.

    ``volume`` (time,) mL, ``pressure`` and ``aortic`` (time,) kPa; volume and pressure of both ventricles (time,
    ventricle). ``steadiness``: largest change of a state of the
    circulation at the end of the beat, relative to its magnitude (pressures 100 mmHg, volumes 100 mL).
    """

    time: np.ndarray
    volume: np.ndarray
    pressure: np.ndarray
    aortic: np.ndarray
    loop: Loop
    pump: Pump | Pumps
    steadiness: float


def couple(
    heart: Heart,
    pump: Pump | Pumps,
    circulate: Callable[[Any, Loop | None], Loop],
    times: np.ndarray,
    beats: int,
    steady: float = 0.0,
) -> Coupled:
    """Run the heart at ``times`` (ms, increasing within one beat from 0) until two beats differ by at most ``steady``.

    At most ``beats`` beats. ``circulate`` gives the limit cycle with a pump, starting from the last one.
    """
    loop = circulate(pump, None)
    tension = np.array([pump.tension(t / 1000) for t in times])
    for beat in range(beats):
        volume = at(times, loop.cycle, pump.chamber)
        pressure = _through_the_beat(heart, times, volume, f"beat {beat + 1} of {beats}")
        pump = pump.corrected(times / 1000, volume, tension, pressure / KPA_PER_MMHG)
        before, loop = loop, circulate(pump, loop)
        change = float(np.abs((loop.cycle.states[-1] - before.cycle.states[-1]) / SCALE).max())
        log.info("%s: state changed by %.2g", f"beat {beat + 1}", change)
        if change <= steady:
            break
    arterial = at(times, loop.cycle, P_AR) * KPA_PER_MMHG
    return Coupled(times, volume, pressure, arterial, loop, pump, change)


def at(times: np.ndarray, cycle: Cycle, state: int | list[int]) -> np.ndarray:
    """A state (time,) of the circulation at times in ms, or several (time, state)."""
    return np.apply_along_axis(lambda values: np.interp(times / 1000, cycle.time, values), 0, cycle.states[:, state])


def _through_the_beat(heart: Heart, times: np.ndarray, volume: np.ndarray, name: str) -> np.ndarray:
    pressure, start = np.empty_like(volume), clock.monotonic()
    for k, (t, v) in enumerate(zip(times, volume, strict=True)):
        pressure[k] = heart.hold(v, float(t))
        left = (clock.monotonic() - start) / (k + 1) * (len(times) - k - 1)
        log.info("beat: step %d of %d (%s), %.0f s left", k + 1, len(times), name, left)
    return pressure
