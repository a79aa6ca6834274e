"""Vibrations that are known by hand: those of a clamped bar without lateral contraction, small and finite."""

import dolfinx
import numpy as np
from mpi4py import MPI

from ..materials import NeoHooke
from .motion import Motion, Wall
from .probe import Probe
from .problems import CLAMPED, box

COMM = MPI.COMM_SELF
LENGTH, SHEAR, DENSITY = 10.0, 10.0, 1.0  # mm, kPa, mg/mm^3: the density of water
SMALL, LARGE = 1e-3, 1.0  # mm: amplitudes of a linear and of a finite vibration
DURATION = 8.0  # ms, about a period
STEPS = (40, 80, 160)  # in that time


def bar(viscosity: float, tolerance: float) -> Motion:
    """A bar along x of 10 x 1 x 1 mm, clamped at x = 0, of a modulus E = 2 mu.

    With a bulk modulus of 2 mu / 3 Poisson's ratio is 0, so that all points of a section move alike.
    """
    domain, tags = box(COMM, (LENGTH, 1.0, 1.0), (6, 1, 1), "hexahedron")
    wall = Wall(NeoHooke(SHEAR), DENSITY, viscosity, 2 * SHEAR / 3)
    fiber = dolfinx.fem.Constant(domain, (1.0, 0.0, 0.0))
    return Motion(domain, tags, wall, fiber, clamped=CLAMPED, tolerance=tolerance)


def pushed(amplitude: float, viscosity: float = 0.0) -> Motion:
    """The bar, not strained yet, at the speeds of its first mode that would stretch it by ``amplitude`` (mm).

    Let go from a large stretch, it would ring across as well, faster than any of our time steps.
    """
    motion, k = bar(viscosity, 1e-9 * amplitude), np.pi / (2 * LENGTH)
    speed = amplitude * k * np.sqrt(2 * SHEAR / DENSITY)
    motion.v.interpolate(lambda x: np.stack([speed * np.sin(k * x[0]), *(0 * x[1:])]))
    motion.start()
    return motion


def period_ratio(steps: int = 100) -> float:
    """Period of a small vibration over the exact 4 L / sqrt(E / rho), from where the tip is back in its place.

    It is there half of the period after the push.
    """
    half = 2 * LENGTH / np.sqrt(2 * SHEAR / DENSITY)
    tip = _tip(pushed(SMALL), half / steps, steps + steps // 10)
    after = 1 + int(np.argmax(tip[1:] < 0))
    passed = after - 1 + tip[after - 1] / (tip[after - 1] - tip[after])
    return float(passed / steps)


def _tip(motion: Motion, dt: float, steps: int) -> np.ndarray:
    """Axial displacement (step + 1,) in mm of the tip."""
    probe = Probe(motion.domain, np.array([[LENGTH, 0.5, 0.5]]))
    shown = [probe(motion.u)[0, 0]]
    for _ in range(steps):
        motion.step(dt)
        shown.append(probe(motion.u)[0, 0])
    return np.array(shown)


def order() -> float:
    """Order of the tip's displacement in the time step at the end of a finite vibration, from three steps."""
    ends = [_tip(pushed(LARGE), DURATION / steps, steps)[-1] for steps in STEPS]
    return float(np.log2((ends[0] - ends[1]) / (ends[1] - ends[2])))


def balance_order(viscosity: float) -> float:
    """Order in the time step of the largest gap in the balance of energy of a finite vibration, from three steps."""
    gaps = [balance_gap(viscosity, steps) for steps in STEPS]
    return float(-np.polyfit(np.log(STEPS), np.log(gaps), 1)[0])


def balance_gap(viscosity: float, steps: int) -> float:
    """Largest change of kinetic + stored + dissipated energy over the energy at the start.

    The dissipated power is integrated in time by the trapezoidal rule.
    """
    motion, dt = pushed(LARGE, viscosity), DURATION / steps
    kinetic, stored, power = motion.energies()
    total, lost, gap = kinetic + stored, 0.0, 0.0
    for _ in range(steps):
        motion.step(dt)
        kinetic, stored, now = motion.energies()
        lost, power = lost + dt * (power + now) / 2, now
        gap = max(gap, abs(kinetic + stored + lost - total))
    return gap / total
