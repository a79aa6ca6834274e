"""Conductivities that give the wanted conduction velocities on a mesh of a given size (Costa et al. 2013).

"Automatic parameterization strategy for cardiac electrophysiology simulations", Computing in Cardiology 40, 373-376:
plane waves are run through a piece of the mesh, with its time step and scheme, and the conductivities are changed until
the velocities are met. So a coarse mesh conducts as fast as the muscle, though with other conductivities.

The pieces are chains of nodes where the mesh has layers (``irregular`` has that of a mesh without). Across the wall it
is a cable with the thickness of a layer as its spacing. Within a layer the mesh is close to a lattice of equilateral
triangles, on which a plane wave has equal values on whole lines of nodes: a chain too, of another spacing and with
further neighbours for each direction of the wave. Near the resolution limit the speed depends much on that direction,
so the slowness is averaged over several.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.sparse import block_diag, csr_array, diags_array

from .. import ionic
from .assembly import Array, Discretisation
from .monodomain import Monodomain
from .propagation import Stimulus, propagate

CONTINUUM = (0.611, 0.1334)  # mm/ms at mS/mm: the limit for fine meshes (computed by separate programs)
DIRECTIONS = ((2, 1), (3, 2), (5, 4), (1, 1))  # offsets of a lattice's first two edges: 0, 10.9, 19.1 and 30 degrees
ELEMENTS, LENGTH = 24, 20.0  # a chain has at least as many elements and mm
STIMULATED = 1.5  # elements; less does not take hold on a coarse mesh
STALLED = 3.0  # a wave that takes this many times the wanted time is not waited for
COARSENING = 0.13  # mS/mm³: conductivity per element size squared that coarse meshes need on top
NUDGE = 1.2  # of conductivities, for the exponents
PRECISION = 5e-3  # of ln σ; the velocity goes with σ^0.5 on fine meshes and with up to σ^2.5 near the limit


class Piece(NamedTuple):
    """A tissue, the ``position`` (node,) of its nodes along the wave in mm, and those (node,) at which it is timed."""

    tissue: Discretisation
    position: Array
    timed: NDArray[np.bool_]


class Directions(NamedTuple):
    """Velocities (mm/ms) or conductivities (mS/mm): along the fibre, across it within a layer of the mesh, through the
    layers, and in any direction within the endocardial layer."""

    fiber: float
    transverse: float
    transmural: float
    endocardium: float


class Grid(NamedTuple):
    """Edges of the triangles and thickness of the layers in mm, the time step in ms, and the cell model's name."""

    size: float
    layer: float
    time_step: float
    cell: str = ionic.TENTUSSCHER_PANFILOV_2006_EPI


@cache
def tuned(velocity: Directions, grid: Grid) -> Directions:
    """The conductivities that give the velocities.

    The conductivity across a wave changes its speed by percents only, so for the fibre it is taken from the ratio of
    the velocities, and then the transverse one is found.
    """
    ratio = velocity.transverse / velocity.fiber
    fiber = match(lambda value: within(value, ratio * value, velocity.fiber, grid), velocity.fiber, grid.size)
    return Directions(
        fiber=fiber,
        transverse=match(lambda value: within(value, fiber, velocity.transverse, grid), velocity.transverse, grid.size),
        transmural=match(lambda value: through(value, velocity.transmural, grid), velocity.transmural, grid.layer),
        endocardium=match(
            lambda value: within(value, value, velocity.endocardium, grid), velocity.endocardium, grid.size
        ),
    )


def achieved(conductivity: Directions, velocity: Directions, grid: Grid) -> Directions:
    """The velocities that the conductivities give, where about ``velocity`` is expected."""
    fiber, transverse, transmural, endocardium = conductivity
    return Directions(
        fiber=within(fiber, transverse, velocity.fiber, grid),
        transverse=within(transverse, fiber, velocity.transverse, grid),
        transmural=through(transmural, velocity.transmural, grid),
        endocardium=within(endocardium, endocardium, velocity.endocardium, grid),
    )


def exponents(conductivity: Directions, velocity: Directions, grid: Grid) -> Directions:
    """d ln σ / d ln v about the conductivities for velocities: how they follow a velocity that changes a little.

    2 on fine meshes, less on coarse ones, where waves stall soon.
    """
    more = Directions(*(NUDGE * value for value in conductivity))
    found, faster = (achieved(values, velocity, grid) for values in (conductivity, more))
    return Directions(*(np.log(NUDGE) / np.log(np.divide(faster, found))).tolist())


