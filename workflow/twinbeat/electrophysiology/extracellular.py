"""The extracellular potential of the bidomain equations, in a heart that is insulated from what is around it.

    χ (C_m ∂V/∂t + I_ion) = ∇·(σ_i∇(V + u)) + I_stim,   ∇·((σ_i + σ_e)∇u) = -∇·(σ_i∇V)

(Tung 1978; Sundnes et al. 2006), with stimuli across the membrane. For σ_e = λ σ_i it is the monodomain equation with
the conductivity σ = σ_i λ/(1 + λ), so each axis takes σ_i = σ (1 + λ)/λ and σ_e = (1 + λ) σ from a matched σ and its
ratio λ: plane waves along the axes keep their velocities. In a step u is that of the voltage at its start.
"""

import numpy as np
from petsc4py import PETSc
from scipy.sparse import csr_array

from .assembly import Array

TOLERANCE = 1e-6  # of the residual, relative to the load: of u about 1e-3 mV


class Extracellular:
    """The potential u (point,) in mV that the voltage drives, from the stiffness (mS) of σ_i and of σ_e."""

    def __init__(self, inner: csr_array, outer: csr_array) -> None:
        self.inner = inner
        both = (inner + outer).tocsr()
        places = both.indptr.astype(np.int32), both.indices.astype(np.int32)
        self._matrix = PETSc.Mat().createAIJ(both.shape, csr=(*places, both.data), comm=PETSc.COMM_SELF)
        self._matrix.setOption(PETSc.Mat.Option.SPD, False)
        constant = PETSc.NullSpace().create(constant=True, comm=PETSc.COMM_SELF)
        self._matrix.setNullSpace(constant)
        self._load, self._potential = self._matrix.createVecLeft(), self._matrix.createVecRight()
        self._solver = PETSc.KSP().create(PETSc.COMM_SELF)
        self._solver.setOperators(self._matrix)
        self._solver.setType("cg")
        self._solver.getPC().setType("gamg")
        self._solver.setInitialGuessNonzero(True)
        self._solver.setTolerances(rtol=TOLERANCE, atol=TOLERANCE, max_it=500)
        self._solver.setErrorIfNotConverged(True)

    @property
    def potential(self) -> Array:
        """The last one, with mean 0 over the points."""
        found = self._potential.getArray()
        return found - found.mean()

    def current(self, voltage: Array) -> Array:
        """∫ v ∇·(σ_i∇u) of each point (point,) in µA, for the potential of this voltage (point,)."""
        self._load.setArray(-(self.inner @ voltage))
        self._solver.solve(self._load, self._potential)
        return -(self.inner @ self._potential.getArray())
