"""The chord method over many small steps: one factorisation serves until it is out of date, and secants mend it.

Fixed-point steps f(u) = -K^-1 R(u) with an old Jacobian K are mixed by Anderson's method (Walker and Ni 2011,
doi 10.1137/10078356X, eq. 2.1): the multisecant update of K that the last differences of u and f define. The secants
outlive a time step, as the next one is much like it.
"""

from collections.abc import Callable

import numpy as np
from dolfinx import fem
from mpi4py import MPI
from petsc4py import PETSc

from ..verdicts import Quarantined
from .linear import Factorised

DEPTH = 10  # secants that are kept
SLOW = 0.7  # contraction per iteration from which on the Jacobian is out of date,
PATIENCE = 4  # after so many iterations
WILD = 100.0  # growth of the first step after which there is no hope
ITERATIONS = 30
EXCESS = 25  # iterations more than just after the last factorisation, summed over steps, that pay for the next one


class Chord:
    """Solves R(u) = 0 time and again. ``residual`` returns R at the present state (a new vector)."""

    def __init__(
        self, state: fem.Function, residual: Callable[[], PETSc.Vec], jacobian: Factorised, tolerance: float
    ) -> None:
        self.state, self.residual, self.jacobian, self.tolerance = state, residual, jacobian, tolerance
        self.comm: MPI.Comm = state.function_space.mesh.comm
        self.owned = state.function_space.dofmap.index_map.size_local * state.function_space.dofmap.index_map_bs
        self.factorisations = 0
        self.forget()

    def forget(self) -> None:
        """Factorise anew at the next solve."""
        self._fresh, self._best, self._excess = False, np.inf, 0.0
        self._secants: list[tuple[np.ndarray, np.ndarray]] = []

    def solve(self, start: np.ndarray, known: np.ndarray) -> int:
        """Iterate from ``start`` until the largest step is below the tolerance; the number of steps.

        Where that fails, from a ``known`` state near by with its Jacobian. Jacobians are only factorised there: a
        ``start`` may be no possible state. Raises Quarantined("mechanics-diverged").
        """
        if self._excess > EXCESS:
            self.forget()
        for first in (start, known):
            if first is known:
                self.forget()
            if not self._fresh:
                self._factorise(known)
            self.state.x.array[:] = first
            taken = self._iterate()
            if taken is not None:
                break
        if taken is None:
            raise Quarantined("mechanics-diverged", f"no {ITERATIONS} steps of the chord method solve this time step")
        self._best = min(self._best, taken)
        self._excess += taken - self._best
        return taken

    def _factorise(self, known: np.ndarray) -> None:
        self.state.x.array[:] = known
        self.jacobian.update()
        self._fresh, self.factorisations = True, self.factorisations + 1

    def _iterate(self) -> int | None:
        """Number of steps until convergence, None without it."""
        before, shortest, last, longest = None, np.inf, np.inf, np.inf
        for taken in range(1, ITERATIONS + 1):
            u, step = self.state.x.array[: self.owned].copy(), self._step()
            length = self._largest(step)
            longest = WILD * length if taken == 1 else longest
            slow = taken > PATIENCE and length > SLOW * last and length > shortest
            if not length <= longest or slow:  # nor is NaN
                return None
            if before is not None:
                self._secants = [*self._secants, (u - before[0], step - before[1])][-DEPTH:]
            converged = length < self.tolerance
            self._move(u + (step if converged else self._mixed(step)))
            if converged:
                return taken
            before, last, shortest = (u, step), length, min(shortest, length)
        return None

    def _step(self) -> np.ndarray:
        residual = self.residual()
        solved = self.jacobian.solve(residual)
        step = -solved.getArray()
        residual.destroy()
        solved.destroy()
        return step

    def _mixed(self, step: np.ndarray) -> np.ndarray:
        """step - (dU + dF) g, with the g for which step - dF g is shortest."""
        if not self._secants:
            return step
        moves, changes = (np.stack(columns) for columns in zip(*self._secants, strict=True))
        products = self.comm.allreduce(changes @ np.column_stack([changes.T, step]), op=MPI.SUM)
        scale = np.sqrt(np.diag(products)) + np.finfo(float).tiny
        gram, right = products[:, :-1] / np.outer(scale, scale), products[:, -1] / scale
        return step - (np.linalg.lstsq(gram, right, rcond=1e-10)[0] / scale) @ (moves + changes)

    def _move(self, values: np.ndarray) -> None:
        self.state.x.array[: self.owned] = values
        self.state.x.scatter_forward()

    def _largest(self, values: np.ndarray) -> float:
        """Largest entry in size on all ranks; NaN wins."""
        here = float(np.abs(values).max(initial=0.0))
        return float(max(self.comm.allgather(here), key=lambda x: np.inf if np.isnan(x) else x))
