"""A first estimate: tensions that hold the observed volumes at the observed pressures."""

import logging

import numpy as np

from ..mechanics import Snapshot
from .problem import Problem

log = logging.getLogger("twinbeat")


def first(problem: Problem, stiffness: float, wall: float, highest: float) -> tuple[np.ndarray, list[Snapshot]]:
    """Tensions (frame,) in kPa and a nearby state of each frame at C = ``stiffness`` kPa.

    ``wall`` is the volume of the muscle in mL, ``highest`` the largest tension allowed. Each frame is first held at its
    observed volume, with the tension that the one-fibre model gives (``fiber_stress``); the ratio of the observed
    pressure to the one found then corrects that tension. Relaxed frames are at their pressure at once.
    """
    problem.unload(stiffness)
    ventricle, frames = problem.ventricle, problem.frames
    relaxed = fiber_stress(problem.end_diastolic, ventricle.cavity_volume(), wall)
    tension, states = np.zeros(len(frames)), []
    for k in range(len(frames)):
        pressure, volume = frames.pressure[k], frames.observed[k, 0]
        if frames.free[k]:
            guess = min(max(fiber_stress(pressure, volume, wall) - relaxed, 0.0), highest)
            problem.load(k, guess)
            found = ventricle.solve_volume(lambda _, volume=volume: (volume, 0.0))
            tension[k] = np.clip(guess * pressure / max(found, 0.3 * pressure), 0.0, highest)
        else:
            problem.load(k, 0.0)
            ventricle.solve()
        states.append(ventricle.snapshot())
        log.info("calibrate: first estimate of frame %d of %d", k + 1, len(frames))
    return tension, states


def fiber_stress(pressure: float, volume: float, wall: float) -> float:
    """Stress along the fibres (kPa) of a cavity of ``volume`` with ``wall`` mL of muscle around (Arts et al. 1991, eq. 1).

    doi 10.1016/0021-9290(91)90042-Z: pressure / stress = ln(1 + wall / cavity) / 3.
    """
    return 3 * pressure / np.log(1 + wall / volume)
