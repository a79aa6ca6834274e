"""The benchmark of Niederer et al. 2011 (doi 10.1098/rsta.2011.0139): a slab stimulated at a corner."""

import numpy as np

from .. import ionic
from .assembly import Array, box, tetrahedra
from .monodomain import Monodomain
from .propagation import Stimulus
from .velocity import Grid, match, through

LENGTHS = (20.0, 7.0, 3.0)
INTRACELLULAR, EXTRACELLULAR = (0.17, 0.019), (0.62, 0.24)  # mS/mm along and across the fibres
ALONG, ACROSS = (i * e / (i + e) for i, e in zip(INTRACELLULAR, EXTRACELLULAR, strict=True))
VELOCITIES = (0.611, 0.222)  # mm/ms along and across for ever finer meshes and steps (computed by separate programs)
POINTS = {
    "P1": (0, 0, 0), "P2": (0, 7, 0), "P3": (20, 0, 0), "P4": (20, 7, 0), "P5": (0, 0, 3), "P6": (0, 7, 3),
    "P7": (20, 0, 3), "P8": (20, 7, 3), "P9": (10, 3.5, 1.5),
}  # fmt: skip


def slab(size: float, time_step: float, matched: bool = False) -> tuple[Monodomain, Array]:
    """The slab at rest with elements of ``size`` mm and steps of ``time_step`` ms, and its points (point, 3).

    ``matched`` conductivities give plane waves along and across the fibres the velocities of the continuum at this
    size and step (Costa et al. 2013, as in ``velocity``); the benchmark's own ones are slowed by both.
    """
    points, cells = box(LENGTHS, size)
    along, across = match_continuum(size, time_step) if matched else (ALONG, ACROSS)
    tensors = np.broadcast_to(np.diag([along, across, across]), (len(cells), 3, 3))
    tissue = tetrahedra(points, cells, tensors)
    start = np.where((points < 1.5 + 1e-9).all(axis=1), 0.0, np.inf)
    cell = ionic.load()
    return Monodomain(tissue, cell, cell.unpaced(), time_step, Stimulus(start)), points


def match_continuum(size: float, time_step: float) -> tuple[float, float]:
    """Conductivities (mS/mm) along and across with which a box of cubes conducts as fine meshes do."""
    grid = Grid(size, size, time_step)

    def matched(velocity: float) -> float:
        return match(lambda conductivity: through(conductivity, velocity, grid), velocity, size)

    return matched(VELOCITIES[0]), matched(VELOCITIES[1])


def nearest(points: Array, name: str) -> int:
    """The node, of points (point, 3) in mm, at a named point of the benchmark."""
    return int(np.argmin(np.linalg.norm(points - np.array(POINTS[name]), axis=1)))
