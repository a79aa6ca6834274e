"""Conductivities that give a wanted conduction velocity on a mesh of a given size (Costa et al. 2013).

"Automatic parameterization strategy for cardiac electrophysiology simulations", Computing in Cardiology 40, 373-376:
a plane wave is run on a cable with the element size, the time step and the scheme of the tissue, and the conductivity
is changed until the velocity is met. So a coarse mesh conducts as fast as the muscle, though with another conductivity.
"""

from functools import cache

import numpy as np
from scipy.optimize import brentq

from .. import ionic
from .assembly import cable
from .monodomain import Monodomain
from .propagation import Stimulus, propagate

CONTINUUM = (0.611, 0.1334)  # mm/ms at mS/mm: the limit for fine meshes (own, BENCHMARKS)
MARGIN = 40  # elements of a cable at least
TOLERANCE = 1e-3  # of ln σ; the velocity goes with σ^0.5 on fine meshes and at most with σ^1 on the coarsest


def conduction(conductivity: float, size: float, time_step: float) -> float:
    """Velocity in mm/ms of a plane wave on a cable of elements of ``size`` mm; 0 where the wave does not go through."""
    length = max(MARGIN * size, 20.0)
    nodes = round(length / size) + 1
    cell, x = ionic.load(), np.arange(nodes) * size
    start = np.where(x < max(1.5, 1.5 * size), 0.0, np.inf)
    tissue = Monodomain(
        cable(nodes, size, conductivity), cell, cell.values(stim_amplitude=0.0), time_step, Stimulus(start)
    )
    middle = np.flatnonzero((x > 0.4 * length) & (x < 0.8 * length))
    activation = propagate(tissue, duration=length / 0.02, watch=middle).activation[middle]
    return 1 / np.polyfit(x[middle], activation, 1)[0] if np.isfinite(activation).all() else 0.0


@cache
def tuned(velocity: float, size: float, time_step: float) -> tuple[float, float]:
    """The conductivity in mS/mm with which a wave runs at ``velocity`` (mm/ms), and the velocity achieved.

    The conductivity of a fine mesh is a lower bound, because lumped mass and the time step slow the wave.
    """

    def excess(logarithm: float) -> float:
        return conduction(np.exp(logarithm), size, time_step) - velocity

    low = high = np.log(0.9 * CONTINUUM[1] * (velocity / CONTINUUM[0]) ** 2)
    while excess(high) < 0:
        low, high = high, high + 0.7
    found = float(np.exp(brentq(excess, low, high, xtol=TOLERANCE))) if high > low else float(np.exp(high))
    return found, conduction(found, size, time_step)
