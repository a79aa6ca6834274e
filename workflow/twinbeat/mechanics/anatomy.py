"""The ventricle of an anatomy store."""

import numpy as np
import xarray as xr
from dolfinx import fem
from mpi4py import MPI

from ..mesh.distribute import Mapping, to_dolfinx
from ..parameters import Mechanics
from .ventricle import Ventricle


def from_anatomy(anatomy: xr.Dataset, mechanics: Mechanics, comm: MPI.Comm) -> tuple[Ventricle, Mapping]:
    """The anatomy, its fibres included, as a ventricle over the ranks of ``comm``; with the mapping of its entities."""
    domain, tags, mapping = to_dolfinx(anatomy, comm)
    fiber = fem.Function(fem.functionspace(domain, ("DG", 0, (3,))))
    fiber.x.array.reshape(-1, 3)[:] = anatomy["fiber"].values[mapping.cells]
    return Ventricle(domain, tags, fiber, mechanics), mapping


def contractile(anatomy: xr.Dataset, scar_segments: tuple[int, ...]) -> np.ndarray:
    """Share of the tension that each cell (cell,) develops: none in the AHA segments of the scar."""
    return np.where(np.isin(anatomy["segment"].values, scar_segments), 0.0, 1.0)
