"""Closed-loop lumped circulation (Regazzoni et al. 2022, doi 10.1016/j.jcp.2022.111083) in mL, mmHg and s.

Four chambers, four valves and four vessels (systemic and pulmonary arteries and veins). A ventricle is whatever has a
``pressure(volume, time)``: an elastance, or a three-dimensional heart.
"""

from dataclasses import dataclass
from math import atan, cos, pi
from typing import NamedTuple, Protocol

import numpy as np

from ..verdicts import Quarantined

STATES = (
    *("V_LA", "V_LV", "V_RA", "V_RV", "p_AR_SYS", "p_VEN_SYS", "p_AR_PUL", "p_VEN_PUL"),
    *("Q_AR_SYS", "Q_VEN_SYS", "Q_AR_PUL", "Q_VEN_PUL"),
)
V_LA, V_LV, V_RA, V_RV, P_AR, P_VEN, P_AR_PUL = range(7)
SCALE = np.array([100.0] * 4 + [100.0, 30.0, 20.0, 20.0] + [500.0] * 4)
"""Magnitudes of the states, to which a change is compared."""


class Cavity(Protocol):
    """A pump chamber."""

    def pressure(self, volume: float, time: float) -> float:
        """In mmHg, of a volume in mL at a time in s since the R wave."""


class Ventricles(NamedTuple):
    """Both pumps of the loop, wherever else a left ventricle stands for it beside the published right one."""

    left: Cavity
    right: Cavity


@dataclass(frozen=True)
class Elastance:
    """p = (EB + EA e(t)) (V - V0) with the raised-cosine e(t) of Blanco and Feijoo 2010; mmHg/mL, mL, s."""

    EA: float
    EB: float
    V0: float
    start: float
    contraction: float
    relaxation: float
    period: float

    def pressure(self, volume: float, time: float) -> float:
        return (self.EB + self.EA * self.activity(time)) * (volume - self.V0)

    def activity(self, time: float) -> float:
        since = (time - self.start) % self.period
        if since < self.contraction:
            return 0.5 * (1 - cos(pi * since / self.contraction))
        since = (since - self.contraction) % self.period
        return 0.5 * (1 + cos(pi * since / self.relaxation)) if since < self.relaxation else 0.0


class Vessel(NamedTuple):
    """Resistance (mmHg s/mL), compliance (mL/mmHg) and inertance (mmHg s²/mL)."""

    R: float
    C: float
    L: float


SYSTEMIC_ARTERIES, SYSTEMIC_VEINS = Vessel(0.733, 1.372, 0.005), Vessel(0.32, 11.363, 0.0005)
PULMONARY_ARTERIES, PULMONARY_VEINS = Vessel(0.046, 20.0, 0.0005), Vessel(0.0015, 16.0, 0.0005)


