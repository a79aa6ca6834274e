"""The frames of a beat as equilibria: functions of what they share (ln C, the end-diastolic pressure, the share of the
tension that each region develops), and of their own tension and pressure."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
import ufl
from dolfinx import fem
from petsc4py import PETSc

from ..mechanics import Sensitivity, Snapshot, Tension, UnloadedSensitivity, Ventricle
from ..mechanics.cavity import assemble
from ..mechanics.sensitivity import combined, spread
from .observations import Observations
from .scales import Scaled
from .windows import SECTORS

log = logging.getLogger("twinbeat")

EXACT = 1e-6  # accuracy of tangents and adjoints: with an iterative solver slopes and gradient are then exact to 1e-7


@dataclass(frozen=True)
class Frames:
    """The frames after end-diastole in the order of time.

    ``pressure`` and ``pressure_sigma`` (frame,) in kPa: what was measured and its standard deviation; ``observed`` and
    ``weight`` (frame, value): volume (mL) and radii (mm), and the inverse of their standard deviations, 0 in frames
    left out; ``free`` (frame,): whether the muscle may be active.
    """

    pressure: np.ndarray
    pressure_sigma: np.ndarray
    observed: np.ndarray
    weight: np.ndarray
    free: np.ndarray

    def __len__(self) -> int:
        return len(self.pressure)


class Point(NamedTuple):
    """What is looked for: C, the pressure at end-diastole, tension of healthy muscle and pressure (frame,), all in kPa;
    ``shares``, of that tension, that each region develops (one for all where none are looked for); and ``logs``, those
    of the scaled properties of the mechanics."""

    stiffness: float
    end_diastolic: float
    tension: np.ndarray
    pressure: np.ndarray
    shares: np.ndarray = np.zeros(0)
    logs: np.ndarray = np.zeros(0)

    def shared(self) -> np.ndarray:
        """What all frames share: ln C, the pressure at end-diastole, the logs, the shares."""
        return np.array([np.log(self.stiffness), self.end_diastolic, *self.logs, *self.shares])

    def coordinates(self, frame: int) -> np.ndarray:
        """(shared + 2,): what is shared, the tension and the pressure of a frame."""
        return np.array([*self.shared(), self.tension[frame], self.pressure[frame]])


@dataclass(frozen=True)
class Solution:
    """An equilibrium with the tangents of its state by the ``coordinates`` of its frame (rows of (shared + 2, dof))."""

    snapshot: Snapshot
    tangents: np.ndarray


class Part(NamedTuple):
    """One frame of an evaluation; ``gradient`` is that with the unloaded shape held."""

    values: np.ndarray
    slopes: np.ndarray
    gradient: np.ndarray
    solution: Solution


@dataclass(frozen=True)
class Evaluation:
    """All frames at one point.

    ``values`` (frame, value); ``slopes`` (frame, value, shared + 2): their derivatives by the ``coordinates`` of the
    frame. ``gradient``: of half the sum of squared weighted misfits by what is shared, the tensions and the pressures,
    by the discrete adjoint. ``solves``: how often all frames were brought to equilibrium for it.
    """

    point: Point
    values: np.ndarray
    slopes: np.ndarray
    gradient: np.ndarray
    solutions: list[Solution]
    solves: float

    @classmethod
    def of(cls, point: Point, parts: Sequence[Part], through_shape: np.ndarray, solves: float) -> Self:
        """The frames together; ``through_shape`` is what the unloaded shape adds to the gradient, by ln C, the
        pressure at end-diastole and the logs."""
        gradients = np.array([part.gradient for part in parts])
        shared = gradients[:, :-2].sum(axis=0)
        shared[: len(through_shape)] += through_shape
        return cls(
            point=point,
            values=np.array([part.values for part in parts]),
            slopes=np.array([part.slopes for part in parts]),
            gradient=np.concatenate([shared, *gradients.T[-2:]]),
            solutions=[part.solution for part in parts],
            solves=solves,
        )

    def misfit(self, frames: Frames) -> np.ndarray:
        """Weighted residuals (frame, value)."""
        return frames.weight * (self.values - frames.observed)

    def tangent_gradient(self, frames: Frames) -> np.ndarray:
        """What ``gradient`` is by the adjoint, by the tangents."""
        by = np.einsum("kv,kvj->kj", frames.weight * self.misfit(frames), self.slopes)
        return np.concatenate([by[:, :-2].sum(axis=0), *by.T[-2:]])


class Problem:
    """Evaluates points for one ventricle, whose mesh is at rest at the pressure of end-diastole.

    ``contractile`` is the share of the tension of each local cell, ``regions`` the one, from 0, whose own share comes
    on top; none: there are no such shares. ``scaled`` are the properties of the mechanics whose logs are looked for.
    """

    def __init__(
        self,
        ventricle: Ventricle,
        contractile: np.ndarray,
        observations: Observations,
        frames: Frames,
        regions: np.ndarray | None = None,
        scaled: Sequence[Scaled] = (),
    ) -> None:
        self.ventricle, self.contractile, self.observations = ventricle, contractile, observations
        self.frames, self.regions = frames, regions
        self.shares = 0 if regions is None else SECTORS
        self.sensitivity = Sensitivity(ventricle, contractile, regions, max(1, self.shares))
        self.scaled, (w, U) = scaled, (ufl.split(state)[0] for state in (ventricle.state, ventricle.reference))
        rest = fem.Constant(ventricle.domain, np.zeros(3))
        self._by_logs = [fem.form(each.partial(w, U)) for each in scaled]
        self._by_logs_at_rest = [fem.form(each.partial(rest, U)) for each in scaled]
        self._scratch = fem.Function(ventricle.space)

    def unload(self, stiffness: float, end_diastolic: float, logs: np.ndarray | None = None) -> UnloadedSensitivity:
        """Unload the ventricle, with C = ``stiffness`` kPa, from ``end_diastolic`` kPa; without ``logs`` (scaled,) what
        is scaled stays as it is."""
        for each, log in zip(self.scaled, () if logs is None else logs, strict=logs is not None):
            each.apply(float(np.exp(log)))
        self.ventricle.stiffness.value = stiffness
        self.ventricle.unload(end_diastolic)
        assert self.ventricle.inverse is not None
        return UnloadedSensitivity(self.ventricle.inverse, self._by_logs_at_rest)

    def at_rest(self, point: Point) -> tuple[np.ndarray, np.ndarray]:
        """The unloaded reference (U, multiplier), and the observations of the mesh itself."""
        self.unload(point.stiffness, point.end_diastolic, point.logs)
        return self.ventricle.reference.x.array.copy(), self.observations.values()

    def load(self, tension: float, pressure: float, shares: np.ndarray | None = None) -> None:
        """Set the tension of healthy muscle and the pressure of the cavity, kPa; without ``shares`` (region,) all
        regions develop it."""
        self.ventricle.tension.x.array[:] = tension * self._share(shares)
        self.ventricle.pressure.value = pressure

    def _share(self, shares: np.ndarray | None) -> np.ndarray:
        """What each cell develops of the tension of healthy muscle (cell,), ghosts included."""
        return self.contractile if self.regions is None or shares is None else shares[self.regions] * self.contractile

    def evaluate(self, point: Point, near: "Evaluation | list[Snapshot]") -> Evaluation:
        """All frames at a point, starting from a nearby evaluation or from states.

        Raises Quarantined("mechanics-diverged") where a frame has no equilibrium.
        """
        unloaded = self.unload(point.stiffness, point.end_diastolic, point.logs)
        point, solves = point._replace(tension=point.tension.copy()), 0
        parts, start = [], time.perf_counter()
        adjoint = self.ventricle.jacobian.matrix.createVecRight()
        adjoint.zeroEntries()
        for k in range(len(self.frames)):
            solves += self._reach(k, point, near)
            parts.append(self._differentiate(k, point, unloaded, adjoint))
            left = (time.perf_counter() - start) / (k + 1) * (len(self.frames) - k - 1)
            log.info("calibrate: frame %d of %d, %.0f s left of this iteration", k + 1, len(self.frames), left)
        return Evaluation.of(point, parts, unloaded.through(adjoint), solves / len(self.frames))

    def _reach(self, k: int, point: Point, near: "Evaluation | list[Snapshot]") -> int:
        """Bring a frame to equilibrium from a nearby one; the solves that took."""
        self._begin(k, point, near)
        if self.shares and self.frames.free[k] and not isinstance(near, list):
            return self._hold(k, point, near)
        self.ventricle.solve()
        return 1

    def _hold(self, k: int, point: Point, near: "Evaluation") -> int:
        """Equilibrium of an active frame at the volume that the tangents promised, by its tension (set in ``point``);
        where that would be below nought, at none. The solves that took.

        Regions that weaken bulge: the volume, known far better than radii, bends with the shares, and at a given
        tension there may be no equilibrium. Without this the trust region would have to be small.
        """
        promised = near.values[k, 0] + near.slopes[k, 0] @ (point.coordinates(k) - near.point.coordinates(k))
        tension = Tension(self.sensitivity, point.shares, self._share(point.shares), point.tension[k])
        self.ventricle.solve_volume(lambda _: (promised, 0.0), tension)
        point.tension[k] = max(tension.value, 0.0)
        if tension.value >= 0:
            return 1
        self._set(self.ventricle.snapshot(), k, point)
        self.ventricle.solve()
        return 2

    def _set(self, start: Snapshot, k: int, point: Point) -> None:
        """A start, and the loads of a frame to be reached from it."""
        self.ventricle.restore(start)
        self.ventricle.stiffness.value = point.stiffness
        self.load(point.tension[k], point.pressure[k], point.shares)

    def _begin(self, k: int, point: Point, near: "Evaluation | list[Snapshot]") -> None:
        """Begin with the nearby state of the frame, or with that moved along its tangents: with the one whose forces
        are nearer to balance. Far along tangents of a stiffening law they may not even be finite."""
        if isinstance(near, list):
            self._set(near[k], k, point)
            return
        here, tangents = near.solutions[k].snapshot, near.solutions[k].tangents
        moved = (point.coordinates(k) - near.point.coordinates(k)) @ tangents
        starts = [here, replace(here, state=here.state + moved)]
        self._set(starts[int(np.argmin([self._imbalance(start, k, point) for start in starts]))], k, point)

    def _imbalance(self, start: Snapshot, k: int, point: Point) -> float:
        """Out-of-balance forces (mN) of a start under the loads of a frame."""
        self._set(start, k, point)
        residual = self.ventricle.residual()
        size = residual.norm()
        residual.destroy()
        return size if np.isfinite(size) else np.inf

    def _differentiate(self, k: int, point: Point, unloaded: UnloadedSensitivity, adjoint_unloaded: PETSc.Vec) -> Part:
        """Values, tangents and adjoint of the frame at which the ventricle is; adds to the adjoint of the unloading.

        The Jacobian is the one of the last Newton step, which moved nothing by more than the tolerance.
        """
        K, partials = self.ventricle.jacobian, self._partials(point, k)
        values, slopes = self.observations.values(), self.observations.slopes()
        changes = list(partials)
        for i, change in enumerate(unloaded.changes):
            changes[i] = moved = self.sensitivity.to_reference(change)
            if partials[i] is not None:
                moved.axpy(1.0, partials[i])
        tangents = [None if change is None else K.solve(change, EXACT) for change in changes]

        right = adjoint_unloaded.duplicate()
        right.zeroEntries()
        right.maxpy(self.frames.weight[k] ** 2 * (values - self.frames.observed[k]), slopes)
        adjoint = K.solve_transposed(right, EXACT)
        adjoint_unloaded.axpy(-1.0, self.sensitivity.to_reference_transposed(adjoint))
        return Part(
            values=values,
            slopes=-np.array([[0.0 if t is None else slope.dot(t) for t in tangents] for slope in slopes]),
            gradient=-np.array([0.0 if partial is None else adjoint.dot(partial) for partial in partials]),
            solution=Solution(self.ventricle.snapshot(), -np.array([self._local(tangent) for tangent in tangents])),
        )

    def _partials(self, point: Point, k: int) -> list[PETSc.Vec | None]:
        """Derivatives of the residual by the ``coordinates`` of the frame, the unloaded shape held; None for nought."""
        S, tension = self.sensitivity, point.tension[k]
        regions, shares = S.to_tension(), point.shares if len(point.shares) else np.ones(1)
        by_tension = combined(regions, shares)
        for region in regions:
            region.scale(tension)
        by_shares = [region if tension > 0 else None for region in regions[: len(point.shares)]]
        by_logs = [assemble(form) for form in self._by_logs]
        return [S.to_stiffness(), None, *by_logs, *by_shares, by_tension, S.to_pressure()]

    def _local(self, vector: PETSc.Vec | None) -> np.ndarray:
        """The values of a vector on this rank, ghosts included; noughts for None."""
        if vector is None:
            return np.zeros_like(self._scratch.x.array)
        spread(self._scratch, vector)
        return self._scratch.x.array.copy()
