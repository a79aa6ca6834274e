"""Evidence for what follows a wave through a heart: eikonal times, trains of beats, the electrocardiogram."""

from collections.abc import Iterator
from functools import cache

import numpy as np

from .. import fibers, ionic
from ..electrophysiology import activate
from ..electrophysiology.assembly import Array, box, tetrahedra
from ..electrophysiology.eikonal import arrivals
from ..electrophysiology.electrocardiogram import potential
from ..electrophysiology.monodomain import Monodomain
from ..electrophysiology.propagation import Stimulus, Train, propagate
from ..electrophysiology.velocity import Grid, cable, match, through
from ..mesh import synthetic
from ..parameters import Electrophysiology, Fibers
from .electrophysiology import DURATIONS, OWN
from .row import Row, timed

INTRACELLULAR, TORSO = 0.17, 0.2  # mS/mm


def rows() -> Iterator[Row]:
    """Rows of the verification table."""
    yield from eikonals()
    yield from pacing()
    yield from electrocardiograms()


def eikonals() -> Iterator[Row]:
    """Arrival times from a point against distances, and in a heart against the monodomain equation."""
    source = "distance in the metric of the velocities, first order of linear elements"
    yield timed("eikonal, order in space from a point, oblique anisotropy", 1.0, 0.15, source, eikonal_order)
    name = "eikonal against monodomain, ellipsoid of human size at 2 mm: mean difference of activation (ms)"
    yield timed(name, 0.0, 5.0, "monodomain, matched velocities", lambda: float(np.mean(difference())))
    name = "eikonal against monodomain, ellipsoid of human size at 2 mm: mean absolute difference of activation (ms)"
    yield timed(name, 0.0, 5.0, "monodomain, matched velocities", lambda: float(np.abs(difference()).mean()))


def point_source(size: float, extent: float = 4.0, exact: float = 1.01) -> float:
    """Mean error in ms of arrival times in a cube about a point, ``exact`` within so many mm."""
    points, cells = box((2 * extent, 2 * extent, 2 * extent), size)
    axes = np.linalg.qr(np.array([[1.0, 2.0, 0.5], [-2.0, 1.0, 1.0], [0.3, -0.7, 2.0]]))[0]
    metric = axes @ np.diag(np.array([0.6, 0.3, 0.2]) ** -2) @ axes.T
    away = points - extent
    true = np.sqrt(np.einsum("pa,ab,pb->p", away, metric, away))
    start = np.where(np.linalg.norm(away, axis=1) < exact, true, np.inf)
    found = arrivals(points, cells, np.broadcast_to(metric, (len(cells), 3, 3)), start)
    return float(np.abs(found - true).mean())


def eikonal_order() -> float:
    """Fitted order of the mean error in h."""
    sizes = [0.5, 0.25, 0.125]
    return float(np.polyfit(np.log(sizes), np.log([point_source(size) for size in sizes]), 1)[0])


@cache
def difference() -> Array:
    """Activation (point,) in ms by the eikonal equation less that by the monodomain one, with default parameters."""
    anatomy = fibers.assign(synthetic.ellipsoid(12.0, 2), Fibers())
    monodomain, eikonal = (
        activate(anatomy, Electrophysiology(method=method), Fibers())["fine_activation"].values
        for method in ("monodomain", "eikonal")
    )
    return eikonal - monodomain


def pacing() -> Iterator[Row]:
    """Early beats on a cable."""
    name = "TTP06 epi on a cable, APD90 at beat 4, cycle length 600 ms (ms)"
    yield timed(name, DURATIONS[600], 5.0, f"{OWN}: beat 100 of the cell alone", lambda: regular_duration(600.0))
    name = "TTP06 epi on a cable, refractory period less APD90, cycle length 600 ms (ms)"
    source = "excitability returns with the resting potential: within 40 ms of APD90"
    yield timed(name, 20.0, 20.0, source, lambda: refractory_period(600.0, 5.0) - regular_duration(600.0))


def regular_duration(cycle: float, beats: int = 4) -> float:
    """APD90 in ms in the middle of a cable at the last of some beats, ``cycle`` ms apart."""
    medium, position = paced_cable([beat * cycle for beat in range(beats)])
    wave = propagate(medium, cycle, repolarised=True)
    middle = len(position) // 2
    return float(wave.repolarisation[middle] - wave.activation[middle])


