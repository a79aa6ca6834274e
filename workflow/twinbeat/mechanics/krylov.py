"""Iterative solution of Newton's steps: GMRES with a block preconditioner whose cost grows with the size alone.

Of the Jacobian K = [[A, B], [B', -C]] of displacement and multiplier the preconditioner inverts the upper triangle
[[A, B], [0, -S]]: A by a V-cycle of multigrid, the Schur complement S = C + B' A^-1 B by the lumped mass of the
multiplier over the moduli that resist a change of volume (Elman, Silvester and Wathen 2014, chapter 4). GMRES is
preconditioned from the left: what it drives down is the size of the error of the step (mm, kPa), not that of forces
and volumes, which have no common scale.

The multigrid is smoothed aggregation (GAMG, Chebyshev with SOR, rigid motions as near null space). Quadratic elements
have linear ones on the same mesh as the level below them, where it takes two cycles (``levels``).
"""

from collections.abc import Sequence

import numpy as np
import ufl
from dolfinx import fem
from dolfinx.fem import petsc as fem_petsc
from petsc4py import PETSc

from ..kinematics import Expr
from ..verdicts import Quarantined
from .cavity import assemble
from .levels import TwoLevels, nodes, positions, rigid_motions
from .linear import ACCURACY, QUICK

SHEAR = 20.0  # kPa of contracting muscle, in the Schur complement: 5 to 60 kPa take as many iterations
ITERATIONS, RESTART = 400, 100
PREFIX = "twinbeat_mechanics_"
BLOCKS = {
    "ksp_gmres_cgs_refinement_type": "refine_ifneeded",
    "fieldsplit_w_ksp_type": "preonly",
    "fieldsplit_w_mg_levels_ksp_type": "chebyshev",
    "fieldsplit_w_mg_levels_ksp_max_it": 2,
    "fieldsplit_w_mg_levels_pc_type": "sor",
    "fieldsplit_p_ksp_type": "preonly",
    "fieldsplit_p_pc_type": "jacobi",
}
"""PETSc's options,"""
MULTIGRID = {
    1: {"fieldsplit_w_pc_type": "gamg", "fieldsplit_w_pc_gamg_threshold": 0.01},
    2: {
        "fieldsplit_w_mg_coarse_ksp_type": "richardson",
        "fieldsplit_w_mg_coarse_ksp_max_it": 2,
        "fieldsplit_w_mg_coarse_ksp_convergence_test": "skip",
        "fieldsplit_w_mg_coarse_pc_type": "gamg",
        "fieldsplit_w_mg_coarse_pc_gamg_threshold": 0.01,
        "fieldsplit_w_mg_coarse_mg_levels_ksp_max_it": 2,
        "fieldsplit_w_mg_coarse_mg_levels_pc_type": "sor",
    },
}
"""and those for displacements of a degree."""


class Unsolved(Quarantined):
    """The iterations did not converge: coded mechanics-unsolved, unless Newton's method takes a shorter load step."""


class LowRank:
    """The operator K + Z M Z^T: a context of PETSc's Python matrices."""

    def __init__(self, matrix: PETSc.Mat) -> None:
        self.matrix = matrix
        self.columns: list[PETSc.Vec] = []
        self.weights = np.zeros((0, 0))

    def mult(self, _: PETSc.Mat, x: PETSc.Vec, y: PETSc.Vec) -> None:
        """y = (K + Z M Z^T) x."""
        self.matrix.mult(x, y)
        if self.columns:
            y.maxpy((self.weights @ [z.dot(x) for z in self.columns]).tolist(), self.columns)


class Gmres:
    """GMRES for one matrix and its low-rank correction; ``compliance`` (1/kPa) is that of the Schur complement."""

    def __init__(self, matrix: PETSc.Mat, space: fem.FunctionSpace, compliance: float) -> None:
        self.operator = LowRank(matrix)
        shell = PETSc.Mat().createPython(matrix.getSizes(), self.operator, comm=matrix.comm)
        shell.setUp()
        self._solver = PETSc.KSP().create(matrix.comm)
        self._solver.setOperators(shell, matrix)
        self._solver.setType("gmres")
        self._solver.setGMRESRestart(RESTART)
        self._solver.setPCSide(PETSc.PC.Side.LEFT)
        self._levels = TwoLevels(space) if _degree(space) == 2 else None
        _precondition(self._solver, space, compliance)

    def update(self, columns: Sequence[PETSc.Vec], weights: np.ndarray) -> None:
        """Set up the multigrid for the matrix as it is now."""
        self.operator.columns, self.operator.weights = list(columns), weights
        self._solver.setOperators(*self._solver.getOperators())
        self._solver.setUp()
        if self._levels is not None:
            self._levels.update(self._solver.getPC().getFieldSplitSchurGetSubKSP()[0])

    def solve(self, right: PETSc.Vec, accuracy: float) -> tuple[PETSc.Vec, int]:
        """The solution, in a new vector, and the iterations that it took; Quarantined("mechanics-unsolved")."""
        solution = right.duplicate()
        self._solver.setTolerances(rtol=accuracy, max_it=ITERATIONS)
        self._solver.solve(right, solution)
        iterations, reason = self._solver.getIterationNumber(), self._solver.getConvergedReason()
        if reason < 0:
            found = f"{iterations} iterations (PETSc's reason {reason}) did not reach an accuracy of {accuracy:g}"
            raise Unsolved("mechanics-unsolved", found)
        if (left := self._left(solution, right)) > 0.5:
            raise Unsolved("mechanics-unsolved", f"after {iterations} iterations {left:.2g} of the forces were left")
        return solution, iterations

    def _left(self, solution: PETSc.Vec, right: PETSc.Vec) -> float:
        """What is left of the right-hand side. A preconditioner that is nearly singular, as that of a Jacobian far from
        equilibrium may be, makes its own residual small without solving anything."""
        operator, forces = self._solver.getOperators()[0], right.duplicate()
        operator.mult(solution, forces)
        forces.axpy(-1.0, right)
        share = forces.norm() / max(right.norm(), np.finfo(float).tiny)
        forces.destroy()
        return share


