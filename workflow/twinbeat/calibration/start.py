"""A first estimate: tensions that hold the observed volumes at the observed pressures."""

import logging
from dataclasses import dataclass

import numpy as np

from ..mechanics import Snapshot, Ventricle
from .problem import Point, Problem

log = logging.getLogger("twinbeat")


@dataclass(frozen=True)
class OneFiber:
    """The one-fibre model (Arts et al. 1991, doi 10.1016/S0006-3495(91)82201-9): stress = 3 p / ln(1 + wall / V).

    Volumes are in mL, stresses in kPa. ``unloaded`` is the cavity volume without pressure; ``passive`` scales the
    stress E exp(8 E^2) of relaxed muscle with the Green-Lagrange strain E along the fibres.
    """

    wall: float
    unloaded: float
    passive: float

    @classmethod
    def of(cls, ventricle: Ventricle, wall: float) -> "OneFiber":
        """The model of an unloaded ventricle that is at rest on its mesh."""
        rest, pressure = ventricle.cavity_volume(), float(ventricle.pressure.value)
        state = ventricle.state.x.array.copy()
        ventricle.state.x.array[:] = ventricle.reference.x.array
        bare = cls(wall, ventricle.cavity_volume(), 0.0)
        ventricle.state.x.array[:] = state
        E = bare.strain(rest)
        return cls(wall, bare.unloaded, bare.stress(pressure, rest) / (E * np.exp(8 * E**2)))

    def stress(self, pressure: float, volume: float) -> float:
        """Stress along the fibres."""
        return 3 * pressure / np.log(1 + self.wall / volume)

    def strain(self, volume: float) -> float:
        """Strain along the fibres from the unloaded shape."""
        return (((volume + self.wall / 3) / (self.unloaded + self.wall / 3)) ** (2 / 3) - 1) / 2

    def tension(self, pressure: float, volume: float) -> float:
        """Active tension (second Piola-Kirchhoff) that bears what passive stress does not."""
        E = self.strain(volume)
        return (self.stress(pressure, volume) - self.passive * E * np.exp(8 * E**2)) / (1 + 2 * E)


def first(
    problem: Problem, stiffness: float, end_diastolic: float, wall: float, highest: float
) -> tuple[Point, list[Snapshot]]:
    """A point at C = ``stiffness`` kPa and ``end_diastolic`` kPa, and a nearby state of each frame.

    ``wall`` is the volume of the muscle in mL, ``highest`` the largest tension allowed. Each active frame is held at
    its observed volume with the tension of the one-fibre model, which the pressure found then corrects.
    """
    logs = np.log([each.prior.likely for each in problem.scaled])
    problem.unload(stiffness, end_diastolic, logs)
    ventricle, frames = problem.ventricle, problem.frames
    model = OneFiber.of(ventricle, wall)
    tension, states = np.zeros(len(frames)), []
    for k in range(len(frames)):
        pressure, volume = frames.pressure[k], frames.observed[k, 0]
        if frames.free[k]:
            guess = float(np.clip(model.tension(pressure, volume), 0.0, highest))
            problem.load(guess, pressure)
            found = ventricle.solve_volume(lambda _, volume=volume: (volume, 0.0))
            off = model.stress(pressure - found, volume) / (1 + 2 * model.strain(volume))
            tension[k] = np.clip(guess + off, 0.0, highest)
            log.info("calibrate: frame %d of %d held at its volume: %.1f kPa", k + 1, len(frames), tension[k])
        else:
            problem.load(0.0, pressure)
            ventricle.solve()
        states.append(ventricle.snapshot())
    return Point(stiffness, end_diastolic, tension, frames.pressure, np.ones(problem.shares), logs), states
