"""How long muscle holds: twitches of the laws of contraction, and how long a ventricle of one fibre ejects with them.

envs/run python benchmarks/ejection.py

The ventricle is that of Arts et al. 1991 (doi 10.1016/S0006-3495(91)82201-9): p = σ ln(1 + Vw/V) / 3 and λ³ = (1 +
3V/Vw) / (1 + 3V0/Vw), with the stress σ of one fibre whose calcium is that of cells activated within 40 ms; filled
from a constant pressure, it ejects into a windkessel. Its dimensions are those of a healthy man. Tension is scaled
until it ejects 58 %, as with patients. It shows in seconds what takes hours in three dimensions: which part of a law
ends the ejection. The last line is one JSON object: end of the ejection in ms after the mean activation.
"""

import json
from dataclasses import dataclass, field, replace

import numpy as np

from twinbeat import ionic
from twinbeat.contraction import INTACT, LAWS, Calcium, Land, Path, advance, rest, tension
from twinbeat.electromechanics import kinds
from twinbeat.parameters import Electrophysiology
from twinbeat.units import KPA_PER_MMHG

TTP, EPI, ENDO = ionic.TENTUSSCHER_PANFILOV_2006_EPI, "torord_dyncl_epi", "torord_dyncl_endo"
CYCLE, STEP, BEATS = 956.5, 5.0, 4  # ms, as phantom-01 of the demo
WALL, UNLOADED, FULL = 130.0, 62.0, 120.0  # mL
FILLING, STIFFENING = 9.75, 9.0  # mmHg; exponent of the passive fibre
RESISTANCE, COMPLIANCE, AORTIC, MITRAL = 1.05, 1.6, 0.06, 0.012  # mmHg s/mL and mL/mmHg
SCALES = np.geomspace(0.4, 6, 12)  # of tension
EJECTION = 57.7  # %
ARRIVALS = (-20.0, -7.0, 7.0, 20.0)  # ms, of cells
FLOWING = 3.0  # mL/s
ACCURACY, LONGEST, SMALLEST = 0.02, 8.0, 15.0  # mL, of secants


@dataclass(frozen=True)
class Case:
    """A law of contraction with a cell, a stretch of sarcomeres in the unloaded shape, and constants ``changed``."""

    law: str
    cell: str
    stretch: float = 1.0
    changed: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [self.law, self.cell, f"stretch {self.stretch:g}", *(f"{k} {v:g}" for k, v in self.changed.items())]
        return ", ".join(parts)

    def course(self, cycle: float = CYCLE) -> np.ndarray:
        """Calcium (sample,) in µM."""
        return kinds.course(self.cell, Electrophysiology(), cycle, LAWS[self.law], self.stretch)


USUAL = [Case(law, cell, stretch) for law in LAWS for cell in (TTP, EPI) for stretch in (1.0, 1.1)]
WITHOUT = [Case(law, TTP, 1.0, {name: 0.0}) for law in LAWS for name in ("a_eff", "beta1", "beta0")]


def twitch(case: Case, cycle: float = 1000.0) -> dict[str, float]:
    """Peak of calcium (µM) and of tension (kPa) at the stretch, and when it comes and falls to a half and a 20th."""
    course, law, held = case.course(cycle), LAWS[case.law], np.array([case.stretch])
    calcium = Calcium(course[None], cycle, np.zeros(1, int), np.zeros(1))
    states = advance(law, rest(1), Path(-3 * cycle, 0, held, held, calcium))
    found = []
    for time in range(int(cycle)):
        states = advance(law, states, Path(time, time + 1, held, held, calcium))
        found.append(tension(law, states, held)[0])
    peak, values = int(np.argmax(found)), np.array(found)
    low, high = values.min(), values.max()
    falls = [int(np.argmax(values[peak:] < low + share * (high - low))) for share in (0.5, 0.05)]
    return {"calcium": course.max(), "tension": high, "peak": peak + 1, "half": falls[0], "twentieth": falls[1]}


