"""Activation of a patient's left ventricle, or of both."""

import logging
from dataclasses import replace
from types import ModuleType

import numpy as np
import xarray as xr
from mpi4py import MPI
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .. import device, fibers, mesh
from ..device.gpu import Machine
from ..fibers.regions import LEFT_WALL, biventricular, cell_tags
from ..fibers.scar import BORDER, HEALTHY
from ..parameters import Electrophysiology, Fibers
from ..verdicts import Quarantined
from . import accelerated, irregular, reaction, substrate, velocity
from .assembly import Array, Discretisation
from .electrocardiogram import LEADS, intervals, lead_field, twelve
from .extracellular import Extracellular
from .feedback import Beating, Surroundings
from .monodomain import Monodomain
from .mosaic import composed
from .motion import Motion
from .propagation import SAMPLING, Wave, propagate
from .ranks import Share
from .sites import train
from .substrate import Labels, Substrate
from .velocity import Directions, Grid, exponents

log = logging.getLogger("twinbeat")


def activate(
    anatomy: xr.Dataset,
    parameters: Electrophysiology,
    fiber_angles: Fibers,
    scar: Labels | None = None,
    comm: MPI.Comm = MPI.COMM_SELF,
    motion: Motion | None = None,
    both: xr.Dataset | None = None,
) -> xr.Dataset:
    """Activation times of the ventricle, on an electrical mesh of its own and on the anatomy's points.

    Where there is a mesh of ``both`` ventricles with tagged surfaces, the electrical mesh is of both.
    ``scar`` is heeded where ``parameters.scar`` says what it does, the ``motion`` of the anatomy's points as
    ``parameters.feedback`` says; without a motion nothing moves. The steps of the monodomain equation are shared by
    the ranks of ``comm``, all of which have the result; ValueError for a bidomain or a GPU on several.

    Returns the variables of ``activation``; the attributes have the tuned conductivities (mS/mm), the velocities that
    they give (mm/ms) and the ratio of the wave's speed in the wall to the wanted one.
    Raises Quarantined: not-activated, not-repolarised (within ``parameters.duration``), all-scar, motion-inverted;
    device.NoGpu.
    """
    heart = substrate.build(anatomy if both is None else both, parameters, fiber_angles, scar)
    moved = (motion, substrate.within(anatomy, heart.muscle)) if motion and parameters.feedback.active else None
    wave, attributes = conduct(heart, parameters, comm, moved)
    require_complete(wave.activation[heart.fires], "activated", parameters.duration)
    if parameters.until == "repolarisation":
        require_complete(wave.repolarisation[heart.fires], "repolarised", parameters.duration)
    attributes["wave_speed_ratio"] = speed_ratio(heart.muscle, wave.activation, heart.normal, parameters)
    return result(anatomy, heart, wave, attributes)


Moved = tuple[Motion, csr_array]
"""A motion, and the weights (cell, point) of its points at the cells of the muscle."""


def conduct(
    heart: Substrate, parameters: Electrophysiology, comm: MPI.Comm = MPI.COMM_SELF, moved: Moved | None = None
) -> tuple[Wave, dict[str, float]]:
    """The wave in the muscle, and what is to be told about it."""
    slower = parameters.scar.border_velocity if (heart.kind == BORDER).any() else 1.0
    velocities = [wanted(parameters), wanted(parameters, slower)]
    if parameters.method == "eikonal":
        return reaction.conduct(heart, parameters, velocities), {}
    meshed, grid = resolution(heart.whole, parameters)
    conductivities = [meshed.tuned(one, grid) for one in velocities]
    around = None
    if moved:
        powers = [exponents(*both, grid) for both in zip(conductivities, velocities, strict=True)]
        around = surroundings(heart, parameters, conductivities, powers, moved)
    figures = told(conductivities[0], meshed.achieved(conductivities[0], velocities[0], grid))
    return diffuse(heart, parameters, conductivities, comm, around), figures


def resolution(whole: xr.Dataset, parameters: Electrophysiology) -> tuple[ModuleType, Grid]:
    """What knows how a mesh with layers, or the irregular one of both ventricles, conducts; and its elements."""
    if biventricular(whole):
        edge = irregular.edge(whole["points"].values, whole["cells"].values)
        return irregular, Grid(edge, edge, parameters.time_step, parameters.cell)
    layer = substrate.thickness(whole) / (len(np.unique(whole["depth"])) - 1)
    return velocity, Grid(parameters.size, layer, parameters.time_step, parameters.cell)


