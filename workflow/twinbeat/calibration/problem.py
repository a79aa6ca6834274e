"""The frames of a beat as equilibria: functions of ln C, the end-diastolic pressure, and their tension and pressure."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
from dolfinx import fem
from petsc4py import PETSc

from ..mechanics import Sensitivity, Snapshot, UnloadedSensitivity, Ventricle
from ..mechanics.sensitivity import spread
from .observations import Observations

log = logging.getLogger("twinbeat")


@dataclass(frozen=True)
class Frames:
    """The frames after end-diastole in the order of time.

    ``pressure`` and ``pressure_sigma`` (frame,) in kPa: what was measured and its standard deviation; ``observed`` and
    ``weight`` (frame, 17): volume (mL) and radii (mm), and the inverse of their standard deviations, 0 in frames left
    out; ``free`` (frame,): whether the muscle may be active.
    """

    pressure: np.ndarray
    pressure_sigma: np.ndarray
    observed: np.ndarray
    weight: np.ndarray
    free: np.ndarray

    def __len__(self) -> int:
        return len(self.pressure)


class Point(NamedTuple):
    """What is looked for, in kPa: C, the pressure at end-diastole, tension of healthy muscle and pressure (frame,)."""

    stiffness: float
    end_diastolic: float
    tension: np.ndarray
    pressure: np.ndarray

    def coordinates(self, frame: int) -> np.ndarray:
        """(4,): ln C, the pressure at end-diastole, the tension and the pressure of a frame."""
        return np.array([np.log(self.stiffness), self.end_diastolic, self.tension[frame], self.pressure[frame]])


@dataclass(frozen=True)
class Solution:
    """An equilibrium with the tangents of its state by the four ``coordinates`` of its frame (rows of (4, dof))."""

    snapshot: Snapshot
    tangents: np.ndarray


class Part(NamedTuple):
    """One frame of an evaluation; ``gradient`` by ln C (the unloaded shape held), the frame's tension and pressure."""

    values: np.ndarray
    by_stiffness: np.ndarray
    by_end_diastolic: np.ndarray
    by_tension: np.ndarray
    by_pressure: np.ndarray
    gradient: np.ndarray
    solution: Solution


@dataclass(frozen=True)
class Evaluation:
    """All frames at one point.

    ``values`` (frame, 17); ``by_stiffness``, ``by_tension``, ``by_pressure``, ``by_end_diastolic`` (frame, 17): their
    derivatives by ln C, by the frame's tension and pressure (kPa) and by the pressure at end-diastole. ``gradient``: of
    half the sum of squared weighted misfits by ln C, the pressure at end-diastole, the tensions and the pressures, by
    the discrete adjoint.
    """

    point: Point
    values: np.ndarray
    by_stiffness: np.ndarray
    by_end_diastolic: np.ndarray
    by_tension: np.ndarray
    by_pressure: np.ndarray
    gradient: np.ndarray
    solutions: list[Solution]

    @classmethod
    def of(cls, point: Point, parts: Sequence[Part], through_shape: np.ndarray) -> Self:
        """The frames together; ``through_shape`` (2,) is what the unloaded shape adds to the gradient."""
        gradients = np.array([part.gradient for part in parts])
        return cls(
            point=point,
            values=np.array([part.values for part in parts]),
            by_stiffness=np.array([part.by_stiffness for part in parts]),
            by_tension=np.array([part.by_tension for part in parts]),
            by_pressure=np.array([part.by_pressure for part in parts]),
            by_end_diastolic=np.array([part.by_end_diastolic for part in parts]),
            gradient=np.concatenate([through_shape + np.array([gradients[:, 0].sum(), 0.0]), *gradients.T[1:]]),
            solutions=[part.solution for part in parts],
        )

    def misfit(self, frames: Frames) -> np.ndarray:
        """Weighted residuals (frame, 17)."""
        return frames.weight * (self.values - frames.observed)