@dataclass(frozen=True)
class Circulation:
    """The closed loop; the defaults are the published ones (the MIT package ``circulation`` 0.4.0)."""

    left_ventricle: Cavity
    left_atrium: Cavity
    right_ventricle: Cavity
    right_atrium: Cavity
    period: float
    systemic_arteries: Vessel = SYSTEMIC_ARTERIES
    systemic_veins: Vessel = SYSTEMIC_VEINS
    pulmonary_arteries: Vessel = PULMONARY_ARTERIES
    pulmonary_veins: Vessel = PULMONARY_VEINS
    open_valve: float = 0.0075
    closed_valve: float = 75006.2

    def rate(self, time: float, state: np.ndarray) -> np.ndarray:
        """Time derivative (12,) of the ``STATES`` (12,), per s, at a time in s."""
        v_la, v_lv, v_ra, v_rv, p_as, p_vs, p_ap, p_vp, q_as, q_vs, q_ap, q_vp = state.tolist()
        p_la, p_lv = self.left_atrium.pressure(v_la, time), self.left_ventricle.pressure(v_lv, time)
        p_ra, p_rv = self.right_atrium.pressure(v_ra, time), self.right_ventricle.pressure(v_rv, time)
        mitral, aortic = self.valve(p_la - p_lv), self.valve(p_lv - p_as)
        tricuspid, pulmonary = self.valve(p_ra - p_rv), self.valve(p_rv - p_ap)
        arteries, veins = self.systemic_arteries, self.systemic_veins
        lung_arteries, lung_veins = self.pulmonary_arteries, self.pulmonary_veins
        return np.array(
            (
                q_vp - mitral,
                mitral - aortic,
                q_vs - tricuspid,
                tricuspid - pulmonary,
                (aortic - q_as) / arteries.C,
                (q_as - q_vs) / veins.C,
                (pulmonary - q_ap) / lung_arteries.C,
                (q_ap - q_vp) / lung_veins.C,
                (p_as - p_vs - arteries.R * q_as) / arteries.L,
                (p_vs - p_ra - veins.R * q_vs) / veins.L,
                (p_ap - p_vp - lung_arteries.R * q_ap) / lung_arteries.L,
                (p_vp - p_la - lung_veins.R * q_vp) / lung_veins.L,
            )
        )

    def valve(self, drop: float) -> float:
        """Flow in mL/s through a diode with smooth resistance, for a pressure drop in mmHg."""
        shut = 0.5 - atan(100 * pi * drop) / pi
        return drop / (self.open_valve * (self.closed_valve / self.open_valve) ** shut)

    def with_blood(self, state: np.ndarray, added: float) -> np.ndarray:
        """The state (12,) with ``added`` mL more blood in the systemic veins."""
        state = state.copy()
        state[P_VEN] += added / self.systemic_veins.C
        return state

    def blood(self, state: np.ndarray) -> float:
        """Total volume in mL of ``STATES`` (12,) above the vessels' unstressed one: constant in a closed loop."""
        vessels = (self.systemic_arteries, self.systemic_veins, self.pulmonary_arteries, self.pulmonary_veins)
        return float(state[:4].sum() + sum(vessel.C * p for vessel, p in zip(vessels, state[4:8], strict=True)))


class Cycle(NamedTuple):
    """One beat: time in s (n + 1,), states (n + 1, 12) and left-ventricular pressure in mmHg (n + 1,)."""

    time: np.ndarray
    states: np.ndarray
    pressure: np.ndarray

    @property
    def volume(self) -> np.ndarray:
        return self.states[:, V_LV]

    @property
    def arterial(self) -> np.ndarray:
        return self.states[:, P_AR]

    @property
    def stroke_volume(self) -> float:
        return float(np.ptp(self.volume))

    @property
    def ejection_fraction(self) -> float:
        return self.stroke_volume / float(self.volume.max())

    @property
    def filling(self) -> float:
        """Pressure in mmHg of the left ventricle when it is full."""
        return filling(self.volume, self.pressure)

    @property
    def gap(self) -> np.ndarray:
        """Change of each state over the beat, relative to its magnitude (12,)."""
        return (self.states[-1] - self.states[0]) / SCALE

    @property
    def unsteadiness(self) -> float:
        """Largest of the changes over the beat."""
        change = float(np.abs(self.gap).max())
        return change if np.isfinite(change) else np.inf


def filling(volume: np.ndarray, pressure: np.ndarray) -> float:
    """The pressure when the ventricle is first full, after it was emptiest, of a beat (time,): to 0.05 mL, as closed
    valves leak 1000 times less."""
    rolled = np.roll(np.arange(len(volume)), -int(volume.argmin()))
    full = volume[rolled] > volume.max() - 0.05
    return float(pressure[rolled[full.argmax()]])


REFERENCE_STATE = np.array(
    [87.183, 118.520, 86.833, 166.177, 87.675, 35.898, 19.545, 15.004, 71.104, 94.039, 94.084, 473.279]
)
"""The package's initial values, near the limit cycle of ``reference()``, in the order of ``STATES``."""


def reference() -> Circulation:
    """The published model with an elastance as left ventricle at 75 beats a minute."""
    return around(Elastance(4.482, 0.170, 42.0, 0.1, 0.25, 0.4, 0.8), 0.8, atria=0.1, ventricles=0.1)