def surroundings(
    heart: Substrate,
    parameters: Electrophysiology,
    conductivities: list[Directions],
    powers: list[Directions],
    moved: Moved,
) -> Surroundings:
    """What moves about muscle and border zone whose conductivities (mS/mm) go with ``powers`` of velocities."""
    of_kind = [*conductivities, Directions(*[parameters.scar.conductivity] * 4)], [*powers, Directions(*[2.0] * 4)]
    values, along = (substrate.along(heart.muscle, heart.kind, one) for one in of_kind)
    return Surroundings(heart.muscle, values, along, *moved, heart.fires, parameters.feedback)


def diffuse(
    heart: Substrate,
    parameters: Electrophysiology,
    conductivities: list[Directions],
    comm: MPI.Comm,
    around: Surroundings | None = None,
) -> Wave:
    """The wave by the mono- or bidomain equation with the conductivities (mS/mm) of healthy muscle and border zone, in
    muscle that moves where something is ``around`` it."""
    of_kind = [*conductivities, Directions(*[parameters.scar.conductivity] * 4)]
    values = substrate.along(heart.muscle, heart.kind, of_kind)
    tissue, extracellular = _domains(heart, parameters, values, comm)
    if machine := _machine(parameters, comm):
        return _accelerate(heart, parameters, tissue, machine)
    share = Share(tissue, heart.muscle["points"].values, comm)
    patches = [patch.within(share.own) for patch in substrate.patches(heart.muscle, heart.kind, parameters)]
    beats = train(heart.muscle, parameters).on(share.own)
    common = *composed(patches), parameters.time_step
    if around:
        beats = around.led(beats)
        medium: Monodomain = Beating(around, beats.last, share, *common, beats)
    else:
        medium = Monodomain(share.tissue, *common, beats, share, extracellular)
    medium.run(beats.last)
    whole = parameters.until == "repolarisation"
    field = lead_field(heart, parameters)[:, share.own] if whole else None
    leads = None if field is None else (lambda voltage: share.total(field @ voltage))
    watched = np.flatnonzero(heart.fires[share.own])
    wave = propagate(medium, parameters.duration, parameters.snapshot, watched, whole, leads)
    everywhere = {name: share.gathered(getattr(wave, name)) for name in ("activation", "repolarisation", "voltage")}
    return replace(wave, **everywhere)


def _machine(parameters: Electrophysiology, comm: MPI.Comm) -> Machine | None:
    """The GPU that the parameters ask for, or None for the CPU; ranks share out the CPU, and a bidomain is for it."""
    if parameters.device == "gpu" and comm.size > 1:
        raise ValueError(f"device gpu: expected one rank, got {comm.size}")
    if parameters.method != "monodomain" or comm.size > 1:
        return None
    return device.chosen(parameters.device)


def _accelerate(heart: Substrate, parameters: Electrophysiology, tissue: Discretisation, machine: Machine) -> Wave:
    """The wave by the monodomain equation on a GPU."""
    log.info("electrophysiology: on %s", machine.name)
    beats, patches = train(heart.muscle, parameters), substrate.patches(heart.muscle, heart.kind, parameters)
    given = accelerated.plan(tissue, patches, parameters.time_step, beats)
    whole = parameters.until == "repolarisation"
    field = lead_field(heart, parameters) if whole else None
    until = parameters.duration, parameters.snapshot
    return accelerated.conduct(machine, given, beats.last, *until, heart.fires, whole, field)


def _domains(
    heart: Substrate, parameters: Electrophysiology, values: Array, comm: MPI.Comm
) -> tuple[Discretisation, Extracellular | None]:
    """The tissue of the diffusion from conductivities (cell, axis), and what is outside of the cells in a bidomain."""
    if parameters.method != "bidomain":
        return substrate.discretise(heart.muscle, values), None
    if comm.size > 1:
        raise ValueError(f"method bidomain: expected one rank, got {comm.size}")
    inner, outer = (substrate.discretise(heart.muscle, one) for one in substrate.domains(values, parameters.bidomain))
    return inner, Extracellular(inner.stiffness, outer.stiffness)


