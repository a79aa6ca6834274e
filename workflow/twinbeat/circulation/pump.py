"""A ventricle for the circulation alone: what the three-dimensional one taught, in closed form.

    p(V, t) = a1 x + a2 x² + T(t) (b0 + b1 x + b2 x²) + c(t),   x = V / Vu - 1 > 0,
    p(V, t) = a3 x - a4 x² + T(t) (b0 + b1 x + b2 x²) + c(t),   x < 0 (suction),

with the unloaded volume Vu, the mean active tension T(t) and a periodic correction c(t), by which the closed form
follows the three-dimensional heart exactly where they were compared.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import lsq_linear

from .loop import V_LV, V_RV, Ventricles

LEAST = np.array([0.0, -np.inf, -np.inf])
"""Bounds of b0 to b2; those of a1 to a4 are 0."""
SHALLOW = 0.05
"""-x up to which nothing is known of suction: it is as stiff as filling then; a fit to rounding errors would burst."""
RELAXED = 0.7
"""Share of a correction that both ventricles take: they answer each other through septum and lungs, and the whole of it
overshoots by half (the filling of the right atrium changed by 0.078, then by -0.043 of its magnitude)."""
SAMPLES = 1000
"""Table entries per beat for what depends on time alone."""


class Reading(NamedTuple):
    """One state of the three-dimensional heart: volume (mL), mean tension (kPa), pressure (mmHg)."""

    volume: float
    tension: float
    pressure: float


class Wave:
    """A periodic function of time as a table with linear interpolation (a hundred times faster than a spline)."""

    def __init__(self, values: np.ndarray, period: float) -> None:
        self._values = [*map(float, values), float(values[0])]
        self._rate = len(values) / period

    def __call__(self, time: float) -> float:
        position = (time * self._rate) % (len(self._values) - 1)
        i = int(position)
        return self._values[i] + (position - i) * (self._values[i + 1] - self._values[i])

    def scaled(self, factor: float) -> "Wave":
        """The wave times a factor."""
        values = self._values[:-1]
        return Wave(factor * np.array(values), len(values) / self._rate)


@dataclass(frozen=True)
class Pump:
    """The closed form above; ``coefficients`` are a1 to a4 in mmHg and b0 to b2 in mmHg/kPa; time in s.

    ``elastance`` (mmHg/mL) times the volume comes on top where tension follows the volume.
    """

    coefficients: tuple[float, ...]
    unloaded: float
    tension: Wave
    correction: Wave
    period: float
    elastance: Wave | None = None
    limit: float = np.inf
    """x beyond which active pressure stays as it is: a thin wall's falls with x, and without end it would burst."""

    chamber: ClassVar[int] = V_LV

    def pressure(self, volume: float, time: float) -> float:
        pressure = self.static(volume, self.tension(time)) + self.correction(time)
        return pressure if self.elastance is None else pressure + self.elastance(time) * volume

    def static(self, volume: float, tension: float) -> float:
        """Pressure in mmHg without the correction."""
        a1, a2, a3, a4, b0, b1, b2 = self.coefficients
        x = volume / self.unloaded - 1
        passive = a1 * x + a2 * x * x if x > 0 else a3 * x - a4 * x * x
        x = min(x, self.limit)
        return passive + tension * (b0 + b1 * x + b2 * x * x)

    def stiffened(self, factor: float) -> "Pump":
        """The pump of a heart whose passive muscle is stiffer by a factor."""
        passive, active = self.coefficients[:4], self.coefficients[4:]
        return replace(self, coefficients=(*(factor * a for a in passive), *active))

    def strengthened(self, factor: float) -> "Pump":
        """The pump of a heart whose muscle develops more tension by a factor."""
        return replace(self, tension=self.tension.scaled(factor))

    def following(
        self, time: np.ndarray, volume: np.ndarray, tension: np.ndarray, pressure: np.ndarray, share: float
    ) -> "Pump":
        """The pump that has these pressures (mmHg) at these volumes (mL), tensions (kPa) and times (s), all (time,),
        and whose tension grows with the volume: by ``share`` of what that grows by. Coefficients stay: where tension
        follows volume a fit cannot part them. Between the times volume, tension and pressure go linearly, as the
        heart's do that is marched through them: so its limit cycle is where such a beat ends as it began."""
        active = [self.static(v, T) - self.static(v, 0.0) for v, T in zip(volume, tension, strict=True)]
        slope = share * np.maximum(active, 0.0) / volume
        grid, samples = np.arange(SAMPLES) * self.period / SAMPLES, (volume, tension, pressure, slope)
        V, T, p, slope = (np.interp(grid, time, values, period=self.period) for values in samples)
        static = [self.static(v, t) for v, t in zip(V, T, strict=True)]
        return replace(
            self,
            tension=Wave(T, self.period),
            correction=Wave(p - static - slope * V, self.period),
            elastance=Wave(slope, self.period),
        )

    def corrected(self, time: np.ndarray, volume: np.ndarray, tension: np.ndarray, pressure: np.ndarray) -> "Pump":
        """The pump that fits these pressures (mmHg) best and then, corrected, exactly; volumes in mL, tensions in kPa
        and times in s, within one beat, all (time,)."""
        x = volume / self.unloaded - 1
        better = replace(self, coefficients=regression(x, tension, pressure, self.limit))
        static = [better.static(v, T) for v, T in zip(volume, tension, strict=True)]
        return replace(better, correction=wave(time, pressure - np.array(static), self.period))

    def towards(self, other: "Pump", share: float) -> "Pump":
        """The pump whose pressures lie this share of the way to those of another one with the same tension."""
        coefficients = (1 - share) * np.array(self.coefficients) + share * np.array(other.coefficients)
        grid = np.arange(SAMPLES) * self.period / SAMPLES
        between = [(1 - share) * self.correction(t) + share * other.correction(t) for t in grid.tolist()]
        return replace(self, coefficients=tuple(coefficients.tolist()), correction=Wave(np.array(between), self.period))


