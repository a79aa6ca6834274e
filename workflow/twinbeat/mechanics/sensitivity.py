"""How equilibrium answers to its parameters: tangents, and the discrete adjoint of any observation.

With the residual R(x; theta, U) = 0 of the ventricle, x = (w, p), and R0(U; theta) = 0 of its unloading,

    tangent   dx/dtheta = -K^-1 (dR/dtheta + dR/dU dU/dtheta),   dU/dtheta = -K0^-1 dR0/dtheta,
    adjoint   K^T a = do/dx,   K0^T b = -(dR/dU)^T a,   do/dtheta = -a . dR/dtheta + b . (-dR0/dtheta).

All partial derivatives are exact: UFL differentiates the discrete residual.
"""

from collections.abc import Sequence

import numpy as np
import ufl
from dolfinx import fem
from petsc4py import PETSc

from ..kinematics import Expr
from . import work
from .cavity import assemble
from .inverse import Unloading
from .ventricle import Ventricle


class Sensitivity:
    """Partial derivatives of the residuals of an unloaded ventricle, at its present state."""

    def __init__(
        self, ventricle: Ventricle, contractile: np.ndarray, regions: np.ndarray | None = None, count: int = 1
    ) -> None:
        """``contractile``: share of the tension that each local cell (ghosts included) develops; ``regions``: which of
        ``count``, from 0, each of them lies in; none: all lie in one."""
        self.ventricle = ventricle
        space = ventricle.space
        self._direction, self._adjoint = fem.Function(space), fem.Function(space)
        share = fem.Function(ventricle.tension.function_space)
        share.x.array[:] = contractile
        (w, p), U = ufl.split(ventricle.state), ufl.split(ventricle.reference)[0]
        form = ventricle.internal(w, p, U)
        within = np.zeros(len(contractile), np.int32) if regions is None else regions
        self._tension = _by_regions(ufl.derivative(form, ventricle.tension, share), within, count)
        self._stiffness = fem.form(work.passive(ventricle, w, U))
        self._reference = fem.form(ufl.derivative(form, ventricle.reference, self._direction))
        weighted = ufl.replace(form, {ufl.TestFunction(space): self._adjoint})
        self._reference_transposed = fem.form(ufl.derivative(weighted, ventricle.reference))

    def to_tension(self) -> list[PETSc.Vec]:
        """dR/d(tension) of each region, where its healthy muscle bears it, mN/kPa."""
        return [assemble(form) for form in self._tension]

    def to_stiffness(self) -> PETSc.Vec:
        """dR/d(ln C), mN."""
        return assemble(self._stiffness)

    def to_pressure(self) -> PETSc.Vec:
        """dR/d(cavity pressure), mN/kPa."""
        slope = self.ventricle.load()
        slope.scale(-1.0)
        return slope

    def to_reference(self, change: PETSc.Vec) -> PETSc.Vec:
        """dR/dU for a change of the reference (U, multiplier), mN."""
        spread(self._direction, change)
        return assemble(self._reference)

    def to_reference_transposed(self, adjoint: PETSc.Vec) -> PETSc.Vec:
        """(dR/dU)^T adjoint."""
        spread(self._adjoint, adjoint)
        return assemble(self._reference_transposed)


class Tension:
    """The tension of healthy muscle (kPa) as what is sought where a volume is held at a given pressure; it begins with
    ``value``. ``shares`` (region,) are those of it that the regions of ``sensitivity`` develop, ``share`` (cell,) what
    every cell does."""

    def __init__(self, sensitivity: Sensitivity, shares: np.ndarray, share: np.ndarray, value: float) -> None:
        self.sensitivity, self.shares, self.share, self.value = sensitivity, shares, share, value

    def values(self) -> np.ndarray:
        """The tension (1,)."""
        return np.array([self.value])

    def set(self, values: np.ndarray) -> None:
        """Give every cell its share of a tension (1,)."""
        self.value = float(values[0])
        self.sensitivity.ventricle.tension.x.array[:] = self.value * self.share

    def forces(self) -> list[PETSc.Vec]:
        """Forces per tension, mm^2."""
        regions = self.sensitivity.to_tension()
        forces = combined(regions, -self.shares)
        for region in regions:
            region.destroy()
        return [forces]


class UnloadedSensitivity:
    """Derivatives of the unloaded shape; made after ``Ventricle.unload`` and valid until the next one.

    ``partials`` are those of its residual: by ln C, by the pressure (kPa), and the ``further`` ones; ``changes`` the
    derivatives of (U, multiplier) by the same parameters.
    """

    def __init__(self, unloading: Unloading, further: Sequence[fem.Form] = ()) -> None:
        self._factorised = unloading.factorise()
        load = unloading.loads[0].copy()
        load.scale(-1.0)
        self.partials = [assemble(unloading.stiffness_form), load, *map(assemble, further)]
        self.changes = [self._solved(partial) for partial in self.partials]

    def _solved(self, partial: PETSc.Vec) -> PETSc.Vec:
        change = self._factorised.solve(partial)
        change.scale(-1.0)
        return change

    def through(self, gradient: PETSc.Vec) -> np.ndarray:
        """Derivatives by the parameters (parameter,) of what has this gradient with respect to (U, multiplier), by the
        adjoint of the unloading."""
        adjoint = self._factorised.solve_transposed(gradient)
        values = [-adjoint.dot(partial) for partial in self.partials]
        adjoint.destroy()
        return np.array(values)


def _by_regions(form: Expr, regions: np.ndarray, count: int) -> list[fem.Form]:
    """A form over the cells of each region; compiled once, as only the cells differ."""
    domain = form.ufl_domain().ufl_cargo()
    owned = regions[: domain.topology.index_map(domain.topology.dim).size_local]
    within = [[(1, np.flatnonzero(owned == region).astype(np.int32))] for region in range(count)]
    return [
        fem.form(ufl.Form([part.reconstruct(subdomain_id=1, subdomain_data=cells) for part in form.integrals()]))
        for cells in within
    ]


def combined(vectors: Sequence[PETSc.Vec], weights: np.ndarray) -> PETSc.Vec:
    """Weighted sum of vectors, a vector of its own."""
    total = vectors[0].duplicate()
    total.zeroEntries()
    total.maxpy(weights, vectors)
    return total


def spread(function: fem.Function, vector: PETSc.Vec) -> None:
    """The function with the vector's values, ghosts included."""
    function.x.array[: vector.getLocalSize()] = vector.getArray(readonly=True)
    function.x.scatter_forward()