def wanted(parameters: Electrophysiology, share: float = 1.0) -> Directions:
    """The velocities of healthy muscle in mm/ms, or a share of them."""
    across = parameters.velocity_transverse
    velocities = Directions(parameters.velocity_fiber, across, across, parameters.velocity_endocardium)
    return Directions(*(share * velocity for velocity in velocities))


def told(conductivities: Directions, velocities: Directions) -> dict[str, float]:
    """What is to be told about the conductivities for this mesh, and the velocities that they give."""
    figures = {f"conductivity_{name}": value for name, value in conductivities._asdict().items()}
    figures |= {f"velocity_{name}": value for name, value in velocities._asdict().items()}
    log.info("electrophysiology: tuned: %s", ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
    return figures


def require_complete(times: Array, done: str, duration: float) -> None:
    """Raise Quarantined where ``times`` (point,) say that a point was not ``done``."""
    missing = np.count_nonzero(np.isinf(times))
    if missing:
        message = f"{missing} of {len(times)} points were not {done} within {duration:g} ms; expected all of them"
        raise Quarantined(f"not-{done}", message)


def speed_ratio(
    muscle: xr.Dataset, activation: Array, where: NDArray[np.bool_], parameters: Electrophysiology
) -> float:
    """Median over some cells ``where`` (cell,) of the wave's speed over the wanted one.

    A wave of velocities v_f along and v_t across fibres satisfies v_f² (∇t·f)² + v_t² (|∇t|² - (∇t·f)²) = 1 (eikonal).
    """
    cells = muscle["cells"].values[where]
    gradients, _ = fibers.shape_gradients(muscle["points"].values, cells)
    slowness = np.einsum("ci,cia->ca", activation[cells], gradients)
    along = np.einsum("ca,ca->c", slowness, muscle["fiber"].values[where]) ** 2
    across = (slowness**2).sum(axis=1) - along
    eikonal = np.sqrt(parameters.velocity_fiber**2 * along + parameters.velocity_transverse**2 * across)
    return float(1 / np.median(eikonal))


def result(anatomy: xr.Dataset, heart: Substrate, wave: Wave, attributes: dict[str, float]) -> xr.Dataset:
    """The variables of ``activation``."""
    points, cells = heart.whole["points"].values, heart.whole["cells"].values
    onto = mesh.interpolation(points, cells[cell_tags(heart.whole) == LEFT_WALL], anatomy["points"].values)
    activation = heart.spread(wave.activation, heart.fires)
    voltage = heart.spread(wave.voltage, np.ones_like(heart.fires))
    fields = {
        "activation": (("point",), onto @ activation),
        "fine_points": (("fine_point", "component"), points),
        "fine_cells": (("fine_cell", "corner"), cells),
        "fine_activation": (("fine_point",), activation),
        "voltage": (("snapshot", "fine_point"), voltage.astype(np.float32)),
    }
    if (heart.tissue != HEALTHY).any():
        fields["fine_tissue"] = (("fine_cell",), heart.tissue)
    if biventricular(heart.whole):
        fields["fine_wall"] = (("fine_cell",), cell_tags(heart.whole))
    stored = xr.Dataset(fields, {"snapshot": wave.times}, {name: float(value) for name, value in attributes.items()})
    return stored.assign(_beat(onto, heart, wave)) if len(wave.seen) else stored


def _beat(onto: csr_array, heart: Substrate, wave: Wave) -> dict[str, object]:
    """What a wave to its end has beside its activation."""
    repolarisation, ecg = heart.spread(wave.repolarisation, heart.fires), twelve(wave.seen)
    found = intervals(ecg)
    log.info("electrophysiology: QRS %.0f ms, QT %.0f ms", found.qrs, found.qt)
    return {
        "repolarisation": (("point",), onto @ repolarisation),
        "fine_repolarisation": (("fine_point",), repolarisation),
        "ecg": (("lead", "time"), ecg),
        "qrs_onset": ((), found.onset),
        "qrs_duration": ((), found.qrs),
        "qt_interval": ((), found.qt),
        "lead": list(LEADS),
        "time": SAMPLING * np.arange(ecg.shape[1]),
    }
