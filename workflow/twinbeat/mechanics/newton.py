"""Newton's method with load steps that adapt, optionally with the cavity pressures, or another load in their place, as
further unknowns."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from dolfinx import fem
from mpi4py import MPI
from petsc4py import PETSc

from ..units import MM3_PER_ML
from ..verdicts import Quarantined
from .krylov import Unsolved
from .linear import Linear

if TYPE_CHECKING:
    from .ventricle import Snapshot, Ventricle

SMALLEST_STEP = 1 / 256
WILD = 6.0  # growth of Newton's steps after which the load step is given up
FAR = 3.0  # growth of the forces in a step after which the damped Jacobian serves better than the exact one
NEAR = 0.03  # share of the largest forces below which the exact one does again
CLOSE = 0.01  # length (mm, kPa) of an exact step after which its Jacobian serves for the next one as well,
FASTER = 0.1  # and of a step so taken, as a share of the one before, up to which it goes on serving
EXACT = 0.01  # share of the tolerance to which such a step has to come down: they converge linearly, others do not
INEXACT = 1e-4  # accuracy of a step where the linear solver is iterative: its last step leaves that share of itself
ROUGH = 0.01  # tolerance (mm, kPa) of equilibria on the way to the wanted load


class Diverged(Exception):
    """Newton's method found no equilibrium for this load step."""


class Gap(NamedTuple):
    """By how much cavities hold more than the law's volume (cavity,), mm^3, and the law's slope (cavity,), mm^3/kPa."""

    volume: np.ndarray
    slope: np.ndarray


class Unknown(Protocol):
    """Loads (cavity,) in kPa that are sought with the equilibrium, so that cavities hold the law's volumes."""

    def values(self) -> np.ndarray:
        """The loads as they are."""

    def set(self, values: np.ndarray) -> None:
        """Apply such loads."""

    def forces(self) -> list[PETSc.Vec]:
        """Forces on the wall per load (mN/kPa) in the present state; the caller destroys them."""


class Pressures:
    """The pressures of the cavities as the unknown."""

    def __init__(self, ventricle: "Ventricle") -> None:
        self.cavities = ventricle.cavities

    def values(self) -> np.ndarray:
        """Pressures (cavity,) in kPa."""
        return np.array([float(cavity.pressure.value) for cavity in self.cavities])

    def set(self, values: np.ndarray) -> None:
        """Apply pressures (cavity,) in kPa."""
        for cavity, value in zip(self.cavities, values, strict=True):
            cavity.pressure.value = value

    def forces(self) -> list[PETSc.Vec]:
        """Forces per pressure, mm^2."""
        return [cavity.slope() for cavity in self.cavities]