class Iterative:
    """Solves with an assembled Jacobian K + Z M Z^T to an accuracy, as ``Factorised`` does exactly.

    ``space`` is the mixed one, ``resistance`` (kPa) the moduli beside SHEAR that resist changes of volume,
    ``compliance`` (1/kPa) that of C. ``iterations`` counts those of the last solve, ``taken`` those of all ``solves``.
    """

    def __init__(
        self,
        jacobian: Expr,
        bcs: Sequence[fem.DirichletBC],
        space: fem.FunctionSpace,
        symmetric: bool = False,
        resistance: float = 0.0,
        compliance: float = 0.0,
    ) -> None:
        self.form, self.bcs = fem.form(jacobian, jit_options=QUICK), list(bcs)
        self.matrix = fem_petsc.create_matrix(self.form)
        self.solves = self.taken = self.iterations = 0
        self._symmetric, self._space, self._compliance = symmetric, space, 1 / (SHEAR + resistance) + compliance
        self._forward = Gmres(self.matrix, space, self._compliance)
        self._backward: Gmres | None = None

    def update(self, columns: Sequence[PETSc.Vec] = (), weights: np.ndarray | None = None) -> None:
        """Assemble at the present state and set up the multigrid; ``columns`` are Z, ``weights`` the matrix M."""
        self.matrix.zeroEntries()
        fem_petsc.assemble_matrix(self.matrix, self.form, self.bcs)
        self.matrix.assemble()
        self._forward.update(columns, np.zeros((0, 0)) if weights is None else weights)
        self._backward = None

    def solve(self, right: PETSc.Vec, accuracy: float = ACCURACY) -> PETSc.Vec:
        """(K + Z M Z^T)^-1 right, in a new vector, with an error of about ``accuracy`` times its size.

        Raises Quarantined("mechanics-unsolved").
        """
        return self._counted(self._forward, right, accuracy)

    def solve_transposed(self, right: PETSc.Vec, accuracy: float = ACCURACY) -> PETSc.Vec:
        """(K + Z M Z^T)^-T right, likewise; where K and M are not ``symmetric``, K^T has a multigrid of its own."""
        if self._backward is None:
            self._backward = self._forward if self._symmetric else self._transposed()
        return self._counted(self._backward, right, accuracy)

    def _transposed(self) -> Gmres:
        operator = self._forward.operator
        backward = Gmres(self.matrix.transpose(PETSc.Mat()), self._space, self._compliance)
        backward.update(operator.columns, operator.weights.T)
        return backward

    def _counted(self, gmres: Gmres, right: PETSc.Vec, accuracy: float) -> PETSc.Vec:
        solution, self.iterations = gmres.solve(right, accuracy)
        self.solves, self.taken = self.solves + 1, self.taken + self.iterations
        return solution


def _precondition(solver: PETSc.KSP, space: fem.FunctionSpace, compliance: float) -> None:
    """Give the solver its blocks; ``compliance`` (1/kPa) times the lumped mass is the Schur complement."""
    comm, count = space.mesh.comm, space.dofmap.index_map.size_local
    displacements = _owned(space, nodes(space).ravel())
    displacements.setBlockSize(3)
    displacements.compose("nearnullspace", rigid_motions(positions(space), comm))
    multipliers = np.unique(space.sub(1).dofmap.list)
    multipliers = multipliers[multipliers < count]
    mass = assemble(fem.form(ufl.TestFunctions(space)[1] * ufl.dx(space.mesh)))
    schur = PETSc.Mat().createAIJ([[len(multipliers), None]] * 2, nnz=1, comm=comm)
    diagonal = schur.createVecRight()
    diagonal.setArray(-compliance * mass.getArray(readonly=True)[multipliers])
    schur.setDiagonal(diagonal)
    schur.assemble()
    degree = _degree(space)
    prefix = f"{PREFIX}{degree}_"
    solver.setOptionsPrefix(prefix)  # before the blocks, which take it over
    pc = solver.getPC()
    pc.setType("fieldsplit")
    pc.setFieldSplitIS(("w", displacements), ("p", _owned(space, multipliers)))
    pc.setFieldSplitType(PETSc.PC.CompositeType.SCHUR)
    pc.setFieldSplitSchurFactType(PETSc.PC.FieldSplitSchurFactType.UPPER)
    pc.setFieldSplitSchurPreType(PETSc.PC.FieldSplitSchurPreType.USER, schur)
    options = PETSc.Options(prefix)
    for name, value in {**BLOCKS, **MULTIGRID[degree]}.items():
        options[name] = value
    solver.setFromOptions()


def _degree(space: fem.FunctionSpace) -> int:
    """Of the displacement's element."""
    return space.sub(0).element.basix_element.degree


def _owned(space: fem.FunctionSpace, dofs: np.ndarray) -> PETSc.IS:
    """Global indices of degrees of freedom of this rank."""
    first = space.dofmap.index_map.local_range[0]
    return PETSc.IS().createGeneral((dofs + first).astype(PETSc.IntType), comm=space.mesh.comm)
