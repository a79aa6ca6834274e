"""The electrocardiogram of a heart in an unbounded torso, its leads and their intervals.

The potential of the intracellular currents -σ_i∇V in a homogeneous conductor σ_b (Plonsey and Barr, Bioelectricity;
Gima and Rudy 2002, doi 10.1161/01.RES.0000016960.61087.86):

    φ(e) = -1/(4π σ_b) ∫ σ_i∇V · ∇(1/r) dV,   r = |x - e|

is linear in V. On linear elements it is w·V with the lead field w = -K (1/r) / (4π σ_b), K the stiffness of σ_i: a
sample of nine electrodes costs nine scalar products.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr
from scipy.sparse import csr_array

from .. import fibers
from ..fibers.regions import LEFT_WALL, cell_tags
from ..fibers.scar import SCAR
from ..parameters import Electrophysiology
from .assembly import Array, conductivity, tetrahedra
from .propagation import SAMPLING
from .substrate import Substrate, axes

LIMBS, CHEST = ("RA", "LA", "LL"), ("V1", "V2", "V3", "V4", "V5", "V6")
LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", *CHEST)
INDEPENDENT = [LEADS.index(name) for name in ("I", "II", *CHEST)]
STEEP = 0.05  # of the largest spatial velocity: the QRS complex is where it is exceeded
QUIET = 20.0  # ms that the spatial velocity stays below that once the QRS complex is over


def lead_field(heart: Substrate, parameters: Electrophysiology) -> Array:
    """Potential (electrode, point of the muscle) in mV at LIMBS and CHEST of 1 mV at a point."""
    ecg, points = parameters.ecg, heart.muscle["points"].values
    across = ecg.intracellular_transverse
    values = np.tile([ecg.intracellular_fiber, across, across], (len(heart.kind), 1))
    values[heart.kind == SCAR] = parameters.scar.conductivity
    stiffness = tetrahedra(points, heart.muscle["cells"].values, conductivity(axes(heart.muscle), values)).stiffness
    return potential(points, stiffness, electrodes(heart.whole, ecg.electrodes), ecg.torso)


def potential(points: Array, stiffness: csr_array, places: Array, torso: float) -> Array:
    """The lead field (electrode, point) of electrodes at ``places`` (electrode, 3) in mm; ``torso`` σ_b in mS/mm."""
    inverse = 1 / np.linalg.norm(points[:, None] - places, axis=2)
    return -(stiffness @ inverse).T / (4 * np.pi * torso)


def electrodes(whole: xr.Dataset, offsets: Mapping[str, tuple[float, float, float]]) -> Array:
    """Places (electrode, 3) in the heart frame, from offsets along LPS in mm from the centre of the left wall."""
    points, cells = whole["points"].values, whole["cells"].values
    _, volumes = fibers.shape_gradients(points, cells)
    centre = np.average(points[cells].mean(axis=1), axis=0, weights=volumes * (cell_tags(whole) == LEFT_WALL))
    return centre + np.array([offsets[name] for name in (*LIMBS, *CHEST)]) @ whole["to_lps"].values[:3, :3]


def twelve(potentials: Array) -> Array:
    """The leads (lead, sample) of potentials (sample, electrode): Einthoven, Goldberger, Wilson."""
    right, left, foot, *chest = potentials.T
    limbs = [left - right, foot - right, foot - left]
    augmented = [one - (right + left + foot - one) / 2 for one in (right, left, foot)]
    return np.array([*limbs, *augmented, *(one - (right + left + foot) / 3 for one in chest)])


class Intervals(NamedTuple):
    """Of an electrocardiogram in ms: from the start of the simulation to the QRS complex and its length, and QT."""

    onset: float
    qrs: float
    qt: float


def intervals(ecg: Array) -> Intervals:
    """Of leads (lead, sample), a sample every SAMPLING ms, over the independent ones of them all.

    The QRS complex is where their spatial velocity, the root mean square of the slopes, exceeds STEEP of its largest
    value, until it stays below for QUIET. The T wave is the largest root mean square of the leads after that; it ends
    where the tangent at its steepest descent meets zero (Lepeschkin and Surawicz 1952).
    """
    leads = ecg[INDEPENDENT]
    velocity = np.sqrt((np.gradient(leads, axis=1) ** 2).mean(axis=0))
    steep = np.flatnonzero(velocity > STEEP * velocity.max())
    first = steep[0]
    gaps = np.flatnonzero(np.diff(steep) > QUIET / SAMPLING)
    last = steep[gaps[gaps >= np.searchsorted(steep, velocity.argmax())][0]] if len(gaps) else steep[-1]
    return Intervals(SAMPLING * first, SAMPLING * (last - first), SAMPLING * (_end(leads, last) - first))


def _end(leads: Array, last: int) -> float:
    """Sample at which the T wave ends, the QRS complex being over after ``last``."""
    magnitude = np.sqrt((leads**2).mean(axis=0))
    peak = last + int(magnitude[last:].argmax())
    slope = np.gradient(magnitude)
    steepest = peak + int(slope[peak:].argmin())
    return steepest - magnitude[steepest] / slope[steepest]
