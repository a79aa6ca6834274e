"""Evidence for the cell model, the monodomain solver and the tuning of velocities."""

from collections.abc import Iterator
from functools import cache

import numpy as np

from .. import ionic
from ..electrophysiology import niederer
from ..electrophysiology.assembly import Array, box, tetrahedra
from ..electrophysiology.monodomain import CAPACITANCE, SURFACE_TO_VOLUME, Monodomain
from ..electrophysiology.propagation import propagate
from ..electrophysiology.velocity import Directions, Grid, achieved, cable, conduction, tuned
from .row import Row, timed

OWN = "own reference, computed by separate programs, mesh-converged"
NIEDERER = "Niederer et al. 2011, doi 10.1098/rsta.2011.0139"
DURATIONS = {2000: 306.7, 1000: 303.0, 800: 301.4, 600: 293.5, 500: 281.8, 400: 258.7, 350: 241.5}
TORORD = {"endo": (266.01, -89.751), "epi": (232.18, -89.887), "mid": (330.54, -89.563)}
CABLES = {
    (0.5, niederer.ALONG): 0.4211, (0.2, niederer.ALONG): 0.5563, (0.1, niederer.ALONG): 0.5941,
    (0.5, niederer.ACROSS): 0.0486, (0.2, niederer.ACROSS): 0.1447, (0.1, niederer.ACROSS): 0.1908,
}  # fmt: skip
FINITE_DIFFERENCES = {
    "P1": 1.237, "P2": 30.31, "P3": 32.258, "P4": 43.387, "P5": 9.087, "P6": 31.718, "P7": 33.435, "P8": 44.282,
    "P9": 20.151,
}  # fmt: skip
CONVERGED = 42.13


def rows() -> Iterator[Row]:
    """Rows of the verification table; the slab with 0.1 mm takes most of the time."""
    yield from cells()
    yield from cables()
    yield from manufactured()
    yield from tuning()
    yield from slabs()


def cells() -> Iterator[Row]:
    """Action potentials of the paced cell."""
    for cycle, reference in DURATIONS.items():
        name = f"TTP06 epi, APD90 at beat 100, cycle length {cycle} ms"
        yield timed(name, reference, 1.0, OWN, lambda: ionic.duration(*_beat(cycle)))  # noqa: B023
    yield timed("TTP06 epi, resting potential at beat 100, cycle length 1000 ms", -85.35, 0.2, OWN, _rest)
    for kind, (duration, rest) in TORORD.items():
        name = f"ToR-ORd dynCl {kind}, beat 200, cycle length 1000 ms"
        yield timed(f"{name}: APD90 (ms)", duration, 1.0, OWN, lambda: ionic.duration(*_torord(kind)))  # noqa: B023
        yield timed(f"{name}: resting potential (mV)", rest, 0.2, OWN, lambda: float(_torord(kind)[1][0]))  # noqa: B023


@cache
def _beat(cycle: float) -> tuple[Array, Array]:
    return ionic.pace(ionic.load(), cycle, beats=100)


@cache
def _torord(kind: str) -> tuple[Array, Array]:
    return ionic.pace(ionic.load(f"torord_dyncl_{kind}"), 1000, beats=200, step=0.01)


def _rest() -> float:
    return float(_beat(1000)[1][0])


def cables() -> Iterator[Row]:
    """Velocity on a cable with lumped mass, against an independent program."""
    for (size, conductivity), reference in CABLES.items():
        name = f"conduction velocity on a cable, lumped, h {size} mm, sigma {conductivity:.4f} mS/mm (mm/ms)"
        yield timed(name, reference, 0.02 * reference, OWN, lambda: cable_velocity(size, conductivity))  # noqa: B023


def cable_velocity(size: float, conductivity: float, time_step: float = 0.005) -> float:
    """Velocity in mm/ms on a cable of the Niederer tissue."""
    return conduction([cable(size, conductivity, 20.0)], 1.5 * size, time_step, expected=0.05)


def manufactured() -> Iterator[Row]:
    """Orders of convergence against a manufactured solution with a cubic reaction."""
    source = "method of manufactured solutions (as Pathmanathan and Gray 2014, with a cubic reaction)"
    yield timed("monodomain, order in space, time step ~ h²", 2.0, 0.15, source, lambda: space_order([4, 8, 16]))
    yield timed("monodomain, order in time, fixed mesh", 1.0, 0.1, source, time_order)


class Cubic:
    """dV/dt = V - V³, by forward Euler."""

    voltage = 0

    def __init__(self, start: Array) -> None:
        self.start = start

    def initial(self, cells: int) -> Array:
        """The manufactured solution at time 0."""
        return self.start.reshape(1, cells).copy()

    def values(self) -> Array:
        """No parameters."""
        return np.empty(0)

    def advance(self, states: Array, parameters: Array, time: float, step: float) -> None:
        """One step."""
        states += step * (states - states**3)


TENSOR = np.array([[0.3, 0.1, 0.0], [0.1, 0.2, 0.0], [0.0, 0.0, 0.15]])  # mS/mm, with fibres oblique to the mesh


def wave(points: Array, time: float) -> Array:
    """u = e^-t g(x) g(y) cos πz in the unit cube, g(s) = 16 s² (1 - s)²: no flux leaves it through any side."""
    (gx, _, _), (gy, _, _) = (_bump(points[:, axis]) for axis in (0, 1))
    return np.exp(-time) * gx * gy * np.cos(np.pi * points[:, 2])


