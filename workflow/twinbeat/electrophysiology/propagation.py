"""A wave of activation through the tissue."""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .assembly import Array
from .monodomain import Monodomain

THRESHOLD = 0.0  # mV; a point is activated at the first crossing (Niederer et al. 2011)
log = logging.getLogger("twinbeat")


@dataclass(frozen=True)
class Stimulus:
    """A current of ``density`` µA/mm³ for ``duration`` ms from ``start`` (point,) in ms; infinite where there is none.

    The default current and duration are those of Niederer et al. 2011, table 2.
    """

    start: Array
    density: float = 50.0
    duration: float = 2.0

    @cached_property
    def _last(self) -> float:
        return float(self.start[np.isfinite(self.start)].max(initial=-np.inf)) + self.duration

    def __call__(self, time: float) -> Array | None:
        if time > self._last:
            return None
        on = (self.start <= time + 1e-9) & (time + 1e-9 < self.start + self.duration)
        return self.density * on if on.any() else None


@dataclass(frozen=True)
class Wave:
    """``activation`` (point,) in ms, infinite where none was; ``voltage`` (snapshot, point) in mV at ``times``."""

    activation: Array
    times: Array
    voltage: Array


def propagate(
    tissue: Monodomain, duration: float, interval: float = np.inf, watch: Iterable[int] | None = None
) -> Wave:
    """Advance until every watched point (all by default) is activated, at most to ``duration`` ms.

    The voltage is kept every ``interval`` ms. Crossings of the threshold are interpolated linearly in time.
    """
    watched = slice(None) if watch is None else np.fromiter(watch, dtype=np.int64)
    activation = np.full(len(tissue.voltage), np.inf)
    times, voltages, progress = [], [], Progress(duration)
    while tissue.time < duration - 1e-9 and np.isinf(activation[watched]).any():
        if tissue.time >= len(times) * interval - 1e-9:
            times.append(tissue.time)
            voltages.append(tissue.voltage.copy())
        before = tissue.voltage.copy()
        tissue.advance()
        mark(activation, before, tissue)
        progress.report(tissue.time, activation)
    return Wave(activation, np.array(times), np.array(voltages).reshape(-1, len(activation)))


def mark(activation: Array, before: Array, tissue: Monodomain) -> None:
    """Enter the points that crossed the threshold upwards, for the first time, during the last step."""
    after = tissue.voltage
    new = np.flatnonzero((before <= THRESHOLD) & (after > THRESHOLD) & np.isinf(activation))
    if len(new):
        share = (after[new] - THRESHOLD) / (after[new] - before[new])
        activation[new] = tissue.time - share * tissue.time_step


class Progress:
    """Lines in the log, at most one every five seconds."""

    def __init__(self, duration: float) -> None:
        self.duration, self.begun = duration, time.monotonic()
        self.last = self.begun

    def report(self, reached: float, activation: Array) -> None:
        """Say how far the wave is, and the longest time that may be left."""
        now = time.monotonic()
        if now - self.last > 5:
            self.last = now
            left = (now - self.begun) * (self.duration / reached - 1)
            active = np.isfinite(activation).mean()
            log.info("electrophysiology: %.0f ms, %.0f %% active, at most %.0f s left", reached, 100 * active, left)