class Pumps(Ventricles):
    """Both ventricles in closed form, with the interface of one: volumes and pressures are (time, ventricle)."""

    chamber: ClassVar[list[int]] = [V_LV, V_RV]

    def tension(self, time: float) -> tuple[float, float]:
        """Of both, kPa."""
        return self.left.tension(time), self.right.tension(time)

    def stiffened(self, factor: float) -> "Pumps":
        """Both of a heart whose passive muscle is stiffer by a factor."""
        return Pumps(self.left.stiffened(factor), self.right.stiffened(factor))

    def corrected(self, time: np.ndarray, volume: np.ndarray, tension: np.ndarray, pressure: np.ndarray) -> "Pumps":
        """Each corrected to its own pressures (time, pump), by a share of the way: see RELAXED."""
        columns = zip(self, volume.T, tension.T, pressure.T, strict=True)
        return Pumps(*(pump.towards(pump.corrected(time, *found), RELAXED) for pump, *found in columns))


def regression(x: np.ndarray, T: np.ndarray, p: np.ndarray, limit: float = np.inf) -> tuple[float, ...]:
    """Coefficients of the closed form that fit pressures p (mmHg) best; passive pressure rises with x, active with T
    (kPa), all (time,). Of a heart that was hardly below its unloaded volume a3 is a1 and a4 nothing."""
    full, empty, seen = np.maximum(x, 0), np.minimum(x, 0), np.minimum(x, limit)
    active = [T, T * seen, T * seen**2]
    if empty.min() > -SHALLOW:
        a1, a2, *others = _fitted([x, full**2, *active], p)
        return a1, a2, a1, 0.0, *others
    return tuple(_fitted([full, full**2, empty, -(empty**2), *active], p))


def _fitted(basis: list[np.ndarray], p: np.ndarray) -> list[float]:
    passive = np.zeros(len(basis) - 3)
    return lsq_linear(np.stack(basis, axis=1), p, (np.append(passive, LEAST), np.inf)).x.tolist()


def wave(time: np.ndarray, values: np.ndarray, period: float) -> Wave:
    """The periodic wave through samples (time increasing within one period), monotone between them."""
    wrapped = np.concatenate([time - period, time, time + period])
    spline = PchipInterpolator(wrapped, np.tile(values, 3))
    return Wave(spline(np.arange(SAMPLES) * period / SAMPLES), period)


def learn(
    readings: Sequence[Reading], unloaded: float, tension: Callable[[np.ndarray], np.ndarray], period: float
) -> Pump:
    """The pump that fits ``readings`` best, with the tension (kPa) as a function of time in ms."""
    V, T, p = np.array(readings).T
    grid = np.arange(SAMPLES) * period / SAMPLES
    silent = Wave(np.zeros(2), period)
    return Pump(regression(V / unloaded - 1, T, p), unloaded, Wave(tension(1000 * grid), period), silent, period)
