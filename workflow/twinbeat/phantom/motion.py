"""The motion of a virtual patient: its heart on hexahedra, unloaded at first, beating in the closed loop."""

import dolfinx
import numpy as np
import ufl
import xarray as xr
from dolfinx import fem
from mpi4py import MPI

from .. import circulation
from ..activation import Curve, delays, local_curve, twitch
from ..circulation import Coupled, Goals, Loop, Pump, Reading
from ..mechanics import Snapshot, Ventricle
from ..parameters import Fibers, Mechanics, Phantom
from ..units import KPA_PER_MMHG
from . import hexmesh
from .hexmesh import HexMesh
from .patient import Patient

LOOSE = 100 * KPA_PER_MMHG
"""Standard deviation of a goal that is left free."""
TOLERANCE = 1e-4
"""Of Newton's last step in mm and kPa; the error is about its square."""
STEADY = 0.01
"""Change of the circulation's state from beat to beat at which the last one is imaged."""
SAMPLES = 200
"""Samples of the planted tension curve per beat."""


class Heart:
    """The ventricle of a patient; ``hold`` makes it a heart for ``circulation.couple``.

    Fields per cell are in the order of ``mesh.cells``. ``shapes`` keeps the nodal displacement of each time held.
    """

    def __init__(self, patient: Patient, phantom: Phantom, mechanics: Mechanics, angles: Fibers) -> None:
        self.patient, self.layers = patient, phantom.layers
        self._held: dict[float, Snapshot] = {}
        self.shapes: dict[float, np.ndarray] = {}
        self.mesh = hexmesh.build(patient.shape, phantom.around, phantom.along, phantom.layers)
        domain, tags = self.mesh.to_dolfinx(MPI.COMM_SELF)
        fiber, sheet = _directions(domain, self.mesh, angles)
        self.ventricle = Ventricle(domain, tags, fiber, mechanics, sheet=sheet)
        self.ventricle.newton.tolerance = TOLERANCE
        self.ventricle.stiffness.value = patient.stiffness
        self.unloaded = self.ventricle.cavity_volume()
        self._original = domain.topology.original_cell_index
        self._contraction()

    def _contraction(self) -> None:
        patient, (along, around, depth) = self.patient, self.mesh.at(np.full((1, 3), 0.5))
        self.contractile = np.ones_like(along) if patient.scar is None else patient.scar.contractile(along, around)
        healthy = self.volumes() * self.contractile
        activation = patient.activation(along, around, depth)
        time = np.arange(SAMPLES) * patient.cycle / SAMPLES
        since = time - np.average(activation, weights=healthy)
        self.curve = Curve(time, patient.peak_tension * twitch(since, patient.rise, patient.fall), patient.cycle)
        self._local, self._delays = local_curve(self.curve, activation, healthy), delays(activation, healthy)

    def volumes(self) -> np.ndarray:
        """Unloaded volume (cell,) in mm³."""
        space = fem.functionspace(self.ventricle.domain, ("DG", 0))
        local = fem.assemble_vector(fem.form(ufl.TestFunction(space) * self.ventricle.dx)).array
        volumes = np.empty_like(local)
        volumes[self._original] = local
        return volumes

    def hold(self, volume: float, time: float) -> float:
        """Cavity pressure in kPa at a volume in mL and a time in ms, sought from the state of the last beat."""
        if time in self._held:
            self.ventricle.restore(self._held[time])
        pressure = self.press(volume, self.tension(time))
        self._held[time], self.shapes[time] = self.ventricle.snapshot(), self.displacement()
        return pressure

    def tension(self, time: float) -> np.ndarray:
        """Active tension (cell,) in kPa at a time in ms, where the muscle is healthy."""
        return self._local(time - self._delays)

    def press(self, volume: float, tension: np.ndarray | float) -> float:
        """Cavity pressure in kPa at a volume in mL, with a tension (cell,) in kPa where the muscle is healthy."""
        self.ventricle.tension.x.array[:] = (self.contractile * tension)[self._original]
        return self.ventricle.solve_volume(lambda _: (volume, 0.0))

    def fill(self, pressure: float) -> float:
        """Volume in mL of the relaxed cavity at a pressure in kPa."""
        self.ventricle.tension.x.array[:] = 0
        self.ventricle.pressure.value = pressure
        self.ventricle.solve()
        return self.ventricle.cavity_volume()

    def displacement(self) -> np.ndarray:
        """Displacement (node, 3) in mm from the unloaded shape, at ``mesh.points``."""
        domain, w = self.ventricle.domain, self.ventricle.displacement()
        values = np.empty((len(self.mesh.parameters), 3))
        values[domain.geometry.input_global_indices[domain.geometry.dofmap]] = w.x.array.reshape(-1, 3)[
            w.function_space.dofmap.list
        ]
        return values