class Ventricles:
    """One fibre ventricles (case and scale,) side by side; the law's constants and calcium are each one's own."""

    def __init__(self, cases: list[Case]) -> None:
        laws = [replace(LAWS[case.law], **case.changed) for case in cases]
        each = {
            name: np.repeat([getattr(law, name) for law in laws], len(SCALES)) for name in Land.__dataclass_fields__
        }
        self.law, self.scale = replace(INTACT, **each), np.tile(SCALES, len(cases))
        self.sarcomere = np.repeat([case.stretch for case in cases], len(SCALES))
        self.course = np.repeat([case.course() for case in cases], len(SCALES), axis=0)
        self.passive = FILLING / self._pressure(FULL, np.expm1(STIFFENING * (self._stretch(FULL) - 1)))
        self.volume, self.arteries = np.full(len(self.scale), FULL), np.full(len(self.scale), 85.0)
        held = self.sarcomere * self._stretch(self.volume)
        self.states = advance(self.law, rest(len(held)), Path(-3 * CYCLE, 0, held, held, self._calcium))

    def _calcium(self, time: float) -> np.ndarray:
        samples = self.course.shape[1]
        places = [(time - arrival) % CYCLE * samples / CYCLE for arrival in ARRIVALS]
        return np.mean([self.course[:, round(place) % samples] for place in places], axis=0)

    @staticmethod
    def _stretch(volume: np.ndarray | float) -> np.ndarray | float:
        return ((1 + 3 * volume / WALL) / (1 + 3 * UNLOADED / WALL)) ** (1 / 3)

    @staticmethod
    def _pressure(volume: np.ndarray | float, stress: np.ndarray | float) -> np.ndarray | float:
        """mmHg by a stress in kPa."""
        return stress * np.log(1 + WALL / volume) / 3 / KPA_PER_MMHG

    def _end(self, time: float, step: float, volume: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """States, pressure and outflow (mL/s) at the end of a step to a volume."""
        before, after = (self.sarcomere * self._stretch(one) for one in (self.volume, volume))
        states = advance(self.law, self.states, Path(time, time + step, before, after, self._calcium), 1e-3)
        λ = self._stretch(volume)
        passive = self.passive * np.sign(λ - 1) * np.expm1(STIFFENING * np.abs(λ - 1))
        pressure = self._pressure(volume, passive + λ * self.scale * tension(self.law, states, after))
        return states, pressure, np.maximum(pressure - self.arteries, 0) / AORTIC

    def step(self, time: float, step: float) -> tuple[np.ndarray, np.ndarray]:
        """Volume and outflow after an implicit step in ms, by secants."""

        def missing(volume: np.ndarray) -> np.ndarray:
            _, pressure, out = self._end(time, step, volume)
            return volume - self.volume - (np.maximum(FILLING - pressure, 0) / MITRAL - out) * step / 1000

        low, gap = self.volume, missing(self.volume)
        high = low - 0.3 * np.sign(gap)
        for _ in range(12):
            left = missing(high)
            if np.abs(left).max() < ACCURACY:
                break
            change = np.where(left == gap, 1.0, left - gap)
            move = np.clip(-left * (high - low) / change, -LONGEST, LONGEST)
            low, gap, high = high, left, np.maximum(high + move, SMALLEST)
        self.states, _, out = self._end(time, step, high)
        self.arteries = self.arteries + step / 1000 * (out - self.arteries / RESISTANCE) / COMPLIANCE
        self.volume = high
        return high, out

    def beat(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Times, and volumes and outflows (time, case and scale)."""
        steps = round(CYCLE / STEP)
        found = [self.step(k * CYCLE / steps, CYCLE / steps) for k in range(steps)]
        return CYCLE / steps * np.arange(1, steps + 1), *map(np.array, zip(*found, strict=True))


def ejections(cases: list[Case]) -> dict[str, tuple[float, float, float]]:
    """Scale of tension, start and end of the ejection (ms) of each case where it ejects as much as wanted."""
    ventricles = Ventricles(cases)
    for _ in range(BEATS):
        times, volume, out = ventricles.beat()
    ejected = 100 * np.ptp(volume, axis=0) / volume.max(axis=0)
    first = times[(out > FLOWING).argmax(axis=0)]
    last = times[len(times) - 1 - (out > FLOWING)[::-1].argmax(axis=0)]
    found = {}
    for case, rows in zip(cases, np.arange(len(ejected)).reshape(len(cases), -1), strict=True):
        rising = rows[np.argsort(ejected[rows])]
        wanted = [np.interp(EJECTION, ejected[rising], one[rising]) for one in (ventricles.scale, first, last)]
        found[str(case)] = tuple(map(float, wanted))
    return found


def main() -> None:
    """Print twitches and ejections."""
    for case in [Case(law, cell) for law in LAWS for cell in (ENDO, EPI)]:
        print(case, *(f"{name} {value:.4g}" for name, value in twitch(case).items()), sep=": ")
    found = ejections(USUAL + WITHOUT)
    for name, (scale, start, end) in found.items():
        print(f"{name}: scale {scale:.2f}, ejection from {start:.0f} to {end:.0f} ms")
    print(json.dumps({name: round(end, 1) for name, (_, _, end) in found.items()}))


if __name__ == "__main__":
    main()
