"""Action potentials of many paced cells at once, each under its own drugs."""

import logging
import time
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .. import ionic
from .block import cell, variation

Array = np.ndarray
STEPS = ((5.0, 0.0025), (20.0, 0.01), (60.0, 0.05), (1000.0, 0.1), (np.inf, 0.5))
"""Until when after the stimulus (ms) which step (ms) is taken; docs/pharmacology.md has the error."""
RESTING = -70.0  # mV; a cell above it does not take the last step, but the one before
SAMPLING = 1.0  # ms, of the last beat
log = logging.getLogger("twinbeat")


@dataclass(frozen=True)
class Beat:
    """The last beat: ``times`` (sample,) in ms, ``voltage`` (sample, cell) in mV, ``charge`` (cell,) in nC/µF.

    The charge is qNet, the integral of INaL, ICaL, IKr, IKs, IK1 and Ito over the beat (Dutta et al. 2017).
    ``states`` (state, cell) are those at its end.
    """

    times: Array
    voltage: Array
    charge: Array
    states: Array

    def duration(self, repolarised: float = 0.9) -> Array:
        """Action potential duration (cell,) in ms; the whole beat where a cell does not repolarise."""
        found = [ionic.duration(self.times, v, repolarised) for v in self.voltage.T]
        return np.where(self.repolarised(), found, self.times[-1] + SAMPLING)

    def repolarised(self) -> Array:
        """Whether a cell (cell,) rests both when the beat starts and when it ends."""
        return (self.voltage[0] < RESTING) & (self.states[cell().voltage] < RESTING)


@lru_cache(4)
def control(cycle: float, beats: int = 1000, refined: int = 1) -> Beat:
    """The last of so many beats without drugs; ``refined`` divides the steps."""
    return pace(cell().initial(1), variation([()]), cycle, beats, refined)


def pace(states: Array, varied: Array, cycle: float, beats: int, refined: int = 1) -> Beat:
    """Pace cells from ``states`` (state, cell) with a cycle length of whole ms; ``refined`` divides the steps.

    ``varied`` (parameter, cell) is what ``variation`` makes of the drugs.
    """
    pacer, told = Pacer(states.copy(), varied, cycle, refined), time.monotonic()
    charge = list(cell().states).index("q_net")
    ends = [*(until for until, _ in STEPS if until < cycle), cycle]
    for beat in range(beats - 1):
        for start, end in zip([0.0, *ends], ends, strict=False):
            pacer.advance(start, end)
        if time.monotonic() - told > 5:
            told = time.monotonic()
            log.info("pharmacology: beat %d of %d", beat + 1, beats)
    pacer.states[charge] = 0.0
    times, voltage = np.arange(0.0, cycle, SAMPLING), []
    for start in times:
        voltage.append(pacer.voltage.copy())
        pacer.advance(start, start + SAMPLING)
    return Beat(times, np.array(voltage), pacer.states[charge].copy(), pacer.states)


class Pacer:
    """Cells and how they are stepped: ``states`` (state, cell), ``varied`` (parameter, cell)."""

    def __init__(self, states: Array, varied: Array, cycle: float, refined: int) -> None:
        self.model, self.states, self.varied, self.refined = cell(), states, varied, refined
        self.parameters = self.model.values(**self.model.stimulus(start=0.0, period=cycle))

    @property
    def voltage(self) -> Array:
        """Transmembrane potential (cell,) in mV."""
        return self.states[self.model.voltage]

    def advance(self, start: float, end: float) -> None:
        """Advance all cells between two times of a beat (ms) that lie within one part of ``STEPS``."""
        part = next(k for k, (until, _) in enumerate(STEPS) if start < until)
        late = (self.voltage > RESTING) & (part == len(STEPS) - 1)
        for chosen, step in ((~late, STEPS[part][1]), (late, STEPS[part - 1][1])):
            if chosen.any():
                states, varied = (np.ascontiguousarray(array[:, chosen]) for array in (self.states, self.varied))
                steps = round((end - start) * self.refined / step)
                self.model.advance(states, self.parameters, start, step / self.refined, steps, varied)
                self.states[:, chosen] = states