def _directions(domain: dolfinx.mesh.Mesh, mesh: HexMesh, angles: Fibers) -> tuple[fem.Function, fem.Function]:
    """Fibres, and sheets across the wall, at the corners of every hexahedron, discontinuous between them: the apex is a
    point of no direction."""
    space = fem.functionspace(domain, ("DG", 1, (3,)))
    corners = space.element.interpolation_points()
    places = mesh.at(0.5 + 0.9999 * (corners - 0.5))
    vectors = hexmesh.fibres(mesh.shape, *places, angles), mesh.shape.directions(*places)[1]
    functions = fem.Function(space), fem.Function(space)
    for function, values in zip(functions, vectors, strict=True):
        cells = values.reshape(-1, len(corners), 3)[domain.topology.original_cell_index]
        function.x.array.reshape(-1, 3)[space.dofmap.list] = cells
    return functions


def simulate(patient: Patient, phantom: Phantom, mechanics: Mechanics, angles: Fibers) -> tuple[Heart, Coupled]:
    """The patient's heart after its periodic beat at the imaging frames' times, and that beat."""
    heart = Heart(patient, phantom, mechanics, angles)
    readings = teach(heart)
    end_diastolic = readings[-1].volume
    period = patient.cycle / 1000
    goals = Goals(
        end_diastolic=(patient.end_diastolic_pressure, 0.02),
        systolic=(120 * KPA_PER_MMHG, LOOSE),
        diastolic=(patient.diastolic_pressure, 0.1),
        stroke_volume=(patient.ejection_fraction * end_diastolic, 0.5),
    )
    pump = circulation.learn(readings, heart.unloaded, heart.curve, period)
    times = np.arange(phantom.frames) * patient.cycle / phantom.frames

    def circulate(pump: Pump, last: Loop | None) -> Loop:
        return circulation.fit(pump, period, goals, last)

    return heart, circulation.couple(heart, pump, circulate, times, phantom.beats, STEADY)


def teach(heart: Heart) -> list[Reading]:
    """States of the heart that show how its pressure depends on volume and tension; the last one is end-diastole."""
    patient, readings = heart.patient, []
    for share in (0.4, 0.8, 1.3, 1.0):
        pressure = share * patient.end_diastolic_pressure
        readings.append(Reading(heart.fill(pressure), 0.0, pressure / KPA_PER_MMHG))
    diastole, last = heart.ventricle.snapshot(), readings[-1]
    stroke = patient.ejection_fraction * last.volume
    for strength, ejected in ((0.1, 0), (0.3, 0), (0.5, 0), (0.7, 0.2), (0.9, 0.5), (1, 0.9), (0.5, 1), (0.1, 1)):
        volume, tension = last.volume - ejected * stroke, strength * patient.peak_tension
        readings.append(Reading(volume, tension, heart.press(volume, tension) / KPA_PER_MMHG))
    heart.ventricle.restore(diastole)
    return [*readings, last]


def dataset(heart: Heart, beat: Coupled) -> xr.Dataset:
    """What the scanner sees: the moving endocardium and epicardium (heart frame, mm); and the loads."""
    inner, outer = heart.mesh.surface(0.0), heart.mesh.surface(1.0)
    points = [heart.mesh.points + heart.shapes[float(t)] for t in beat.time]
    moving = np.stack([np.concatenate([inner.interpolate(p), outer.interpolate(p)]) for p in points])
    disk = np.concatenate([inner.disk, outer.disk])
    return xr.Dataset(
        {
            "points": (("time", "vertex", "component"), moving),
            "endo_triangles": (("endo", "corner"), inner.triangles),
            "epi_triangles": (("epi", "corner"), outer.triangles + len(inner.disk)),
            "along": (("vertex",), np.hypot(*disk.T)),
            "around": (("vertex",), np.arctan2(disk[:, 1], disk[:, 0])),
            "cycle": heart.patient.cycle,
            "volume": (("time",), beat.volume),
            "pressure": (("time",), beat.pressure),
            "tension": (("time",), heart.curve(beat.time)),
            "rv_angle": heart.patient.shape.rv_angle,
            "rv_width": heart.patient.shape.rv_width,
        },
        coords={"time": beat.time},
    )
