"""The circulation of one patient: resistance, compliance and blood volume from pressures and stroke volume."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import least_squares

from ..units import KPA_PER_MMHG
from ..verdicts import Quarantined
from .loop import REFERENCE_STATE, V_LV, V_RV, Cavity, Circulation, Cycle, Shooting, Ventricles, around, run_beat

ATRIA, VENTRICLES = -0.20, 0.03
"""Onset of the atria and of the right ventricle, s after the R wave."""


@dataclass(frozen=True)
class Goals:
    """What the circulation shall show, each a value and its standard deviation: kPa, kPa, kPa and mL."""

    end_diastolic: tuple[float, float]
    systolic: tuple[float, float]
    diastolic: tuple[float, float]
    stroke_volume: tuple[float, float]

    def __iter__(self) -> Iterator[tuple[float, float]]:
        return iter((self.end_diastolic, self.systolic, self.diastolic, self.stroke_volume))


@dataclass(frozen=True)
class Loop:
    """Scales of the published systemic resistance and arterial compliance, and the beat."""

    resistance: float
    compliance: float
    circulation: Circulation
    cycle: Cycle

    def shows(self) -> np.ndarray:
        """Pressure of the full ventricle, systolic and diastolic pressure (kPa), and stroke volume (mL)."""
        cycle = self.cycle
        pressures = np.array([cycle.filling, cycle.arterial.max(), cycle.arterial.min()]) * KPA_PER_MMHG
        return np.append(pressures, cycle.stroke_volume)


def fit(pump: Cavity | Ventricles, period: float, goals: Goals, start: Loop | None = None) -> Loop:
    """The circulation of ``period`` s that shows ``goals`` best, starting from another fit where there is one.

    Quarantined("circulation-unsteady") when a limit cycle is not found.
    """
    wanted, sigma = np.array(list(goals)).T
    shooting, near = Shooting(5e-5), start or _near(pump, period)
    blood = near.circulation.blood(near.cycle.states[0])

    def loop(x: np.ndarray) -> Loop:
        circulation = _scaled(pump, period, np.exp(x[0] - 1), np.exp(x[1] - 1))
        return _cycle(shooting, circulation, near, np.exp(x[2] - 1) * blood)

    def misfit(x: np.ndarray) -> np.ndarray:
        nonlocal near
        try:
            near = loop(x)
        except Quarantined:
            return np.full(len(wanted), np.inf)  # least_squares then takes a shorter step
        return (near.shows() - wanted) / sigma

    begin = [1 + np.log(near.resistance), 1 + np.log(near.compliance), 1.0]  # not zero: difference steps are relative
    near = loop(np.array(begin))  # not in the misfit: where there is no beat to begin with, the verdict shall be heard
    return loop(_nearest(misfit, begin))


def settle(pump: Cavity | Ventricles, near: Loop, resistance: float, end_diastolic: float) -> Loop:
    """The limit cycle next to another one, with a resistance (a scale) and the blood that fills to a pressure (kPa)."""
    shooting, blood = Shooting(5e-5), near.circulation.blood(near.cycle.states[0])
    circulation = _scaled(pump, near.circulation.period, resistance, near.compliance)

    def misfit(x: np.ndarray) -> np.ndarray:
        nonlocal near
        near = _cycle(shooting, circulation, near, x[0] * blood)
        return (near.shows()[:1] - end_diastolic) / 0.02

    return _cycle(shooting, circulation, near, _nearest(misfit, [1.0])[0] * blood)


def begin(pumps: Ventricles, period: float, full: np.ndarray) -> Loop:
    """A beat of the published circulation about two ventricles that are ``full`` (ventricle,) mL; no limit cycle yet.

    The published right ventricle may be far larger than this one, whose closed form holds near its own volumes.
    """
    circulation, state = _scaled(pumps, period, 1.0, 1.0), REFERENCE_STATE.copy()
    state[[V_LV, V_RV]] = full
    return Loop(1.0, 1.0, circulation, run_beat(circulation, state))


def resume(
    left_ventricle: Cavity, period: float, scales: tuple[float, float], state: np.ndarray, systole: float = 1.0
) -> Loop:
    """A fitted circulation as it goes on from ``state`` (12,), with another ventricle; ``scales`` are its resistance
    and compliance. The right ventricle contracts and relaxes in the share ``systole`` of its time. No limit cycle yet.
    """
    circulation = _scaled(left_ventricle, period, *scales)
    right = circulation.right_ventricle
    right = replace(right, contraction=systole * right.contraction, relaxation=systole * right.relaxation)
    circulation = replace(circulation, right_ventricle=right)
    return Loop(*scales, circulation, run_beat(circulation, state))


def keep(left_ventricle: Cavity, near: Loop, resistance: float, blood: float) -> Loop:
    """The limit cycle next to another one, with a resistance (a scale) and a volume of blood (mL)."""
    usual = near.circulation
    circulation = _scaled(left_ventricle, usual.period, resistance, near.compliance)
    circulation = replace(circulation, right_ventricle=usual.right_ventricle)
    return _cycle(Shooting(5e-5), circulation, near, blood)


def _nearest(misfit: Callable[[np.ndarray], np.ndarray], begin: list[float]) -> np.ndarray:
    """The least squares solution next to ``begin``, around which there must be beats."""
    try:
        return least_squares(misfit, begin, diff_step=5e-3, xtol=1e-4, ftol=1e-4, max_nfev=15).x
    except ValueError:  # scipy's, of differences that are not finite
        text = "no limit cycle next to a circulation that has one; expected one at any near-by resistance"
        raise Quarantined("circulation-unsteady", text) from None


def _cycle(shooting: Shooting, circulation: Circulation, near: Loop, blood: float) -> Loop:
    state = near.cycle.states[-1]
    cycle = shooting.cycle(circulation, circulation.with_blood(state, blood - circulation.blood(state)))
    published = around(circulation.left_ventricle, circulation.period, ATRIA, VENTRICLES).systemic_arteries
    arteries = circulation.systemic_arteries
    return Loop(arteries.R / published.R, arteries.C / published.C, circulation, cycle)


def _near(pump: Cavity | Ventricles, period: float, beats: int = 10) -> Loop:
    """The published circulation after some beats with this ventricle."""
    circulation, state = _scaled(pump, period, 1.0, 1.0), REFERENCE_STATE
    for _ in range(beats):
        cycle = run_beat(circulation, state)
        state = cycle.states[-1]
    return Loop(1.0, 1.0, circulation, cycle)


def _scaled(pump: Cavity | Ventricles, period: float, resistance: float, compliance: float) -> Circulation:
    published = around(pump, period, ATRIA, VENTRICLES)
    arteries, veins = published.systemic_arteries, published.systemic_veins
    return replace(
        published,
        systemic_arteries=arteries._replace(R=resistance * arteries.R, C=compliance * arteries.C),
        systemic_veins=veins._replace(R=resistance * veins.R),
    )