def match(speed: Callable[[float], float], velocity: float, size: float) -> float:
    """The conductivity at which ``speed`` (increasing) is ``velocity``.

    The search starts a little above what elements of ``size`` mm need, because slow waves take long.
    """

    def excess(logarithm: float) -> float:
        return speed(float(np.exp(logarithm))) - velocity

    low = high = np.log(CONTINUUM[1] * (velocity / CONTINUUM[0]) ** 2 + COARSENING * size**2)
    while excess(low) > 0:
        low, high = low - 0.5, low
    while low == high or excess(high) < 0:
        high += 0.5
    return float(np.exp(brentq(excess, low, high, xtol=PRECISION)))


def within(along: float, across: float, expected: float, grid: Grid) -> float:
    """Velocity in a layer for conductivities along and across the wave, averaged over its directions."""
    length = max(ELEMENTS * grid.size, LENGTH)
    chains = [lattice(grid.size, along, across, direction, length) for direction in DIRECTIONS]
    return conduction(chains, STIMULATED * grid.size, grid.time_step, expected, grid.cell)


def through(conductivity: float, expected: float, grid: Grid) -> float:
    """Velocity through the layers."""
    chain = cable(grid.layer, conductivity, max(ELEMENTS * grid.layer, LENGTH))
    return conduction([chain], STIMULATED * grid.layer, grid.time_step, expected, grid.cell)


def cable(size: float, conductivity: float, length: float) -> Piece:
    """Nodes ``size`` mm apart: what a box of cubes is for a plane wave along an axis."""
    return _chain(size, {1: conductivity / size**2}, length)


def lattice(size: float, along: float, across: float, direction: tuple[int, int], length: float) -> Piece:
    """A plane wave on equilateral triangles with edges of ``size`` mm, conductivities along and across the wave.

    The edges e_k have the weights w_k with Σ w_k e_k⊗e_k = σ, which linear triangles give them, and reach
    ``direction`` nodes of the chain further.
    """
    first, second = direction
    spacing = size / np.hypot(first, (2 * second - first) / np.sqrt(3))
    wave = np.array([first, (2 * second - first) / np.sqrt(3)]) * spacing / size
    x, y = np.array([[1.0, 0.0], [0.5, np.sqrt(0.75)], [-0.5, np.sqrt(0.75)]]).T * size
    tensor = across * np.eye(2) + (along - across) * np.outer(wave, wave)
    weights = np.linalg.solve([x * x, x * y, y * y], [tensor[0, 0], tensor[0, 1], tensor[1, 1]])
    reach: dict[int, float] = {}
    for offset, weight in zip((first, second, second - first), weights, strict=True):
        reach[abs(offset)] = reach.get(abs(offset), 0.0) + weight
    return _chain(spacing, reach, length)


def _chain(spacing: float, weights: dict[int, float], length: float) -> Piece:
    """Nodes ``spacing`` mm apart; ``weights`` (mS/mm³) couple nodes by their distance along the chain."""
    nodes = round(length / spacing) + 1
    stiffness = csr_array((nodes, nodes))
    for offset, weight in weights.items():
        if offset:
            links = diags_array([np.ones(nodes - offset)], offsets=[offset], shape=(nodes, nodes))
            links = links + links.T
            stiffness = stiffness + weight * (diags_array(links.sum(axis=1)) - links)
    return piece(Discretisation(stiffness.tocsr(), np.ones(nodes)), np.arange(nodes) * spacing)


def piece(tissue: Discretisation, position: Array, among: NDArray[np.bool_] | bool = True) -> Piece:
    """A piece whose wave is timed over 40 to 80 % of its length, at some (node,) of the nodes there."""
    share = position / position.max()
    return Piece(tissue, position, (share > 0.4) & (share < 0.8) & among)


def conduction(
    pieces: list[Piece],
    reach: float,
    time_step: float,
    expected: float,
    model: str = ionic.TENTUSSCHER_PANFILOV_2006_EPI,
) -> float:
    """Velocity in mm/ms of the mean slowness of the pieces; 0 where a wave stalls.

    ``reach`` mm (at least 1.5) of each piece are stimulated.
    """
    position, timed = (np.concatenate([getattr(one, name) for one in pieces]) for name in ("position", "timed"))
    tissue = Discretisation(
        block_diag([one.tissue.stiffness for one in pieces], format="csr"),
        np.concatenate([one.tissue.mass for one in pieces]),
    )
    cell, start = ionic.load(model), np.where(position < max(1.5, reach), 0.0, np.inf)
    medium = Monodomain(tissue, cell, cell.unpaced(), time_step, Stimulus(start))
    activation = propagate(medium, STALLED * position.max() / expected, watch=np.flatnonzero(timed)).activation
    if np.isinf(activation[timed]).any():
        return 0.0
    ends = np.cumsum([len(one.position) for one in pieces])[:-1]
    parts = zip(pieces, np.split(activation, ends), strict=True)
    return 1 / float(np.mean([np.polyfit(one.position[one.timed], times[one.timed], 1)[0] for one, times in parts]))
