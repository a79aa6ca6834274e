"""The closed loop: its published limit cycle, and where the work of the chambers goes."""

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np

from .. import circulation
from ..circulation import REFERENCE_STATE, Circulation, Cycle, Shooting
from .row import Row, timed

PAPER = "Regazzoni et al. 2022, 10.1016/j.jcp.2022.111083; limit cycle by LSODA"

PUBLISHED: dict[str, tuple[float, Callable[[Cycle], float]]] = {
    "stroke volume, mL": (69.78, lambda cycle: cycle.stroke_volume),
    "ejection fraction, %": (51.03, lambda cycle: 100 * cycle.ejection_fraction),
    "largest left-ventricular pressure, mmHg": (119.68, lambda cycle: cycle.pressure.max()),
    "systolic arterial pressure, mmHg": (118.72, lambda cycle: cycle.arterial.max()),
    "diastolic arterial pressure, mmHg": (79.83, lambda cycle: cycle.arterial.min()),
}


def rows() -> Iterator[Row]:
    """Gates of 0.5 % on the published figures, 0.01 mL between both sides, 0.1 % on the energy of a beat."""
    loop = circulation.reference()
    beat = cache(lambda: Shooting().cycle(loop, REFERENCE_STATE))
    for name, (reference, value) in PUBLISHED.items():
        yield timed(f"Closed loop: {name}", reference, 0.005 * reference, PAPER, lambda value=value: value(beat()))
    name = "Closed loop: stroke volume left - right, mL"
    yield timed(name, 0.0, 0.01, PAPER, lambda: beat().stroke_volume - np.ptp(beat().states[:, 3]))
    name, source = "Closed loop: work of the chambers over losses", "energy is conserved over a periodic beat"
    yield timed(name, 1.0, 0.001, source, lambda: work(loop, beat()) / losses(loop, beat()))


def work(loop: Circulation, cycle: Cycle) -> float:
    """Work in mmHg mL that the four chambers do on the blood: minus the sum of ∮ p dV."""
    cavities = loop.left_atrium, loop.left_ventricle, loop.right_atrium, loop.right_ventricle
    return -sum(float(np.trapezoid(_pressures(c, cycle, i), cycle.states[:, i])) for i, c in enumerate(cavities))


def losses(loop: Circulation, cycle: Cycle) -> float:
    """Energy in mmHg mL that resistances and valves take: the time integral of R Q² and of drop times flow."""
    p_la, p_lv, p_ra, p_rv = (
        _pressures(cavity, cycle, i)
        for i, cavity in enumerate((loop.left_atrium, loop.left_ventricle, loop.right_atrium, loop.right_ventricle))
    )
    drops = p_la - p_lv, p_lv - cycle.states[:, 4], p_ra - p_rv, p_rv - cycle.states[:, 6]
    valves = sum(drop * np.array([loop.valve(float(d)) for d in drop]) for drop in drops)
    vessels = loop.systemic_arteries, loop.systemic_veins, loop.pulmonary_arteries, loop.pulmonary_veins
    power = valves + sum(vessel.R * cycle.states[:, 8 + i] ** 2 for i, vessel in enumerate(vessels))
    return float(np.trapezoid(power, cycle.time))


def _pressures(cavity: circulation.Cavity, cycle: Cycle, state: int) -> np.ndarray:
    volumes = cycle.states[:, state]
    return np.array([cavity.pressure(float(v), float(t)) for v, t in zip(volumes, cycle.time, strict=True)])