class Problem:
    """Evaluates points for one ventricle, whose mesh is at rest at the pressure of end-diastole.

    ``contractile`` is the share of the tension of each local cell.
    """

    def __init__(
        self, ventricle: Ventricle, contractile: np.ndarray, observations: Observations, frames: Frames
    ) -> None:
        self.ventricle, self.contractile, self.observations = ventricle, contractile, observations
        self.frames = frames
        self.sensitivity = Sensitivity(ventricle, contractile)
        self._scratch = fem.Function(ventricle.space)

    def unload(self, stiffness: float, end_diastolic: float) -> UnloadedSensitivity:
        """Unload the ventricle, with C = ``stiffness`` kPa, from ``end_diastolic`` kPa."""
        self.ventricle.stiffness.value = stiffness
        self.ventricle.unload(end_diastolic)
        assert self.ventricle.inverse is not None
        return UnloadedSensitivity(self.ventricle.inverse)

    def at_rest(self, point: Point) -> tuple[np.ndarray, np.ndarray]:
        """The unloaded reference (U, multiplier), and the observations of the mesh itself."""
        self.unload(point.stiffness, point.end_diastolic)
        return self.ventricle.reference.x.array.copy(), self.observations.values()

    def load(self, tension: float, pressure: float) -> None:
        """Set the tension of healthy muscle and the pressure of the cavity, kPa."""
        self.ventricle.tension.x.array[:] = tension * self.contractile
        self.ventricle.pressure.value = pressure

    def evaluate(self, point: Point, near: "Evaluation | list[Snapshot]") -> Evaluation:
        """All frames at a point, starting from a nearby evaluation or from states.

        Raises Quarantined("mechanics-diverged") where a frame has no equilibrium.
        """
        unloaded = self.unload(point.stiffness, point.end_diastolic)
        parts, start = [], time.perf_counter()
        adjoint = self.ventricle.jacobian.matrix.createVecRight()
        adjoint.zeroEntries()
        for k in range(len(self.frames)):
            self.ventricle.restore(self._guess(k, point, near))
            self.ventricle.stiffness.value = point.stiffness
            self.load(point.tension[k], point.pressure[k])
            self.ventricle.solve()
            parts.append(self._differentiate(k, unloaded, adjoint))
            left = (time.perf_counter() - start) / (k + 1) * (len(self.frames) - k - 1)
            log.info("calibrate: frame %d of %d, %.0f s left of this iteration", k + 1, len(self.frames), left)
        return Evaluation.of(point, parts, unloaded.through(adjoint))

    def _guess(self, k: int, point: Point, near: "Evaluation | list[Snapshot]") -> Snapshot:
        """The nearby state of the frame, moved along its tangents."""
        if isinstance(near, list):
            return near[k]
        change = point.coordinates(k) - near.point.coordinates(k)
        solution = near.solutions[k]
        return replace(solution.snapshot, state=solution.snapshot.state + change @ solution.tangents)

    def _differentiate(self, k: int, unloaded: UnloadedSensitivity, adjoint_unloaded: PETSc.Vec) -> Part:
        """Values, tangents and adjoint of the frame at which the ventricle is; adds to the adjoint of the unloading.

        The Jacobian is the one of the last Newton step, which moved nothing by more than the tolerance.
        """
        S, K = self.sensitivity, self.ventricle.jacobian
        values, slopes = self.observations.values(), self.observations.slopes()
        by_C, by_T, by_p = S.to_stiffness(), S.to_tension(), S.to_pressure()
        total_C = by_C.copy()
        total_C.axpy(1.0, S.to_reference(unloaded.stiffness))
        changes = (total_C, S.to_reference(unloaded.pressure), by_T, by_p)
        tangents = [K.solve(change) for change in changes]
        derivatives = [-np.array([slope.dot(tangent) for slope in slopes]) for tangent in tangents]

        right = adjoint_unloaded.duplicate()
        right.zeroEntries()
        right.maxpy(self.frames.weight[k] ** 2 * (values - self.frames.observed[k]), slopes)
        adjoint = K.solve_transposed(right)
        adjoint_unloaded.axpy(-1.0, S.to_reference_transposed(adjoint))
        gradient = -np.array([adjoint.dot(by) for by in (by_C, by_T, by_p)])
        states = -np.array([self._local(tangent) for tangent in tangents])
        return Part(values, *derivatives, gradient, Solution(self.ventricle.snapshot(), states))

    def _local(self, vector: PETSc.Vec) -> np.ndarray:
        """The values of a vector on this rank, ghosts included."""
        spread(self._scratch, vector)
        return self._scratch.x.array.copy()
