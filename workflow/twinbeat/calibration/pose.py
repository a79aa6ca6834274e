"""The inverse problem of one heart, as its stores and the configuration pose it."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from mpi4py import MPI

from ..fibers import SCAR
from ..mechanics import ENDOCARDIUM, EPICARDIUM, contractile, from_anatomy
from ..mesh.distribute import Mapping
from ..parameters import Calibration, Mechanics
from ..verdicts import Quarantined
from . import contraction, curves, scales, strains
from .fit import Fit
from .observations import Observations
from .problem import Frames, Problem
from .targets import of_mesh

FEWEST = 1  # relaxed frames that the stiffness can be seen in
TOLERANCE = 1e-4  # mm and kPa in the last Newton step, whose square is the error


@dataclass(frozen=True)
class Posed:
    """The fit of a heart, and how it lies in the stores.

    ``mapping`` is from the solver's mesh to that of the anatomy, ``order`` (frame,) the indices of the fitted frames in
    the targets, and ``healthy`` (cell,) the share of muscle that contracts as far as one is told.
    """

    fit: Fit
    mapping: Mapping
    order: np.ndarray
    healthy: np.ndarray


def pose(
    anatomy: xr.Dataset, targets: xr.Dataset, tissue: np.ndarray, calibration: Calibration, mechanics: Mechanics
) -> Posed:
    """Of a heart with ``tissue`` (cell,) in its anatomy. Quarantined: few-relaxed-frames."""
    ventricle, mapping = from_anatomy(anatomy, mechanics, MPI.COMM_SELF)
    ventricle.newton.tolerance = TOLERANCE
    by_segment, rest = calibration.contraction, int(targets["end_diastole"])
    healthy = np.ones(len(tissue)) if by_segment.unaided else contractile(tissue)
    order, frames = select(targets, calibration.held_out)
    strain = strains.of(ventricle, anatomy, mapping.cells, targets)
    problem = Problem(
        ventricle,
        healthy[mapping.cells],
        Observations(ventricle, of_mesh(anatomy), walls(targets), strain),
        frames,
        contraction.regions(anatomy)[mapping.cells] if by_segment.fitted else None,
        scales.sought(ventricle, tissue[mapping.cells] == SCAR, calibration),
    )
    spread = contraction.spread(anatomy, healthy, by_segment) if by_segment.fitted else None
    measured = float(targets["pressure"][rest]), float(targets["pressure_sigma"][rest])
    return Posed(Fit(problem, calibration, measured, spread), mapping, order, healthy)


def walls(targets: xr.Dataset) -> tuple[int, ...]:
    """The walls (tags) whose radii the targets have."""
    return (ENDOCARDIUM, EPICARDIUM) if "epicardial_radius" in targets else (ENDOCARDIUM,)


def select(targets: xr.Dataset, held_out: int | None = None) -> tuple[np.ndarray, Frames]:
    """The frames after end-diastole in the order of time: their indices, and what is fitted in them; of every
    ``held_out`` frames the last is not.

    The muscle may be active up to the frame after the lowest pressure that follows end-systole; then it is relaxed.
    What is off in a radius (contours, the shape of the mesh) is off in every frame: together they count as one.
    """
    count, rest = targets.sizes["time"], int(targets["end_diastole"])
    order = (rest + np.arange(1, count)) % count
    pressure = targets["pressure"].values[order]
    systole = (int(targets["end_systole"]) - rest - 1) % count
    early = pressure[systole : systole + max(1, 2 * (len(order) - systole) // 3)]
    free = np.arange(len(order)) <= systole + early.argmin() + 1
    if (relaxed := int((~free).sum())) < FEWEST:
        raise Quarantined(
            "few-relaxed-frames", f"{relaxed} frames between relaxation and end-diastole, {FEWEST} needed"
        )
    radii = [name for name in ("radius", "epicardial_radius") if name in targets]
    observed = [targets["volume"].values[None], *(targets[name].values for name in radii)]
    common = [np.sqrt(len(order)) * targets[f"{name}_sigma"].values for name in radii]
    sigmas = [targets["volume_sigma"].values[None], *common]
    if "strain" in targets:
        strain, spread = curves.observed(targets)
        observed, sigmas = [*observed, strain], [*sigmas, spread]
    values, sigma = (np.concatenate(parts)[:, order].T for parts in (observed, sigmas))
    weight = 1 / sigma
    if held_out:
        weight[held_out - 1 :: held_out] = 0
    return order, Frames(pressure, targets["pressure_sigma"].values[order], values, weight, free)