def early_velocity(cycle: float, coupling: float, beats: int = 3) -> float:
    """Velocity in mm/ms of a beat ``coupling`` ms after the last of some, ``cycle`` ms apart; 0 where it is blocked."""
    last = (beats - 1) * cycle
    medium, position = paced_cable([*(beat * cycle for beat in range(beats)), last + coupling])
    timed = (position > 8) & (position < 16)
    times = propagate(medium, 100.0, watch=np.flatnonzero(timed)).activation[timed]
    return 0.0 if np.isinf(times).any() else float(1 / np.polyfit(position[timed], times, 1)[0])


def refractory_period(cycle: float, precision: float) -> float:
    """The shortest coupling interval in ms that is conducted, by bisection between 200 ms and the cycle."""
    blocked, conducted = 200.0, cycle
    while conducted - blocked > precision:
        middle = (blocked + conducted) / 2
        blocked, conducted = (blocked, middle) if early_velocity(cycle, middle) else (middle, conducted)
    return conducted


def paced_cable(onsets: list[float], size: float = 0.25, length: float = 20.0) -> tuple[Monodomain, Array]:
    """A cable of 0.6 mm/ms, paced at one end at ``onsets`` (ms), at the last of them; and its positions in mm."""
    conductivity = match(lambda value: through(value, 0.6, Grid(size, size, 0.05)), 0.6, size)
    chain, cell = cable(size, conductivity, length), ionic.load()
    stimulus = Stimulus(np.where(chain.position < 1.5, 0.0, np.inf))
    train = Train(tuple((onset, stimulus) for onset in onsets))
    medium = Monodomain(chain.tissue, cell, cell.unpaced(), 0.05, train)
    medium.run(train.last)
    return medium, chain.position


def electrocardiograms() -> Iterator[Row]:
    """The potential of a plane front against the solid angle of its double layer."""
    source = "double layer in an unbounded conductor (Plonsey and Barr, Bioelectricity)"
    name = "potential 10 mm before a plane front of 10 x 10 mm, elements of 0.25 mm (mV)"
    yield timed(name, double_layer(12.0), 0.005 * double_layer(12.0), source, lambda: front(0.25, 12.0))
    yield timed("the same, order in space", 2.0, 0.2, source, front_order)


def front(size: float, place: float, side: float = 10.0, thickness: float = 4.0) -> float:
    """Potential (mV) above the middle of a slab with a plane front, from 20 to -85 mV towards the electrode."""
    points, cells = box((side, side, thickness), size)
    stiffness = tetrahedra(points, cells, np.broadcast_to(INTRACELLULAR * np.eye(3), (len(cells), 3, 3))).stiffness
    voltage = -32.5 - 52.5 * np.tanh((points[:, 2] - 2) / 0.7)
    above = np.array([[side / 2, side / 2, place]])
    return float((potential(points, stiffness, above, TORSO) @ voltage)[0])


def double_layer(place: float, side: float = 10.0, thickness: float = 4.0) -> float:
    """The same by quadrature: φ = -σ_i/(4π σ_b) ∫ V'(z) Ω(place - z) dz, Ω the solid angle of the cross-section."""
    z, weight = np.polynomial.legendre.leggauss(80)
    z, weight = thickness / 2 * (1 + z), thickness / 2 * weight
    slope = -52.5 / 0.7 / np.cosh((z - 2) / 0.7) ** 2
    return float(-INTRACELLULAR / (4 * np.pi * TORSO) * (weight * slope * solid_angle(place - z, side)).sum())


def solid_angle(distance: Array | float, side: float) -> Array | float:
    """Of a square seen from above its middle."""
    half = side / 2
    return 4 * np.arctan(half**2 / (distance * np.sqrt(2 * half**2 + distance**2)))


def front_order() -> float:
    """Order of the error in h, from the two sizes that resolve the front."""
    errors = [abs(front(size, 12.0) - double_layer(12.0)) for size in (0.5, 0.25)]
    return float(np.log2(errors[0] / errors[1]))
