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
from .velocity import STIMULATED, Directions, Grid, achieved, tuned

log = logging.getLogger("twinbeat")


def activate(anatomy: xr.Dataset, parameters: Electrophysiology, fiber_angles: Fibers) -> xr.Dataset:
    """Activation times of the ventricle, on an electrical mesh of its own and on the anatomy's points.

    Returns the variables of ``activation``; the attributes have the tuned conductivities (mS/mm), the velocities that
    they give (mm/ms) and the ratio of the wave's speed in the wall to the wanted one.
    Raises Quarantined("not-activated") where a point is not reached within ``parameters.duration``.
    """
    layers = max(2, round(thickness(anatomy) / parameters.size))
    fine = fibers.refine(anatomy, parameters.size, layers, fiber_angles)
    conductivities, attributes = tune(fine, parameters)
    cell, tissue = ionic.load(parameters.cell), discretise(fine, conductivities)
    medium = Monodomain(tissue, cell, cell.unpaced(), parameters.time_step, stimulus(fine, parameters))
    wave = propagate(medium, parameters.duration, parameters.snapshot)
    require_complete(wave, parameters)
    attributes["wave_speed_ratio"] = speed_ratio(fine, wave.activation, parameters)
    return result(anatomy, fine, wave, attributes)


def thickness(anatomy: xr.Dataset) -> float:
    """Mean distance in mm of epicardial points to the endocardium."""
    points, depth = anatomy["points"].values, anatomy["depth"].values
    distance, _ = cKDTree(points[depth == 0]).query(points[depth == 1])
    return float(distance.mean())


def tune(fine: xr.Dataset, parameters: Electrophysiology) -> tuple[Directions, dict[str, float]]:
    """The conductivities for this mesh, and what is to be told about them."""
    across = parameters.velocity_transverse
    wanted = Directions(parameters.velocity_fiber, across, across, parameters.velocity_endocardium)
    layer = thickness(fine) / (len(np.unique(fine["depth"])) - 1)
    grid = Grid(parameters.size, layer, parameters.time_step, parameters.cell)
    conductivities = tuned(wanted, grid)
    velocities = achieved(conductivities, wanted, grid)
    told = {f"conductivity_{name}": value for name, value in conductivities._asdict().items()}
    told |= {f"velocity_{name}": value for name, value in velocities._asdict().items()}
    log.info("electrophysiology: tuned: %s", ", ".join(f"{name} {value:.3f}" for name, value in told.items()))
    return conductivities, told


def discretise(fine: xr.Dataset, conductivities: Directions) -> Discretisation:
    """The tissue; its endocardial layer conducts alike in all directions within it."""
    inner = endocardial(fine)[:, None]
    muscle = [conductivities.fiber, conductivities.transverse, conductivities.transmural]
    fast = [conductivities.endocardium, conductivities.endocardium, conductivities.transmural]
    axes = np.stack([fine[name].values for name in ("fiber", "sheet_normal", "sheet")], axis=1)
    tensors = conductivity(axes, np.where(inner, fast, muscle))
    return tetrahedra(fine["points"].values, fine["cells"].values, tensors)


def endocardial(fine: xr.Dataset) -> Array:
    """Whether a cell (cell,) belongs to the layer of elements at the endocardium."""
    depth = fine["depth"].values
    first = np.unique(depth)[1]
    return (depth[fine["cells"].values] < first + 1e-9).all(axis=1)


def stimulus(fine: xr.Dataset, parameters: Electrophysiology) -> Stimulus:
    """A current around the point nearest to each root, at time 0, and to each lead, when it fires."""
    points = fine["points"].values
    start = np.full(len(points), np.inf)
    roots = [(height, angle, 0.0, 0.0) for height, angle in parameters.roots]
    for height, angle, depth, time in (*roots, *parameters.leads):
        centre = points[site(fine, height, np.radians(angle), depth)]
        near = np.linalg.norm(points - centre, axis=1) < STIMULATED * parameters.size
        start[near] = np.minimum(start[near], time)
    return Stimulus(start, parameters.stimulus, parameters.stimulus_duration)


def site(fine: xr.Dataset, height: float, angle: float, depth: float = 0.0) -> int:
    """The point nearest to a height (0 apex, 1 base), an angle about the long axis (rad) and a depth (0 endocardium).

    The layer of the mesh is compared first, then the height, because rings differ in angle.
    """
    depths = fine["depth"].values
    layer = np.flatnonzero(np.abs(depths - depth) < np.abs(depths - depth).min() + 1e-9)
    heights, angles = (fine[name].values[layer] for name in ("longitudinal", "circumferential"))
    ring = np.abs(heights - height) < np.abs(heights - height).min() + 1e-9
    away = np.abs(np.angle(np.exp(1j * (angles - angle))))
    return int(layer[np.argmin(np.where(ring, away, np.inf))])


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
