"""A wave through the tissue: when it comes, when it leaves, and what is seen of it meanwhile."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from ..device.samples import Samples
from .assembly import Array, Index
from .monodomain import Monodomain

THRESHOLD = 0.0  # mV; a point is activated at the first crossing (Niederer et al. 2011)
REPOLARISED = 0.9  # of the amplitude of a point's action potential
SAMPLING = 1.0  # ms between samples of the electrocardiogram
TAIL = 30.0  # ms for which leads go on seeing what is left of the T wave
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

    def on(self, points: Index) -> Self:
        """The same on some points (indices) alone."""
        return replace(self, start=self.start[points])

    def __call__(self, time: float) -> Array | None:
        if time > self._last:
            return None
        on = (self.start <= time + 1e-9) & (time + 1e-9 < self.start + self.duration)
        return self.density * on if on.any() else None


@dataclass(frozen=True)
class Train:
    """Stimuli one after the other: each with the time in ms from which its own time counts, increasing."""

    stimuli: tuple[tuple[float, Stimulus], ...]

    @property
    def last(self) -> float:
        """When the last of them begins, in ms."""
        return self.stimuli[-1][0]

    def on(self, points: Index) -> Self:
        """The same on some points (indices) alone."""
        return replace(self, stimuli=tuple((since, stimulus.on(points)) for since, stimulus in self.stimuli))

    def __call__(self, time: float) -> Array | None:
        begun = [(since, stimulus) for since, stimulus in self.stimuli if since <= time + 1e-9]
        since, stimulus = begun[-1]
        return stimulus(time - since)


@dataclass(frozen=True)
class Wave:
    """``activation`` and ``repolarisation`` (point,) in ms, infinite where none was; ``voltage`` (snapshot, point) at
    ``times``, in mV and ms; what the leads saw, ``seen`` (sample, ...), every SAMPLING ms."""

    activation: Array
    repolarisation: Array
    times: Array
    voltage: Array
    seen: Array


def propagate(
    tissue: Monodomain,
    duration: float,
    interval: float = np.inf,
    watch: Iterable[int] | None = None,
    repolarised: bool = False,
    leads: Callable[[Array], Array] | None = None,
) -> Wave:
    """Advance until every watched point (all by default) is activated, or ``repolarised``, at most by ``duration`` ms.

    Times count from now. The voltage is kept every ``interval`` ms, and what the ``leads`` make of it every SAMPLING ms
    and for TAIL longer.
    """
    watched = slice(None) if watch is None else np.fromiter(watch, dtype=np.int64)
    marks, progress = Marks(tissue), Progress(duration)
    snapshots, seen = Samples(interval, np.copy), Samples(SAMPLING, leads)
    awaited = marks.repolarisation if repolarised else marks.activation
    tail = TAIL if leads else 0.0
    while marks.time < min(duration - 1e-9, tissue.ranks.largest(awaited[watched].max(initial=0.0)) + tail):
        for samples in (snapshots, seen):
            samples.take(marks.time, tissue.voltage)
        before = tissue.voltage.copy()
        tissue.advance()
        marks.activate(before)
        if repolarised:
            marks.repolarise(before)
        progress.report(marks.time, awaited)
    voltage = np.array(snapshots.values).reshape(-1, len(awaited))
    return Wave(marks.activation, marks.repolarisation, np.array(snapshots.times), voltage, np.array(seen.values))


class Marks:
    """Times in ms from the start at which points cross levels, interpolated linearly between steps."""

    def __init__(self, tissue: Monodomain) -> None:
        self.tissue, self.begun = tissue, tissue.time
        self.activation, self.repolarisation = (np.full(len(tissue.voltage), np.inf) for _ in range(2))
        self.rest, self.peak = tissue.voltage.copy(), tissue.voltage.copy()

    @property
    def time(self) -> float:
        """Time in ms since the start."""
        return self.tissue.time - self.begun

    def activate(self, before: Array) -> None:
        """Enter the points that crossed the threshold upwards, for the first time, during the last step, before which
        they had the potential ``before`` (point,) in mV."""
        after = self.tissue.voltage
        new = np.flatnonzero((before <= THRESHOLD) & (after > THRESHOLD) & np.isinf(self.activation))
        self._enter(self.activation, new, before, THRESHOLD)

    def repolarise(self, before: Array) -> None:
        """Enter the points whose action potential has lost REPOLARISED of its amplitude, likewise."""
        after = self.tissue.voltage
        np.maximum(self.peak, after, out=self.peak)
        level = self.peak - REPOLARISED * (self.peak - self.rest)
        late = np.isfinite(self.activation) & np.isinf(self.repolarisation)
        new = np.flatnonzero(late & (before > level) & (after <= level))
        self._enter(self.repolarisation, new, before, level[new])

    def _enter(self, times: Array, new: Array, before: Array, level: Array | float) -> None:
        if len(new):
            after, step = self.tissue.voltage[new], self.tissue.time_step
            times[new] = self.time - step * (after - level) / (after - before[new])


class Progress:
    """Lines in the log, at most one every five seconds."""

    def __init__(self, duration: float) -> None:
        self.duration, self.begun = duration, time.monotonic()
        self.last = self.begun

    def report(self, reached: float, awaited: Array) -> None:
        """Say how far the wave is, in ms and by the times (point,) awaited, and the longest time that may be left."""
        now = time.monotonic()
        if now - self.last > 5:
            self.last = now
            left = (now - self.begun) * (self.duration / reached - 1)
            share = 100 * np.isfinite(awaited).mean()
            log.info("electrophysiology: %.0f ms, %.0f %% done, at most %.0f s left", reached, share, left)
