"""Energy of the beat: what the blood does on the wall and the muscle's active stress does in it is what it stores."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import ufl
from dolfinx import fem

from ..kinematics import Expr, deformation_gradient, green_lagrange, unit
from ..mechanics import BASE, EPICARDIUM, Ventricle
from ..parameters import Fibers, Mechanics, Phantom
from ..phantom import motion, patient
from ..units import MM3_PER_ML
from .row import Row, timed

COARSE = Phantom(around=8, along=3, layers=1, frames=60)
SOURCE = "virtual work: p dV = dU + integral of T dE along fibres, trapezoidal in time"


class State(NamedTuple):
    """A frame: volume (mm³), pressure (kPa), stored energy (kPa mm³), and per cell tension (kPa) and ∫ Eff (mm³)."""

    volume: float
    pressure: float
    stored: float
    tension: np.ndarray
    strain: np.ndarray


def rows() -> Iterator[Row]:
    """A coarse virtual patient in the closed loop: what is left of its energy, over its stroke work."""
    beat = cache(simulated)
    name = "Beat: energy left over {}, over stroke work"
    yield timed(name.format("after a beat"), 0.0, 0.01, SOURCE, lambda: left_over(beat()) / stroke_work(beat()))
    systole = "at end-systole"
    yield timed(name.format(systole), 0.0, 0.01, SOURCE, lambda: left_over(ejection(beat())) / stroke_work(beat()))
    order = "Beat: order of the energy left over in the step"
    yield timed(order, 2.0, 0.5, SOURCE, lambda: np.log2(abs(left_over(beat()[::2]) / left_over(beat()))))


def simulated() -> list[State]:
    """The frames of a periodic beat, the first one again at its end."""
    drawn = patient.draw(np.random.default_rng(2), "healthy")
    heart, beat = motion.simulate(drawn, COARSE, Mechanics(), Fibers())
    look = observer(heart)
    states = [look(heart.hold(float(v), float(t))) for v, t in zip(beat.volume, beat.time, strict=True)]
    return [*states, states[0]]


def ejection(states: list[State]) -> list[State]:
    """From the R wave to the smallest volume."""
    return states[: int(np.argmin([state.volume for state in states])) + 1]


def stroke_work(states: Sequence[State]) -> float:
    """∫ p dV in kPa mm³."""
    return sum((a.pressure + b.pressure) / 2 * (b.volume - a.volume) for a, b in pairwise(states))


def left_over(states: Sequence[State]) -> float:
    """∫ p dV - ∫∫ T dE - (U_end - U_start) in kPa mm³: zero for exact equilibria and small steps."""
    active = sum(float(np.sum((a.tension + b.tension) / 2 * (b.strain - a.strain))) for a, b in pairwise(states))
    return stroke_work(states) - active - (states[-1].stored - states[0].stored)


def observer(heart: motion.Heart) -> Callable[[float], State]:
    """Looks at the present shape of a heart that is held at a pressure (kPa)."""
    ventricle = heart.ventricle
    w, cell = ufl.split(ventricle.state)[0], ufl.TestFunction(fem.functionspace(ventricle.domain, ("DG", 0)))
    F, f0 = deformation_gradient(w), unit(ventricle.fiber)
    strain = fem.form(ufl.dot(f0, green_lagrange(F) * f0) * cell * ventricle.dx)
    stored = fem.form(_stored(ventricle, F, f0, w))

    def look(pressure: float) -> State:
        volume, energy = MM3_PER_ML * ventricle.cavity_volume(), float(fem.assemble_scalar(stored))
        return State(
            volume, pressure, energy, ventricle.tension.x.array.copy(), fem.assemble_vector(strain).array.copy()
        )

    return look


def _stored(ventricle: Ventricle, F: Expr, f0: Expr, w: Expr) -> Expr:
    """Passive and volumetric energy of the wall and that of the springs; the mesh of a virtual patient is unloaded."""
    m, N = ventricle.mechanics, ufl.FacetNormal(ventricle.domain)
    wall = ventricle.muscle().stored(F, f0, None) + ventricle.bulk * (ufl.det(F) - 1) ** 2
    normal, everywhere = ufl.dot(w, N) ** 2, ufl.dot(w, w)
    base = (m.base - m.base_tangential) * normal + m.base_tangential * everywhere
    springs = m.pericardium / 2 * normal * ventricle.ds(EPICARDIUM) + base / 2 * ventricle.ds(BASE)
    return wall * ventricle.dx + springs
