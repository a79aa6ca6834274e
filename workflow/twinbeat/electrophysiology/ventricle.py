"""Activation of a patient's left ventricle."""

import logging

import numpy as np
import xarray as xr
from scipy.spatial import cKDTree

from .. import fibers, ionic, mesh
from ..parameters import Electrophysiology, Fibers
from ..verdicts import Quarantined
from .assembly import Array, Discretisation, conductivity, tetrahedra
from .monodomain import Monodomain
from .propagation import Stimulus, Wave, propagate
from .velocity import tuned

REACH = 1.5  # elements from a root that its stimulus covers: less does not take hold on a coarse mesh
log = logging.getLogger("twinbeat")


def activate(anatomy: xr.Dataset, parameters: Electrophysiology, fiber_angles: Fibers) -> xr.Dataset:
    """Activation times of the ventricle, on an electrical mesh of its own and on the anatomy's points.

    Returns the variables of ``activation``; the attributes have the tuned conductivities (mS/mm), the velocities they
    give on a cable and the ratio of the wave's speed in the wall to the wanted one (mm/ms).
    Raises Quarantined("not-activated") where a point is not reached within ``parameters.duration``.
    """
    fine = fibers.refine(anatomy, parameters.size, layers(anatomy, parameters.size), fiber_angles)
    tissue, tuning = discretise(fine, parameters)
    cell = ionic.load()
    wave = propagate(
        Monodomain(tissue, cell, cell.values(stim_amplitude=0.0), parameters.time_step, stimulus(fine, parameters)),
        parameters.duration,
        parameters.snapshot,
    )
    require_complete(wave, parameters)
    return result(anatomy, fine, wave, tuning | {"wave_speed_ratio": speed_ratio(fine, wave.activation, parameters)})


def layers(anatomy: xr.Dataset, size: float) -> int:
    """Layers of ``size`` mm across the wall, at least two, from the mean distance of epicardium to endocardium."""
    points, depth = anatomy["points"].values, anatomy["depth"].values
    thickness, _ = cKDTree(points[depth == 0]).query(points[depth == 1])
    return max(2, round(float(thickness.mean()) / size))


def discretise(fine: xr.Dataset, parameters: Electrophysiology) -> tuple[Discretisation, dict[str, float]]:
    """The tissue with tuned conductivities, isotropic in the endocardial layer, and what the tuning found."""
    wanted = {name: getattr(parameters, f"velocity_{name}") for name in ("fiber", "transverse", "endocardium")}
    tuning = {}
    for name, velocity in wanted.items():
        found = tuned(velocity, parameters.size, parameters.time_step)
        tuning[f"conductivity_{name}"], tuning[f"velocity_{name}"] = found
    inner, fast = endocardial(fine), tuning["conductivity_endocardium"]
    along, across = (np.where(inner, fast, tuning[f"conductivity_{name}"]) for name in ("fiber", "transverse"))
    tensors = conductivity(fine["fiber"].values, along, across)
    return tetrahedra(fine["points"].values, fine["cells"].values, tensors), tuning


def endocardial(fine: xr.Dataset) -> Array:
    """Whether a cell (cell,) belongs to the layer of elements at the endocardium."""
    depth = fine["depth"].values
    first = np.unique(depth)[1]
    return (depth[fine["cells"].values] < first + 1e-9).all(axis=1)


def stimulus(fine: xr.Dataset, parameters: Electrophysiology) -> Stimulus:
    """A current at time 0 around the endocardial point nearest to each root."""
    points = fine["points"].values
    start = np.full(len(points), np.inf)
    for height, angle in parameters.roots:
        centre = points[root(fine, height, np.radians(angle))]
        start[np.linalg.norm(points - centre, axis=1) < REACH * parameters.size] = 0.0
    return Stimulus(start, parameters.stimulus, parameters.stimulus_duration)


def root(fine: xr.Dataset, height: float, angle: float) -> int:
    """The endocardial point nearest to a height (0 apex, 1 base) and an angle about the long axis (rad).

    Height is compared first, because rings differ in angle; an angle counts as the length of its arc.
    """
    inner = np.flatnonzero(fine["depth"].values == 0)
    heights, angles = (fine[name].values[inner] for name in ("longitudinal", "circumferential"))
    ring = np.abs(heights - height) < np.abs(heights - height).min() + 1e-9
    away = np.abs(np.angle(np.exp(1j * (angles - angle))))
    return int(inner[np.argmin(np.where(ring, away, np.inf))])


def require_complete(wave: Wave, parameters: Electrophysiology) -> None:
    """Raise Quarantined where a point was not activated."""
    missing = np.count_nonzero(np.isinf(wave.activation))
    if missing:
        message = f"{missing} of {len(wave.activation)} points were not activated within {parameters.duration:g} ms"
        raise Quarantined("not-activated", f"{message}; expected all of them")


def speed_ratio(fine: xr.Dataset, activation: Array, parameters: Electrophysiology) -> float:
    """Median over the wall, without the endocardial layer, of the wave's speed over the wanted one.

    A wave of velocities v_f along and v_t across fibres satisfies v_f² (∇t·f)² + v_t² (|∇t|² - (∇t·f)²) = 1 (eikonal).
    """
    cells = fine["cells"].values
    gradients, _ = fibers.shape_gradients(fine["points"].values, cells)
    slowness = np.einsum("ci,cia->ca", activation[cells], gradients)
    along = np.einsum("ca,ca->c", slowness, fine["fiber"].values) ** 2
    across = (slowness**2).sum(axis=1) - along
    eikonal = np.sqrt(parameters.velocity_fiber**2 * along + parameters.velocity_transverse**2 * across)
    return float(1 / np.median(eikonal[~endocardial(fine)]))


def result(anatomy: xr.Dataset, fine: xr.Dataset, wave: Wave, attributes: dict[str, float]) -> xr.Dataset:
    """The variables of ``activation``."""
    points, cells = fine["points"].values, fine["cells"].values
    onto = mesh.interpolation(points, cells, anatomy["points"].values)
    return xr.Dataset(
        {
            "activation": (("point",), onto @ wave.activation),
            "fine_points": (("fine_point", "component"), points),
            "fine_cells": (("fine_cell", "corner"), cells),
            "fine_activation": (("fine_point",), wave.activation),
            "voltage": (("snapshot", "fine_point"), wave.voltage.astype(np.float32)),
        },
        coords={"snapshot": wave.times},
        attrs={name: float(value) for name, value in attributes.items()},
    )
