"""Multigrid for the displacement's block of a Jacobian: its rigid motions, and a level of linear elements."""

import numpy as np
from dolfinx import fem
from dolfinx.fem import petsc as fem_petsc
from mpi4py import MPI
from petsc4py import PETSc


class TwoLevels:
    """Quadratic displacements over linear ones on the same mesh, those being smoothed aggregation's finest level.

    Aggregates of quadratic nodes bear the bulk term badly: with linear elements between, iterations halve and do not
    grow with the mesh.
    """

    def __init__(self, space: fem.FunctionSpace) -> None:
        linear = fem.functionspace(space.mesh, ("Lagrange", 1, (3,)))
        owned = linear.dofmap.index_map.size_local
        self._prolongation = _prolongation(linear, space)
        self._motions = rigid_motions(linear.tabulate_dof_coordinates()[:owned], space.mesh.comm)
        self._coarse: PETSc.Mat | None = None

    def update(self, block: PETSc.KSP) -> None:
        """Make the coarse matrix of the block's as it is now; at first, put the levels into the block's solver."""
        fine = block.getOperators()[1]
        if self._coarse is not None:
            fine.PtAP(self._prolongation, self._coarse)
            return
        self._coarse = fine.PtAP(self._prolongation)
        self._coarse.setNearNullSpace(self._motions)
        pc = block.getPC()
        pc.setType("mg")
        pc.setMGLevels(2)
        pc.setMGInterpolation(1, self._prolongation)
        pc.getMGCoarseSolve().setOperators(self._coarse)
        pc.setFromOptions()


def nodes(space: fem.FunctionSpace) -> np.ndarray:
    """Local degrees of freedom (node, 3) of the displacement's owned nodes in a mixed space, increasing."""
    found = np.unique(space.sub(0).dofmap.list.reshape(-1, 3), axis=0)
    return found[found[:, 0] < space.dofmap.index_map.size_local]


def positions(space: fem.FunctionSpace) -> np.ndarray:
    """Where those nodes are (node, 3), mm."""
    position = fem.Function(space)
    position.sub(0).interpolate(lambda x: x)
    return position.x.array[nodes(space)]


def rigid_motions(x: np.ndarray, comm: MPI.Comm) -> PETSc.NullSpace:
    """Translations and infinitesimal rotations of owned nodes at x (node, 3), orthonormal over all ranks."""
    moves = [np.broadcast_to(axis, x.shape) for axis in np.eye(3)]
    turns = [np.cross(axis, x) for axis in np.eye(3)]
    vectors = []
    for motion in [*moves, *turns]:
        vector = PETSc.Vec().createWithArray(np.ascontiguousarray(motion).ravel(), comm=comm)
        for other in vectors:
            vector.axpy(-vector.dot(other), other)
        vector.normalize()
        vectors.append(vector)
    return PETSc.NullSpace().create(vectors=vectors, comm=comm)


def _prolongation(linear: fem.FunctionSpace, space: fem.FunctionSpace) -> PETSc.Mat:
    """Matrix from linear displacements to those of a mixed space, in the order of ``nodes``."""
    quadratic, parents = space.sub(0).collapse()
    matrix = fem_petsc.interpolation_matrix(linear, quadratic)
    matrix.assemble()
    owned, (first, _) = 3 * quadratic.dofmap.index_map.size_local, quadratic.dofmap.index_map.local_range
    rows = 3 * first + np.argsort(np.asarray(parents)[:owned])
    columns = np.arange(*matrix.getOwnershipRangeColumn())
    ordered = matrix.createSubMatrix(
        *(PETSc.IS().createGeneral(i.astype(PETSc.IntType), comm=matrix.comm) for i in (rows, columns))
    )
    ordered.setBlockSizes(3, 3)
    return ordered