def around(pump: Cavity | Ventricles, period: float, atria: float, ventricles: float) -> Circulation:
    """The published circulation around a left ventricle, or around both, for a beat of ``period`` s.

    The atria contract from the time ``atria``, the published right ventricle from ``ventricles`` (s after the R wave).
    """
    published = Elastance(0.200, 0.029, 16.0, ventricles, 0.25, 0.4, period)
    both = pump if isinstance(pump, Ventricles) else Ventricles(pump, published)
    return Circulation(
        left_ventricle=both.left,
        left_atrium=Elastance(0.07, 0.18, 4.0, atria, 0.17, 0.17, period),
        right_ventricle=both.right,
        right_atrium=Elastance(0.06, 0.07, 4.0, atria, 0.17, 0.17, period),
        period=period,
    )


def run_beat(circulation: Circulation, state: np.ndarray, step: float = 0.002) -> Cycle:
    """One beat from ``state`` (12,) by the classical Runge-Kutta method with steps of at most ``step`` s."""
    steps = int(np.ceil(circulation.period / step - 1e-9))
    time = np.linspace(0, circulation.period, steps + 1)
    states = np.empty((steps + 1, len(STATES)))
    states[0] = state
    for i in range(steps):
        states[i + 1] = runge_kutta(circulation, time[i], states[i], time[1])
    lv = circulation.left_ventricle
    pressure = np.array([lv.pressure(v, t) for v, t in zip(states[:, V_LV], time, strict=True)])
    return Cycle(time, states, pressure)


def runge_kutta(circulation: Circulation, t: float, y: np.ndarray, dt: float) -> np.ndarray:
    """The ``STATES`` (12,) after a step of ``dt`` s by the classical method."""
    k1 = circulation.rate(t, y)
    k2 = circulation.rate(t + dt / 2, y + dt / 2 * k1)
    k3 = circulation.rate(t + dt / 2, y + dt / 2 * k2)
    k4 = circulation.rate(t + dt, y + dt * k3)
    return y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


class Shooting:
    """Finds limit cycles by Newton's method on the map of a beat (Stoer and Bulirsch 2002, section 7.3).

    Running beat after beat would be slow: stroke volume hardly depends on filling when the muscle's tension does not.
    The Jacobian is kept from one circulation to the next as long as it serves.
    """

    def __init__(self, steady: float = 1e-5, rounds: int = 40) -> None:
        self.steady, self.rounds = steady, rounds
        self._inverse: np.ndarray | None = None

    def cycle(self, circulation: Circulation, state: np.ndarray) -> Cycle:
        """The beat that repeats itself with the blood of ``state`` (12,), near which it is sought.

        Quarantined("circulation-unsteady") when the largest relative change over the beat stays above ``steady``.
        """
        cycle = run_beat(circulation, state)
        for _ in range(self.rounds):
            if cycle.unsteadiness < self.steady:
                return cycle
            if not np.isfinite(cycle.unsteadiness):
                break
            cycle = self._closer(circulation, cycle)
        self._inverse = None
        change = f"{cycle.unsteadiness:.2g} over its beat after {self.rounds} rounds, expected under {self.steady:g}"
        raise Quarantined("circulation-unsteady", f"the circulation changes by {change}")

    def _closer(self, circulation: Circulation, cycle: Cycle) -> Cycle:
        """One quasi-Newton step; where it does not help, the next beat (and a new Jacobian after it)."""
        if self._inverse is None:
            self._inverse = self._inverted(circulation, cycle)
        start = cycle.states[0]
        guess = start - SCALE * (self._inverse @ cycle.gap)
        guess = circulation.with_blood(guess, circulation.blood(start) - circulation.blood(guess))
        trial = run_beat(circulation, guess)
        if not trial.unsteadiness < 0.4 * cycle.unsteadiness:
            self._inverse = None
        if trial.unsteadiness < cycle.unsteadiness:
            return trial
        return run_beat(circulation, cycle.states[-1])

    def _inverted(self, circulation: Circulation, cycle: Cycle, h: float = 1e-4) -> np.ndarray:
        """Scaled change of the start per scaled gap (12, 12), at constant blood."""
        start = cycle.states[0]
        shifted = [run_beat(circulation, start + h * shift).gap for shift in np.diag(SCALE)]
        blood = [(circulation.blood(start + shift) - circulation.blood(start)) / 100 for shift in np.diag(SCALE)]
        slope = np.nan_to_num((np.array(shifted) - cycle.gap).T / h, posinf=0.0, neginf=0.0)
        return np.linalg.pinv(np.vstack([slope, blood]))[:, :-1]