class Newton:
    """Converged when a full step moves no degree of freedom by more than ``tolerance`` (mm, kPa).

    The last steps are taken with the Jacobian of the step before them (chord method), the first one with that of the
    equilibrium where it starts: they cost a tenth of others. ``close`` and ``faster`` say when: CLOSE and FASTER,
    unless somebody chooses others.
    """

    def __init__(self, ventricle: "Ventricle", tolerance: float = 1e-6, iterations: int = 15) -> None:
        self.ventricle, self.tolerance, self.iterations = ventricle, tolerance, iterations
        self.close, self.faster = CLOSE, FASTER
        self._unknown: Unknown = Pressures(ventricle)
        self._factorised: Linear | None = None
        self._found: np.ndarray | None = None  # equilibrium by which an exact Jacobian was factorised

    def ramp(
        self, start: "Snapshot", end: "Snapshot", law: Callable | None = None, unknown: Unknown | None = None
    ) -> int:
        """From the loads of ``start`` to those of ``end``: the step halves when Newton fails, else it doubles.

        With a law pressures begin with those of ``start``, another ``unknown`` with the value that it has.
        """
        share, step, taken, good = 0.0, 1.0, 0, start
        values = start.pressure if unknown is None else unknown.values()
        self._unknown = unknown or Pressures(self.ventricle)
        volume = np.zeros(0) if law is None else self._volumes_of(start)
        while share < 1:
            step = min(step, 1 - share)
            self.ventricle.apply(start, end, share + step)
            if law is not None:
                self._unknown.set(values)
            try:
                between = None if law is None else towards(law, volume, share + step)
                taken += self.equilibrium(between, self.tolerance if share + step == 1 else ROUGH)
            except (Diverged, Unsolved) as failure:
                step /= 2
                self.ventricle.restore(good)
                if step < SMALLEST_STEP:
                    raise Quarantined(
                        "mechanics-diverged",
                        f"no equilibrium past {100 * share:.0f} % of the load (cavity pressure "
                        f"{' and '.join(f'{pressure:.2f}' for pressure in end.pressure)} kPa, "
                        f"largest tension {end.tension.max(initial=0.0):.1f} kPa): {failure}",
                    ) from failure
                continue
            share, step = share + step, 2 * step
            good, values = self.ventricle.snapshot(), self._unknown.values()
        return taken

    def _volumes_of(self, start: "Snapshot") -> np.ndarray:
        """Volumes (mL) from which the law's are approached, those of the start."""
        self.ventricle.state.x.array[:] = start.state
        return self.ventricle.volumes()

    def equilibrium(self, law: Callable | None, tolerance: float) -> int:
        """Newton steps at fixed loads until one is shorter than ``tolerance``; their number."""
        residual, gap = self._residual(law)
        size = peak = self._size(residual, gap)
        damped, held, first, length = False, self._stands(), 0.0, np.inf
        self._found = None
        for iteration in range(1, self.iterations + 1):
            if not held:
                self._factorised = self.ventricle.factorise(float(damped))
            step, rise = self._step(residual, gap, law)
            residual.destroy()
            residual, gap, share = self._advance(step, rise, law, peak)
            before, length = length, max(step.norm(PETSc.NormType.INFINITY), np.abs(rise).max(initial=0.0))
            step.destroy()
            if share == 1 and length < (EXACT if held else 1.0) * tolerance:
                self.ventricle.moved |= held
                self._found = None if damped else self.ventricle.state.x.array.copy()
                return iteration
            first = first or length
            if length > WILD * first:
                break
            held = share == 1 and not damped and length < self.close and (not held or length < self.faster * before)
            last, size = size, self._size(residual, gap)
            peak = max(peak, size)
            damped = NEAR * peak < size < last if damped else size > FAR * last
        raise Diverged(f"Newton step {iteration} moved by {length:.2g} mm")

    def _stands(self) -> bool:
        """Whether the state, on all ranks, is the equilibrium by which the Jacobian was factorised."""
        state = self.ventricle.state
        stands = self._found is not None and np.array_equal(self._found, state.x.array)
        return bool(state.function_space.mesh.comm.allreduce(stands, op=MPI.MIN))

    def _advance(
        self, step: PETSc.Vec, rise: np.ndarray, law: Callable | None, reference: float
    ) -> tuple[PETSc.Vec, Gap, float]:
        """Take the step, or the first of its halves that keeps the forces below a thousand times the reference."""
        ventricle, share = self.ventricle, 1.0
        state, values = ventricle.state.x.array.copy(), self._unknown.values()
        while share > 0.05:
            add(ventricle.state, state, step, share)
            self._unknown.set(values + share * rise)
            residual, gap = self._residual(law)
            if np.isfinite(size := self._size(residual, gap)) and size <= 1000 * reference:
                return residual, gap, share
            residual.destroy()
            share /= 2
        raise Diverged("no step length keeps the forces finite")

    def _residual(self, law: Callable | None) -> tuple[PETSc.Vec, Gap]:
        """Forces, and with a law the gaps of volume (mm^3) with the law's slopes (mm^3/kPa)."""
        residual = self.ventricle.residual()
        if law is None:
            return residual, Gap(np.zeros(0), np.zeros(0))
        volume, slope = law(self._unknown.values())
        gap = self.ventricle.volumes() - volume
        return residual, Gap(MM3_PER_ML * gap, MM3_PER_ML * np.broadcast_to(slope, gap.shape))

    @staticmethod
    def _size(residual: PETSc.Vec, gap: Gap) -> float:
        return float(np.hypot(residual.norm(), np.linalg.norm(gap.volume)))

    def _step(self, residual: PETSc.Vec, gap: Gap, law: Callable | None) -> tuple[PETSc.Vec, np.ndarray]:
        """Newton's step of the state and of the unknown (block elimination of the bordered system)."""
        factorised = self._factorised
        assert factorised is not None
        step = factorised.solve(residual, INEXACT)
        step.scale(-1.0)
        if law is None:
            return step, np.zeros(len(self.ventricle.cavities))
        slopes, forces = [cavity.slope() for cavity in self.ventricle.cavities], self._unknown.forces()
        moves = [factorised.solve(force, INEXACT) for force in forces]
        compliance = np.array([[slope.dot(moved) for moved in moves] for slope in slopes]) - np.diag(gap.slope)
        rise = -np.linalg.solve(compliance, gap.volume + [slope.dot(step) for slope in slopes])
        step.maxpy(rise.tolist(), moves)
        for vector in (*slopes, *forces, *moves):
            vector.destroy()
        return step, rise


def towards(law: Callable, start: np.ndarray, share: float) -> Callable:
    """A law this share of the way from the constant volumes ``start`` (mL) to ``law``."""

    def between(pressure: np.ndarray) -> tuple[Any, Any]:
        volume, slope = law(pressure)
        return (1 - share) * start + share * volume, share * slope

    return between


def add(function: fem.Function, start: np.ndarray, step: PETSc.Vec, share: float) -> None:
    """function = start + share * step, ghosts included; ``start`` has the ghosts, ``step`` only the owned dofs."""
    owned = step.getLocalSize()
    function.x.array[:owned] = start[:owned] + share * step.getArray(readonly=True)
    function.x.scatter_forward()
