"""The linear algebra of Newton's method: one factorisation, many right-hand sides, and a low-rank correction."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from dolfinx import fem
from dolfinx.fem import petsc as fem_petsc
from petsc4py import PETSc

from ..kinematics import Expr

QUICK = {"cffi_extra_compile_args": ["-O3", "-fno-math-errno", "-funsafe-math-optimizations"]}
"""How Jacobians are compiled: sums may be reordered, which makes their assembly 1.6 times faster. None of it depends on
the processor, since the nodes of a cluster share what is compiled; residuals, which say what is solved, stay strict."""


ORDERING, PORD = 7, 4
"""MUMPS by itself orders symmetric matrices of up to 10,000 unknowns by AMF, with which a factorisation of the demo's
hearts takes 1.5 times as long as by nested dissection with PORD, which every MUMPS brings along. Others
it orders by PORD itself, where it was built without METIS, as Debian's is."""
FEW = 1000
"""Unknowns below which the order is left to MUMPS: where all depend on all, as in a mesh of one element, PORD finds one
vertex and ends the process by exit()."""


ACCURACY = 1e-9
"""Of solutions, relative, for who asks for no other: tangents and adjoints."""


class Linear(Protocol):
    """An assembled Jacobian K + Z M Z^T that systems are solved with."""

    matrix: PETSc.Mat

    def update(self, columns: Sequence[PETSc.Vec] = (), weights: np.ndarray | None = None) -> None:
        """Assemble at the present state; ``columns`` are Z, ``weights`` the matrix M."""

    def solve(self, right: PETSc.Vec, accuracy: float = ACCURACY) -> PETSc.Vec:
        """(K + Z M Z^T)^-1 right, in a new vector, with at most this relative error."""

    def solve_transposed(self, right: PETSc.Vec, accuracy: float = ACCURACY) -> PETSc.Vec:
        """(K + Z M Z^T)^-T right, likewise."""


class Factorised:
    """MUMPS factorisation of an assembled Jacobian K, corrected to K + Z M Z^T by Sherman-Morrison-Woodbury."""

    def __init__(self, jacobian: Expr, bcs: Sequence[fem.DirichletBC] = (), symmetric: bool = False) -> None:
        self.form, self.bcs = fem.form(jacobian, jit_options=QUICK), list(bcs)
        self.matrix = fem_petsc.create_matrix(self.form)
        self.matrix.setOption(PETSc.Mat.Option.SYMMETRIC, symmetric)
        self._solver = PETSc.KSP().create(self.matrix.comm)
        self._solver.setOperators(self.matrix)
        self._solver.setType("preonly")
        factors = self._solver.getPC()
        factors.setType("cholesky" if symmetric else "lu")
        factors.setFactorSolverType("mumps")
        factors.setFactorSetUpSolverType()
        if self.matrix.size[0] >= FEW:
            factors.getFactorMatrix().setMumpsIcntl(ORDERING, PORD)
        self._columns: list[PETSc.Vec] = []
        self._solved: list[PETSc.Vec] = []
        self._solved_transposed: list[PETSc.Vec] | None = None
        self._weights = np.zeros((0, 0))

    def update(self, columns: Sequence[PETSc.Vec] = (), weights: np.ndarray | None = None) -> None:
        """Assemble and factorise at the present state; ``columns`` are Z, ``weights`` the matrix M."""
        self.matrix.zeroEntries()
        fem_petsc.assemble_matrix(self.matrix, self.form, self.bcs)
        self.matrix.assemble()
        self._solver.setOperators(self.matrix)
        self._solver.setUp()
        self._columns, self._weights = list(columns), np.zeros((0, 0)) if weights is None else weights
        self._solved = [self._solve(column, transposed=False) for column in self._columns]
        self._solved_transposed = None

    def solve(self, right: PETSc.Vec, accuracy: float = ACCURACY) -> PETSc.Vec:
        """(K + Z M Z^T)^-1 right, in a new vector, to rounding."""
        return self._corrected(self._solve(right, transposed=False), self._solved, self._weights)

    def solve_transposed(self, right: PETSc.Vec, accuracy: float = ACCURACY) -> PETSc.Vec:
        """(K + Z M Z^T)^-T right, in a new vector, to rounding."""
        if self._solved_transposed is None:
            self._solved_transposed = [self._solve(column, transposed=True) for column in self._columns]
        return self._corrected(self._solve(right, transposed=True), self._solved_transposed, self._weights.T)

    def _solve(self, right: PETSc.Vec, transposed: bool) -> PETSc.Vec:
        solution = self.matrix.createVecRight()
        (self._solver.solveTranspose if transposed else self._solver.solve)(right, solution)
        return solution

    def _corrected(self, y: PETSc.Vec, solved: list[PETSc.Vec], weights: np.ndarray) -> PETSc.Vec:
        if not solved:
            return y
        gram = np.array([[z.dot(k) for k in solved] for z in self._columns])
        small = np.eye(len(solved)) + gram @ weights
        share = weights @ np.linalg.solve(small, [z.dot(y) for z in self._columns])
        for factor, k in zip(share, solved, strict=True):
            y.axpy(-float(factor), k)
        return y
