"""Strains of AHA segments of a ventricle's present state, with their derivatives.

A strain is the mean over the segment's muscle of |F d| - 1, the change of lengths along d since end-diastole: F is the
identity on the mesh.
"""

from collections.abc import Sequence

import numpy as np
import ufl
import xarray as xr
from dolfinx import fem
from mpi4py import MPI
from petsc4py import PETSc

from ..fibers import shape_gradients
from ..mechanics import Ventricle
from ..mechanics.cavity import assemble

UP = np.array([0.0, 0.0, 1.0])  # from apex to base in the heart frame


class Strains:
    """Strains of some (direction, segment), in their order; ``cells`` are the anatomy's of each local one."""

    def __init__(
        self, ventricle: Ventricle, anatomy: xr.Dataset, cells: np.ndarray, curves: Sequence[tuple[str, int]]
    ) -> None:
        self.ventricle, self._curves = ventricle, curves
        self._segment = anatomy["segment"].values[cells]
        self._share = fem.Function(fem.functionspace(ventricle.domain, ("DG", 0)))
        F = ufl.Identity(3) + ufl.grad(ufl.split(ventricle.state)[0])
        means = {}
        for direction in {direction for direction, _ in curves}:
            d = ventricle.fiber if direction == "fiber" else self._function(along(anatomy, direction)[cells])
            means[direction] = self._share * (ufl.sqrt(ufl.dot(F * d, F * d)) - 1) * ventricle.dx
        self._means = {direction: fem.form(mean) for direction, mean in means.items()}
        self._by_state = {
            direction: fem.form(ufl.derivative(mean, ventricle.state)) for direction, mean in means.items()
        }
        volume = fem.form(self._share * ventricle.dx)
        self._volume = self._summed([self._of(segment, 1.0, volume) for _, segment in curves])

    def _function(self, axes: np.ndarray) -> fem.Function:
        found = fem.Function(fem.functionspace(self.ventricle.domain, ("DG", 0, (3,))))
        found.x.array[:] = axes.ravel()
        return found

    def _of(self, segment: int, volume: float, form: fem.Form) -> float:
        """The integral of a form on this rank over a segment of this volume."""
        self._within(segment, volume)
        return fem.assemble_scalar(form)

    def _within(self, segment: int, volume: float) -> None:
        self._share.x.array[:] = (self._segment == segment) / volume if volume > 0 else 0.0

    def _summed(self, values: list[float]) -> np.ndarray:
        return self.ventricle.comm.allreduce(np.array(values), op=MPI.SUM)

    def values(self) -> np.ndarray:
        """(curve,); 0 for a segment without muscle."""
        pairs = zip(self._curves, self._volume, strict=True)
        return self._summed([self._of(segment, volume, self._means[name]) for (name, segment), volume in pairs])

    def slopes(self) -> list[PETSc.Vec]:
        """Derivative of each value with respect to the state (w, p)."""
        return [self._slope(*curve, volume) for curve, volume in zip(self._curves, self._volume, strict=True)]

    def _slope(self, direction: str, segment: int, volume: float) -> PETSc.Vec:
        self._within(segment, volume)
        return assemble(self._by_state[direction])


def along(anatomy: xr.Dataset, direction: str) -> np.ndarray:
    """Unit vectors (cell, 3) about the long axis within the wall, or within it towards the base.

    In a cell at the very apex, where the wall lies across the axis, the first is any direction in it.
    """
    cells = anatomy["cells"].values
    gradients, _ = shape_gradients(anatomy["points"].values, cells)
    across = _unit(np.einsum("ci,cia->ca", anatomy["depth"].values[cells], gradients))
    about = np.cross(UP, across)
    flat = np.linalg.norm(about, axis=1) < 1e-6
    about[flat] = np.cross([1.0, 0.0, 0.0], across[flat])
    about = _unit(about)
    return about if direction == "circumferential" else np.cross(across, about)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def of(ventricle: Ventricle, anatomy: xr.Dataset, cells: np.ndarray, targets: xr.Dataset) -> Strains | None:
    """The strains that targets have curves of; none where they have none."""
    if "strain" not in targets:
        return None
    directions, segments = (targets[f"strain_{name}"].values.tolist() for name in ("direction", "segment"))
    return Strains(ventricle, anatomy, cells, list(zip(directions, segments, strict=True)))
