"""A human-sized ellipsoid of known stiffness and tensions, its motion, and problems that seek them on other meshes."""

from functools import cache

import numpy as np
import xarray as xr
from mpi4py import MPI

from twinbeat import fibers
from twinbeat.calibration import scales, targets
from twinbeat.calibration.observations import COUNT, Observations
from twinbeat.calibration.problem import Frames, Problem
from twinbeat.calibration.strains import Strains
from twinbeat.mechanics import contractile, from_anatomy
from twinbeat.mesh import synthetic
from twinbeat.mesh.distribute import to_dolfinx
from twinbeat.parameters import Calibration, Fibers, Mechanics

REST, C = 1.3, 1.7
PRESSURE = np.array([REST, 5.0, 12.0, 15.0, 12.0, 5.0, 0.5, 0.6, 0.9])
TENSION = np.array([0.0, 16.0, 42.0, 58.0, 52.0, 25.0, 0.0, 0.0, 0.0])


def dataset(volume: np.ndarray, radius: np.ndarray | None = None) -> xr.Dataset:
    """Targets with the planted pressures."""
    count = len(volume)
    radius = np.full((16, count), 20.0) if radius is None else radius
    return xr.Dataset(
        {
            "volume": (("time",), volume),
            "volume_sigma": (("time",), np.full(count, 0.01 * volume[0])),
            "pressure": (("time",), PRESSURE[:count]),
            "pressure_sigma": (("time",), np.full(count, 0.05)),
            "radius": (("segment", "time"), radius),
            "radius_sigma": (("segment", "time"), np.full((16, count), 0.5)),
            "end_diastole": 0,
            "end_systole": int(volume.argmin()),
            "cycle": 800.0,
        },
        coords={"time": 100.0 * np.arange(count), "segment": np.arange(1, 17)},
    )


def tissue(anatomy: xr.Dataset) -> np.ndarray:
    """Segments 7 and 13 in scar, without a border zone."""
    return fibers.tissue(anatomy, np.isin(anatomy["segment"].values, (7, 13)), 0.0)


def ventricle(
    size: float,
    comm: MPI.Comm = MPI.COMM_SELF,
    shares: bool = False,
    scaled: bool = False,
    mechanics: Mechanics = Mechanics(),  # noqa: B008
    thicker: float = 0.0,
) -> tuple[Problem, xr.Dataset]:
    """A problem on a human-sized ellipsoid with segments 7 and 13 in scar, and its anatomy; with ``shares`` each
    segment has its own share of the tension, with ``scaled`` scar and pericardium are scaled; its wall is so many mm
    ``thicker``."""
    short, long = ((inner, outer + thicker) for inner, outer in synthetic.HUMAN[:2])
    anatomy = fibers.assign(synthetic.ellipsoid(size, 1, short, long), Fibers())
    solid, mapping = from_anatomy(anatomy, mechanics, comm)
    windows = targets.of_mesh(anatomy)
    frames = Frames(PRESSURE[1:], np.full(8, 0.05), np.zeros((8, COUNT)), np.ones((8, COUNT)), TENSION[1:] > 0)
    share = contractile(tissue(anatomy))[mapping.cells]
    regions = anatomy["segment"].values[mapping.cells] - 1 if shares else None
    asked = Calibration(scar_stiffening={"fitted": scaled}, pericardium={"fitted": scaled})
    sought = scales.sought(solid, share == 0, asked)
    return Problem(solid, share, Observations(solid, windows), frames, regions, sought), anatomy


CURVES = [(direction, segment) for direction in ("circumferential", "longitudinal") for segment in range(1, 17)]


def strained(problem: Problem, anatomy: xr.Dataset, curves: list[tuple[str, int]]) -> Strains:
    return Strains(problem.ventricle, anatomy, to_dolfinx(anatomy, MPI.COMM_SELF)[2].cells, curves)


@cache
def planted() -> tuple[np.ndarray, np.ndarray]:
    """Observations (frame, 17 + 32) of the planted parameters on a mesh of 17 mm, and those of the mesh itself."""
    problem, anatomy = ventricle(17.0)
    problem.observations.strains = strained(problem, anatomy, CURVES)
    problem.unload(C, REST)
    rest = problem.observations.values()
    values = []
    for tension, held in zip(TENSION[1:], PRESSURE[1:], strict=True):
        problem.load(tension, held)
        problem.ventricle.solve()
        values.append(problem.observations.values())
    return np.array([rest, *values]), rest


def observed(problem: Problem) -> np.ndarray:
    """The planted motion (frame, 17) scaled to another mesh, with 1 % of noise."""
    values, rest = (part[..., :COUNT] for part in planted())
    noise = 1 + 0.01 * np.random.default_rng(4).standard_normal(values.shape)
    noise[0] = 1
    problem.unload(C, REST)
    return values / rest * noise * problem.observations.values()
