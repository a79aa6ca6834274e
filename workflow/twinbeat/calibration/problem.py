"""The frames of a beat as equilibria that depend on ln C and one active tension each, with their derivatives."""

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

    ``pressure`` (frame,) in kPa; ``observed`` and ``weight`` (frame, 17): volume (mL) and radii (mm), and the inverse
    of their standard deviations; ``free`` (frame,): whether the muscle may be active.
    """

    pressure: np.ndarray
    observed: np.ndarray
    weight: np.ndarray
    free: np.ndarray

    def __len__(self) -> int:
        return len(self.pressure)


@dataclass(frozen=True)
class Solution:
    """An equilibrium with the tangents of its state by ln C and by its tension (rows of a (2, dof) array)."""

    snapshot: Snapshot
    tangents: np.ndarray


class Part(NamedTuple):
    """One frame of an evaluation; ``gradient`` by ln C (the unloaded shape held) and by the frame's tension."""

    values: np.ndarray
    by_stiffness: np.ndarray
    by_tension: np.ndarray
    by_pressure: np.ndarray
    by_end_diastolic: np.ndarray
    gradient: np.ndarray
    solution: Solution


@dataclass(frozen=True)
class Evaluation:
    """All frames at one estimate.

    ``values`` (frame, 17); ``by_stiffness``, ``by_tension``, ``by_pressure``, ``by_end_diastolic`` (frame, 17): their
    derivatives by ln C, by the frame's tension and pressure (kPa) and by the pressure at end-diastole. ``gradient``: of
    half the sum of squared weighted misfits by ln C (first) and the tensions, by the discrete adjoint.
    """

    stiffness: float
    tension: np.ndarray
    values: np.ndarray
    by_stiffness: np.ndarray
    by_tension: np.ndarray
    by_pressure: np.ndarray
    by_end_diastolic: np.ndarray
    gradient: np.ndarray
    solutions: list[Solution]

    @classmethod
    def of(cls, stiffness: float, tension: np.ndarray, parts: Sequence[Part], through_shape: float) -> Self:
        """The frames together; ``through_shape`` is the part of the gradient by ln C that the unloaded shape brings."""
        gradients = np.array([part.gradient for part in parts])
        return cls(
            stiffness=stiffness,
            tension=np.array(tension),
            values=np.array([part.values for part in parts]),
            by_stiffness=np.array([part.by_stiffness for part in parts]),
            by_tension=np.array([part.by_tension for part in parts]),
            by_pressure=np.array([part.by_pressure for part in parts]),
            by_end_diastolic=np.array([part.by_end_diastolic for part in parts]),
            gradient=np.concatenate([[gradients[:, 0].sum() + through_shape], gradients[:, 1]]),
            solutions=[part.solution for part in parts],
        )

    def misfit(self, frames: Frames) -> np.ndarray:
        """Weighted residuals (frame, 17)."""
        return frames.weight * (self.values - frames.observed)


class Problem:
    """Evaluates estimates of (ln C, tensions) for one ventricle, whose mesh is at rest at ``end_diastolic`` kPa."""

    def __init__(
        self,
        ventricle: Ventricle,
        contractile: np.ndarray,
        observations: Observations,
        frames: Frames,
        end_diastolic: float,
    ) -> None:
        self.ventricle, self.contractile, self.observations = ventricle, contractile, observations
        self.frames, self.end_diastolic = frames, end_diastolic
        self.sensitivity = Sensitivity(ventricle, contractile)
        self._scratch = fem.Function(ventricle.space)

    def unload(self, stiffness: float) -> UnloadedSensitivity:
        """Unload the ventricle with C = ``stiffness`` kPa."""
        self.ventricle.stiffness.value = stiffness
        self.ventricle.unload(self.end_diastolic)
        assert self.ventricle.inverse is not None
        return UnloadedSensitivity(self.ventricle.inverse)

    def at_rest(self, stiffness: float) -> tuple[np.ndarray, np.ndarray]:
        """The unloaded reference (U, multiplier) at C = ``stiffness`` kPa, and the observations of the mesh itself."""
        self.unload(stiffness)
        return self.ventricle.reference.x.array.copy(), self.observations.values()

    def load(self, frame: int, tension: float) -> None:
        """Set the loads of a frame with this tension (kPa) in healthy muscle."""
        self.ventricle.tension.x.array[:] = tension * self.contractile
        self.ventricle.pressure.value = self.frames.pressure[frame]

    def evaluate(self, stiffness: float, tension: np.ndarray, near: "Evaluation | list[Snapshot]") -> Evaluation:
        """All frames at C (kPa) and tensions (frame,) in kPa, starting from a nearby evaluation or from states.

        Raises Quarantined("mechanics-diverged") where a frame has no equilibrium.
        """
        unloaded = self.unload(stiffness)
        parts, start = [], time.perf_counter()
        adjoint = self.ventricle.jacobian.matrix.createVecRight()
        adjoint.zeroEntries()
        for k in range(len(self.frames)):
            self.ventricle.restore(self._guess(k, stiffness, tension, near))
            self.ventricle.stiffness.value = stiffness
            self.load(k, tension[k])
            self.ventricle.solve()
            parts.append(self._differentiate(k, unloaded, adjoint))
            left = (time.perf_counter() - start) / (k + 1) * (len(self.frames) - k - 1)
            log.info("calibrate: frame %d of %d, %.0f s left of this iteration", k + 1, len(self.frames), left)
        through_shape = unloaded.stiffness_through(adjoint)
        return Evaluation.of(stiffness, tension, parts, through_shape)

    def _guess(self, k: int, stiffness: float, tension: np.ndarray, near: "Evaluation | list[Snapshot]") -> Snapshot:
        """The nearby state of the frame, moved along its tangents."""
        if isinstance(near, list):
            return near[k]
        change = np.array([np.log(stiffness / near.stiffness), tension[k] - near.tension[k]])
        solution = near.solutions[k]
        return replace(solution.snapshot, state=solution.snapshot.state + change @ solution.tangents)

    def _differentiate(self, k: int, unloaded: UnloadedSensitivity, adjoint_unloaded: PETSc.Vec) -> Part:
        """Values, tangents and adjoint of the frame at which the ventricle is; adds to the adjoint of the unloading.

        The Jacobian is the one of the last Newton step, which moved nothing by more than the tolerance.
        """
        S, K = self.sensitivity, self.ventricle.jacobian
        values, slopes = self.observations.values(), self.observations.slopes()
        by_C, by_T = S.to_stiffness(), S.to_tension()
        total_C = by_C.copy()
        total_C.axpy(1.0, S.to_reference(unloaded.stiffness))
        changes = (total_C, by_T, S.to_pressure(), S.to_reference(unloaded.pressure))
        tangents = [K.solve(change) for change in changes]
        derivatives = [-np.array([slope.dot(tangent) for slope in slopes]) for tangent in tangents]

        right = adjoint_unloaded.duplicate()
        right.zeroEntries()
        right.maxpy(self.frames.weight[k] ** 2 * (values - self.frames.observed[k]), slopes)
        adjoint = K.solve_transposed(right)
        adjoint_unloaded.axpy(-1.0, S.to_reference_transposed(adjoint))
        gradient = -np.array([adjoint.dot(by_C), adjoint.dot(by_T)])
        states = -np.array([self._local(tangent) for tangent in tangents[:2]])
        return Part(values, *derivatives, gradient, Solution(self.ventricle.snapshot(), states))

    def _local(self, vector: PETSc.Vec) -> np.ndarray:
        """The values of a vector on this rank, ghosts included."""
        spread(self._scratch, vector)
        return self._scratch.x.array.copy()