def _bump(s: Array) -> tuple[Array, Array, Array]:
    """g and its first two derivatives."""
    return 16 * s**2 * (1 - s) ** 2, 32 * s * (1 - s) * (1 - 2 * s), 32 * (1 - 6 * s + 6 * s**2)


def wave_source(points: Array, time: float) -> Array:
    """The current χ C_m (u_t - u + u³) - ∇·(σ∇u) that makes ``wave`` a solution, in µA/mm³."""
    (gx, dx, ddx), (gy, dy, ddy) = (_bump(points[:, axis]) for axis in (0, 1))
    decay = np.exp(-time) * np.cos(np.pi * points[:, 2])
    u = decay * gx * gy
    spread = TENSOR[0, 0] * ddx * gy + 2 * TENSOR[0, 1] * dx * dy + TENSOR[1, 1] * gx * ddy
    flux = decay * spread - np.pi**2 * TENSOR[2, 2] * u
    return SURFACE_TO_VOLUME * CAPACITANCE * (-2 * u + u**3) - flux


def solve(elements: int, time_step: float, end: float = 0.5) -> tuple[Array, Array, Array]:
    """Voltage at ``end``, its manufactured value, and the lumped mass."""
    points, cells = box((1.0, 1.0, 1.0), 1 / elements)
    tissue = tetrahedra(points, cells, np.broadcast_to(TENSOR, (len(cells), 3, 3)))
    cell = Cubic(wave(points, 0.0))
    medium = Monodomain(tissue, cell, cell.values(), time_step, lambda time: wave_source(points, time))
    while medium.time < end - 1e-9:
        medium.advance()
    return medium.voltage, wave(points, medium.time), tissue.mass


def space_order(elements: list[int]) -> float:
    """Fitted order of the L2 error in h, with time steps 0.4 h² ms."""
    errors = []
    for n in elements:
        found, exact, mass = solve(n, 0.4 / n**2)
        errors.append(np.sqrt((mass * (found - exact) ** 2).sum()))
    return float(-np.polyfit(np.log(elements), np.log(errors), 1)[0])


def time_order(elements: int = 6, coarsest: float = 0.01) -> float:
    """Order from three halved time steps on one mesh, whose error in space cancels; all need one stage only."""
    first, second, third = (solve(elements, coarsest / 2**k)[0] for k in range(3))
    return float(np.log2(np.linalg.norm(first - second) / np.linalg.norm(second - third)))


def tuning() -> Iterator[Row]:
    """Velocities after tuning at the size and step of the default study."""
    wanted, grid = Directions(0.6, 0.3, 0.3, 1.5), Grid(2.0, 2.0, 0.05)
    source = "configured velocity; method of Costa et al. 2013"
    for name in Directions._fields:
        reference = getattr(wanted, name)
        yield timed(
            f"tuned velocity at 2 mm, {name} (mm/ms)", reference, 0.02 * reference, source,
            lambda: getattr(achieved(tuned(wanted, grid), wanted, grid), name),  # noqa: B023
        )  # fmt: skip


def slabs() -> Iterator[Row]:
    """The benchmark slab."""
    name = "Niederer 2011, dx 0.1 mm, dt 0.01 ms, lumped"
    finite = f"{OWN}; {NIEDERER}"
    yield timed(f"{name}: activation at P8 (ms)", 44.3, 0.6, finite, lambda: activation(0.1, 0.01)["P8"])
    yield timed(f"{name}: largest deviation over P1 to P9 (ms)", 0.0, 0.6, finite, _largest_deviation)
    for size, step in ((0.5, 0.05), (0.5, 0.01), (0.2, 0.05), (0.2, 0.01)):
        expected = 1.24 + 18.5 / CABLES[size, niederer.ALONG]
        name = f"Niederer 2011, dx {size} mm, dt {step} ms, lumped: activation at P3, 18.5 mm along the fibres (ms)"
        source = f"18.5 mm over the velocity on the cable; {OWN}"
        yield timed(name, expected, 0.03 * expected, source, lambda: activation(size, step)["P3"])  # noqa: B023
    for size, tolerance in ((0.5, 2.5), (0.2, 1.0)):
        name = (
            f"Niederer 2011, dx {size} mm, dt 0.05 ms, conductivities matched to the continuum: activation at P8 (ms)"
        )
        yield timed(name, CONVERGED, tolerance, finite, lambda: matched(size))  # noqa: B023
    name = "Niederer 2011: order in dx at which P8 approaches the converged 42.1 ms (dx 0.5, 0.2, 0.1; dt 0.01)"
    yield timed(name, 2.0, 0.5, finite, _order_of_slab)


@cache
def activation(size: float, time_step: float) -> dict[str, float]:
    """Activation times in ms of the named points of the slab."""
    medium, points = niederer.slab(size, time_step)
    times = propagate(medium, 150.0).activation
    return {name: float(times[niederer.nearest(points, name)]) for name in niederer.POINTS}


def matched(size: float) -> float:
    """Activation of P8 in ms with conductivities that are matched to the continuum's velocities."""
    medium, points = niederer.slab(size, 0.05, matched=True)
    corner = niederer.nearest(points, "P8")
    return float(propagate(medium, 150.0, watch=[corner]).activation[corner])


def _largest_deviation() -> float:
    found = activation(0.1, 0.01)
    return max(abs(found[name] - reference) for name, reference in FINITE_DIFFERENCES.items())


def _order_of_slab() -> float:
    sizes = [0.5, 0.2, 0.1]
    errors = [activation(size, 0.01)["P8"] - CONVERGED for size in sizes]
    return float(np.polyfit(np.log(sizes), np.log(errors), 1)[0])
