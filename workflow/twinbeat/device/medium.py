"""Steps of a tissue that stays on a device: cells, then diffusion with the stimulus, as in ``electrophysiology``.

Kernels write from one buffer of the voltage into another, so that a step's start is still there at its end.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .gpu import Launch, Machine
from .plan import SOURCE, Cells, Plan, Pulse

NOWHERE = np.uintp(0)  # a null pointer


@dataclass(frozen=True)
class Kind:
    """Cells of one kind on the device."""

    launch: Launch
    count: int
    nodes: Any
    varied: Any
    table: Any
    states: Any


class Medium:
    """A tissue on a device and its ``voltage`` (node * members + member,) in mV there after some ``steps``."""

    def __init__(self, machine: Machine, plan: Plan) -> None:
        self.machine, self.plan, self.steps = machine, plan, 0
        xp = machine.xp
        self.voltage = xp.asarray(plan.voltage())
        self._spare = [xp.empty_like(self.voltage) for _ in range(3)]
        self._kinds = [self._kind(cells) for cells in plan.cells]
        self._leaks = [(leak, xp.asarray(leak.nodes)) for leak in plan.leaks]
        self._starts = [xp.asarray(pulse.start) for pulse in plan.pulses]
        self._launch = machine.load(SOURCE.read_text())
        self._matrix = [xp.asarray(part) for part in plan.rate]

    def _kind(self, cells: Cells) -> Kind:
        xp = self.machine.xp
        count = (self.plan.size if cells.nodes is None else len(cells.nodes)) * self.plan.members
        nodes = NOWHERE if cells.nodes is None else xp.asarray(cells.nodes)
        states = xp.empty((len(cells.states), count))
        states[:] = xp.asarray(cells.states)[:, None]
        varied = xp.asarray(np.ascontiguousarray(cells.varied))
        return Kind(self.machine.load(cells.source), count, nodes, varied, xp.asarray(cells.table), states)

    @property
    def time(self) -> float:
        """The time reached, in ms."""
        return self.steps * self.plan.time_step

    def advance(self, *marks: Any) -> None:
        """One step; ``marks`` are what the kernel ``finish`` takes after the time step."""
        origin, (now, *free) = self.voltage, self._spare
        self.react(origin, now)
        pulse, stages, before = self._pulse(), self.plan.stages, now
        first = 2 * self.plan.time_step / (stages**2 + stages)
        for j in range(1, stages + 1):
            mu = (2 * j - 1) / j
            weights = map(np.float64, (mu, 1 - mu, mu * first))
            out = free.pop()
            common = (*self._size, *self._matrix, *pulse, *weights, now, before, out)
            if j == stages and marks:
                reached = np.float64((self.steps + 1) * self.plan.time_step)
                self._launch("finish", len(out), *common, origin, reached, np.float64(self.plan.time_step), *marks)
            else:
                self._launch("diffuse", len(out), *common)
            if before is not now:
                free.append(before)
            before, now = now, out
        self.voltage, self._spare = now, [origin, before, *free]
        self.steps += 1

    def react(self, before: Any, after: Any) -> None:
        """A step of all cells, from one voltage to another."""
        members, step = np.int32(self.plan.members), np.float64(self.plan.time_step)
        for kind in self._kinds:
            sizes = np.int32(kind.count), members, np.int32(kind.varied.shape[1])
            arrays = kind.nodes, kind.varied, kind.table, before, after, kind.states
            kind.launch("advance", kind.count, *sizes, np.float64(self.time), step, *arrays)
        for leak, nodes in self._leaks:
            count = len(nodes) * self.plan.members
            values = np.float64(leak.rest), np.float64(leak.share), before, after
            self._launch("leak", count, np.int32(count), members, nodes, *values)

    def run(self, until: float) -> None:
        """Steps to a time in ms."""
        while self.time < until - 1e-9:
            self.advance()

    @property
    def _size(self) -> tuple[np.int32, np.int32]:
        return np.int32(len(self.voltage)), np.int32(self.plan.members)

    def _pulse(self) -> tuple[Any, np.float64, np.float64, np.float64]:
        """Where and since when the pulse of this step is, for how long, and its slope."""
        begun = [k for k, pulse in enumerate(self.plan.pulses) if pulse.since <= self.time + 1e-9]
        pulse: Pulse | None = self.plan.pulses[begun[-1]] if begun else None
        if pulse is None or self.time - pulse.since > pulse.last:
            return NOWHERE, np.float64(0), np.float64(0), np.float64(0)
        since, duration, slope = map(np.float64, (self.time - pulse.since, pulse.duration, pulse.slope))
        return self._starts[begun[-1]], since, duration, slope
