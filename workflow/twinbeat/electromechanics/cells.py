"""Muscle that contracts by the calcium, the stretch and the shortening of its cells, in a ventricle.

Tension is T(λ) at the end of a step from the states at its beginning, with the stretch λ going linearly between. How it
meets the deformation, which depends on it:

- *staggered*: T at the stretch of the step before. Crossbridges are stiff springs: it oscillates where they are stiffer
  than the passive muscle, and worse in shorter steps.
- *stabilised*: T + dT/dλ (λ - λ_n) about the stretch of the step before (Regazzoni and Quarteroni 2021, doi
  10.1016/j.cma.2020.113506), with the slope of the discrete law in place of their K, which it tends to in short steps.
- *strong*: the same about the last iterate, until tension is that of the stretch which it makes.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from ..contraction import Calcium, Land, Path, advance, rest, tension
from ..mechanics import Contractile, Journal
from ..verdicts import Quarantined

Array = NDArray[np.float64]
Coupling = Literal["staggered", "stabilised", "strong"]
NUDGE = 1e-4  # of stretch, for the slope
MATCHED = 0.05  # kPa between tension and that of the stretch found, in the worst cell
ITERATIONS = 12
BEATS = 3  # without motion, before the first step


class Moment(NamedTuple):
    """Cells at a ``time`` in ms: ``states`` of the law (state, cell), ``strain`` (cell, point), ``stretch`` (cell,)."""

    time: float
    states: Array
    strain: Array
    stretch: Array


class Response(NamedTuple):
    """Tension and its slope by the stretch (cell,) in kPa, and states (state, cell), at the end of a step."""

    tension: Array
    slope: Array
    states: Array


@dataclass(frozen=True)
class Muscle:
    """Cells with one law, their ``calcium``, and the ``share`` (cell,) of its tension that each develops.

    ``unloaded`` is the law's stretch of a sarcomere in the unloaded shape.
    """

    law: Land
    calcium: Calcium
    share: Array
    unloaded: float = 1.0

    @property
    def cycle(self) -> float:
        """Of a beat, ms."""
        return self.calcium.cycle


class Cells:
    """The cells of a ventricle through time; ``scale`` is the factor on their tension.

    ``hold`` goes from step to step in the order of time, and through a step again where its time is that of the last.
    """

    def __init__(self, ventricle: Contractile, muscle: Muscle, coupling: Coupling, scale: float = 1.0) -> None:
        self.ventricle, self.muscle, self.coupling, self.scale = ventricle, muscle, coupling, scale
        self._hold = {"staggered": self._predicted, "stabilised": self._predicted, "strong": self._matched}[coupling]
        self._owned = ventricle.tension.function_space.dofmap.index_map.size_local
        self._end = self._begin = self._before_motion()

    @property
    def name(self) -> str:
        """What sets the equilibria apart from those of other cells, for a journal."""
        return f"{self.coupling} {self.muscle.law!r}"

    def hold(self, journal: Journal, volume: float, time: float) -> float:
        """Cavity pressure in kPa at a volume in mL and a time in ms within the beat.

        Raises Quarantined: contraction-diverged, mechanics-diverged.
        """
        if time != self._end.time:
            self._begin = self._end
        self._hold(journal, volume, time)
        return float(self.ventricle.pressure.value)

    def mean(self, weights: Array) -> float:
        """Mean active stress T/λ (second Piola-Kirchhoff, kPa) of the last step with ``weights`` (cell,)."""
        stress = self._tension(self._end.states, self._end.stretch) / self._end.stretch
        return self._ratio(weights, stress, self.muscle.share)

    def calcium(self, weights: Array, time: float) -> float:
        """Mean calcium in µM at a time in ms with ``weights`` (cell,)."""
        found = self.muscle.calcium(time)
        return self._ratio(weights, found, np.ones_like(found))

    def _ratio(self, weights: Array, values: Array, per: Array) -> float:
        """Of the weighted sums of values (cell,) of the cells of all ranks."""
        owned = slice(self._owned)
        sums = np.array([weights[owned] @ values[owned], weights[owned] @ per[owned]])
        total = self.ventricle.comm.allreduce(sums, op=MPI.SUM)
        return float(total[0] / total[1])

    def _largest(self, value: float) -> float:
        return float(self.ventricle.comm.allreduce(value, op=MPI.MAX))

    def _before_motion(self) -> Moment:
        """The beginning of a beat (time 0) after some beats in the present shape."""
        strain = self.ventricle.strain()
        stretch = self.ventricle.stretch(strain)
        sarcomere = self.muscle.unloaded * stretch
        path = Path(-BEATS * self.muscle.cycle, 0.0, sarcomere, sarcomere, self.muscle.calcium)
        states = advance(self.muscle.law, rest(len(stretch)), path, largest=self._largest)
        return Moment(0.0, states, strain, stretch)

    def _tension(self, states: Array, stretch: Array) -> Array:
        return self.scale * self.muscle.share * tension(self.muscle.law, states, self.muscle.unloaded * stretch)

    def _response(self, time: float, stretch: Array) -> Response:
        """What comes of a step to a stretch (cell,) at a time: twice at once, a nudge apart."""
        begin, muscle = self._begin, self.muscle
        start = begin.time if begin.time < time else begin.time - muscle.cycle
        ends = np.concatenate([stretch, stretch + NUDGE])
        before, after = muscle.unloaded * np.tile(begin.stretch, 2), muscle.unloaded * ends
        path = Path(start, time, before, after, lambda t: np.tile(muscle.calcium(t), 2))
        states = advance(muscle.law, np.tile(begin.states, 2), path, largest=self._largest)
        both = np.split(states, 2, axis=1)
        low, high = (self._tension(one, end) for one, end in zip(both, np.split(ends, 2), strict=True))
        return Response(low, (high - low) / NUDGE, both[0])

    def _load(self, response: Response, stretch: Array, strain: Array) -> None:
        """S = T/λ and its slope by e, as de = λ dλ."""
        T, slope = response.tension, response.slope
        self.ventricle.follow(T / stretch, (slope - T / stretch) / stretch**2, strain)

    def _found(self, time: float) -> Moment:
        """The step's end with the shape found, and the states of its beginning still."""
        strain = self.ventricle.strain()
        return Moment(time, self._begin.states, strain, self.ventricle.stretch(strain))

    def _predicted(self, journal: Journal, volume: float, time: float) -> None:
        begin = self._begin
        response = self._response(time, begin.stretch)
        self._load(response, begin.stretch, begin.strain)
        if self.coupling == "staggered":
            self.ventricle.slope.x.array[:] = 0.0
        journal.hold(volume)
        end = self._found(time)
        self._end = end._replace(states=self._response(time, end.stretch).states)

    def _matched(self, journal: Journal, volume: float, time: float) -> None:
        guess = self._found(time)
        response = self._response(time, guess.stretch)
        for _ in range(ITERATIONS):
            self._load(response, guess.stretch, guess.strain)
            journal.hold(volume)
            end, linear = self._found(time), response
            response = self._response(time, end.stretch)
            gap = response.tension - linear.tension - linear.slope * (end.stretch - guess.stretch)
            worst = self._largest(float(np.abs(gap).max(initial=0.0)))
            if worst <= MATCHED:
                self._end = end._replace(states=response.states)
                return
            guess = end
        found = f"tension and the stretch that it makes still disagree by {worst:.2g} kPa after {ITERATIONS} iterations"
        raise Quarantined("contraction-diverged", f"{found} at {time:g} ms; expected at most {MATCHED:g} kPa")
