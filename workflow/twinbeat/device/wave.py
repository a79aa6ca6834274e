"""A wave through a tissue that stays on a device: what ``electrophysiology.propagation`` is on the CPU.

The host only asks, once a millisecond, how many nodes are still awaited. What it then finds to have gone beyond the end
is taken off, so that both end at the same step.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .medium import NOWHERE, Medium
from .plan import Array
from .samples import Samples

CHECKED = 1.0  # ms between questions of the host
log = logging.getLogger("twinbeat")


class Course(NamedTuple):
    """``activation`` and ``repolarisation`` (node * members + member,) in ms, infinite where none was; ``voltage``
    (snapshot, node * members + member) in mV at ``times``; what was ``seen`` (sample, ...)."""

    activation: Array
    repolarisation: Array
    times: Array
    voltage: Array
    seen: Array


class Marks:
    """When nodes cross levels, in ms since the device started; entered by the kernel."""

    def __init__(self, medium: Medium, watched: NDArray[np.bool_], lost: float | None) -> None:
        xp, voltage = medium.machine.xp, medium.voltage
        self.medium = medium
        self.activation, self.repolarisation = (xp.full(len(voltage), np.inf) for _ in range(2))
        self.remaining = xp.asarray(np.array([np.count_nonzero(watched)], dtype=np.int32))
        self.watched = xp.asarray(watched.astype(np.uint8))
        self.rest, self.peak = (NOWHERE, NOWHERE) if lost is None else (voltage.copy(), voltage.copy())
        self.lost = np.float64(lost or 0.0)
        self.awaited = self.activation if lost is None else self.repolarisation

    @property
    def arguments(self) -> tuple[Any, ...]:
        """For the kernel."""
        arrays = self.rest, self.peak, self.activation, self.repolarisation, self.watched, self.remaining
        return (self.lost, *arrays)

    def left(self) -> int:
        """How many watched nodes are awaited."""
        return int(self.medium.machine.host(self.remaining)[0])

    def last(self) -> float:
        """The latest time at a watched node, all of which have one."""
        return float(self.medium.machine.host(self.awaited[self.watched > 0]).max(initial=0.0))


def propagate(
    medium: Medium,
    duration: float,
    interval: float,
    watched: NDArray[np.bool_],
    lost: float | None = None,
    leads: tuple[Callable[[Any], Any], float, float] | None = None,
) -> Course:
    """Advance until every ``watched`` (node * members + member,) is activated, or has ``lost`` this share of its
    amplitude, at most by ``duration`` ms.

    Times count from now. The voltage is kept every ``interval`` ms; ``leads`` are what to make of it, how often in ms,
    and for how much longer.
    """
    marks, begun, step, host = Marks(medium, watched, lost), medium.steps, medium.plan.time_step, medium.machine.host
    of, sampling, tail = leads or (None, 1.0, 0.0)
    snapshots, seen = Samples(interval, lambda voltage: voltage.copy()), Samples(sampling, of)
    every, end, told = max(1, round(CHECKED / step)), duration - 1e-9, time.monotonic()
    while (reached := (medium.steps - begun) * step) < end:
        for samples in (snapshots, seen):
            samples.take(reached, medium.voltage)
        medium.advance(*marks.arguments)
        if (medium.steps - begun) % every == 0:
            if (left := marks.left()) == 0:
                end = min(end, marks.last() - begun * step + tail)
            elif time.monotonic() > told + 5:
                told = time.monotonic()
                log.info("electrophysiology: %.0f ms, %d of %d awaited", reached, left, watched.sum())
    stop = step * np.ceil(end / step - 1e-9)
    times = [host(values) - begun * step for values in (marks.activation, marks.repolarisation)]
    ended = [np.where(values <= stop + 1e-9, values, np.inf) for values in times]
    shown, voltage = _before(end, snapshots, host)
    return Course(*ended, shown, voltage.reshape(-1, len(ended[0])), _before(end, seen, host)[1])


def _before(end: float, samples: Samples, host: Callable[[Any], np.ndarray]) -> tuple[Array, Array]:
    """Times and values of the samples before an end, on the host."""
    count = int(np.searchsorted(samples.times, end))
    return np.array(samples.times[:count]), np.array([host(value) for value in samples.values[:count]])
