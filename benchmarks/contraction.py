"""Infarcts of any place and size, planted on one mesh and sought by motion alone on another, without images.

envs/run python benchmarks/contraction.py [--twins 12] [--first 0] [--strains]

Ellipsoids: tetrahedra of 12 mm for the truth, of 17 mm for the twin, nine frames. Every fourth twin is healthy; in the
others a sector does not contract: to the apex, in the middle, or at the base. Volumes are off by 1 % of end-diastole,
each segment's radius by 1 mm in all frames alike and 0.5 mm in each. With --strains the circumferential and
longitudinal strain of segments 1 to 16 is seen too, off by 0.03 in all frames alike and 0.01 in each. About half a CPU
minute each. The last line is one JSON object.
"""

import argparse
import json
import time

import numpy as np
import xarray as xr
from mpi4py import MPI

from twinbeat import calibration
from twinbeat.assessment import recognition, wilson
from twinbeat.calibration import targets
from twinbeat.calibration.observations import COUNT, Observations
from twinbeat.calibration.problem import Frames, Problem
from twinbeat.calibration.strains import Strains
from twinbeat.evidence.calibration import NOISE, aims
from twinbeat.mechanics import problems
from twinbeat.parameters import Calibration, Mechanics
from twinbeat.verdicts import Quarantined

PRESSURE = np.array([1.3, 5.0, 12.0, 15.0, 12.0, 5.0, 0.5, 0.6, 0.9])
TENSION = np.array([0.0, 20.0, 52.0, 75.0, 66.0, 32.0, 0.0, 0.0, 0.0])
HEIGHTS = ((0.0, 0.0), (0.45, 1.1), (0.3, 0.75), (-0.1, 0.6))
"""Where a scar begins and ends, of the way from the base to the apex; the first of them is none."""
RADIUS_OFFSET, RADIUS_NOISE = 1.0, 0.5  # mm
STRAIN_OFFSET, STRAIN_NOISE = 0.03, 0.01
CURVES = [(direction, segment) for direction in ("circumferential", "longitudinal") for segment in range(1, 17)]


class Solid:
    """A human-sized ellipsoid of tetrahedra of ``size`` mm, and what is seen of it."""

    def __init__(self, size: float) -> None:
        self.ventricle, self.mapping, self.anatomy = problems.human(MPI.COMM_SELF, size, 1)
        strains = Strains(self.ventricle, self.anatomy, self.mapping.cells, CURVES)
        self.observations = Observations(self.ventricle, targets.of_mesh(self.anatomy), strains=strains)
        self.rest = self.observations.values()

    def moved(self, scar: np.ndarray, stiffness: float, tension: np.ndarray) -> np.ndarray:
        """Observations (frame, 17 + 32), the first of them at rest, where ``scar`` (cell,) does not contract."""
        count = len(PRESSURE) - 1
        frames = Frames(*np.zeros((2, count)), *np.zeros((2, count, len(self.rest))), tension[1:] > 0)
        problem = Problem(self.ventricle, np.where(scar, 0.0, 1.0)[self.mapping.cells], self.observations, frames)
        problem.unload(stiffness, PRESSURE[0])
        seen = [self.rest]
        for active, pressure in zip(tension[1:], PRESSURE[1:], strict=True):
            problem.load(active, pressure)
            self.ventricle.solve()
            seen.append(self.observations.values())
        return np.array(seen)


def planted(anatomy: xr.Dataset, kind: int, rng: np.random.Generator) -> np.ndarray:
    """Whether each cell is scar."""
    x, y, z = anatomy["points"].values[anatomy["cells"].values].mean(axis=1).T
    centre, half = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(40, 65))
    off = np.abs((np.arctan2(y, x) - centre + np.pi) % (2 * np.pi) - np.pi)
    low, high = HEIGHTS[kind]
    height = z / z.min()
    return (off < half) & (height > low) & (height < high) & (kind > 0)


def strained(curves: np.ndarray, rng: np.random.Generator) -> dict[str, tuple]:
    """Targets of strains (frame, curve) with errors."""
    off = rng.normal(0, STRAIN_OFFSET, len(CURVES)) + rng.normal(0, STRAIN_NOISE, curves.shape)
    off[0] = 0
    directions, segments = zip(*CURVES, strict=True)
    return {
        "strain": (("curve", "time"), (curves + off).T),
        "strain_sigma": (("curve", "time"), np.full(curves.T.shape, STRAIN_OFFSET)),
        "strain_seen": (("curve", "time"), np.ones(curves.T.shape, dtype=bool)),
        "strain_direction": (("curve",), list(directions)),
        "strain_segment": (("curve",), list(segments)),
    }


def twin(number: int, source: Solid, solid: Solid, strains: bool) -> dict[str, float]:
    """Errors in %, forward solves, CPU seconds, the mean standard deviation of the shares of segments 1 to 16, and how
    many infarcted and other segments are called rightly."""
    rng, start = np.random.default_rng([7, number]), time.process_time()
    scar = planted(source.anatomy, number % len(HEIGHTS), rng)
    stiffness, tension = rng.uniform(1.2, 3.0), TENSION * rng.uniform(0.9, 1.3)
    seen = source.moved(scar, stiffness, tension)
    goal = seen[:, :COUNT] / source.rest[:COUNT] * solid.rest[:COUNT]
    goal[1:, 0] += NOISE * solid.rest[0] * rng.standard_normal(len(goal) - 1)
    goal[1:, 1:] += rng.normal(0, RADIUS_OFFSET, COUNT - 1) + rng.normal(0, RADIUS_NOISE, (len(goal) - 1, COUNT - 1))
    wanted = aims(goal, PRESSURE, 1.5, 100.0, 800.0).assign(strained(seen[:, COUNT:], rng) if strains else {})
    options, healthy = Calibration(contraction={"fitted": True}), np.zeros(solid.anatomy.sizes["cell"], np.int64)
    found = calibration.calibrate(solid.anatomy, wanted, healthy, options, Mechanics())
    sector = source.anatomy["segment"].values - 1
    share = np.bincount(sector, scar, 17) / np.bincount(sector, minlength=17)
    return {
        "stiffness_error": 100 * (float(found.stiffness) / stiffness - 1),
        "tension_error": 100 * (float(found.tension.max()) / tension.max() - 1),
        "forward_solves": float(found.forward_solves),
        "share_sigma": float(np.sqrt(np.diag(found.covariance.values)[-17:-1]).mean()),
        "cpu_seconds": time.process_time() - start,
        **recognition(share, found.probability_lost.values),
    }


def summary(twins: list[dict[str, float]]) -> dict[str, float]:
    """Medians of the sizes of errors, most solves, and sensitivity and specificity with their 90 % intervals."""
    columns = {key: np.array([one[key] for one in twins]) for key in twins[0]}
    figures = {f"{name}_error_median": np.median(np.abs(columns[f"{name}_error"])) for name in ("stiffness", "tension")}
    figures |= {"twins": len(twins), "forward_solves": columns["forward_solves"].max()}
    figures |= {"share_sigma": columns["share_sigma"].mean()}
    for name, hits, count in (("sensitivity", "found", "infarcted"), ("specificity", "spared", "sound")):
        right, segments = columns[hits].sum(), columns[count].sum()
        low, high = wilson(right, segments)
        figures |= {name: right / segments, f"{name}_low": low, f"{name}_high": high, f"{name}_segments": segments}
    return figures


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--twins", type=int, default=12)
    parser.add_argument("--first", type=int, default=0, help="number of the first twin")
    parser.add_argument("--strains", action="store_true", help="strains of segments are seen as well")
    options = parser.parse_args()
    source, solid, twins = Solid(12.0), Solid(17.0), []
    for number in range(options.first, options.first + options.twins):
        try:
            twins.append(twin(number, source, solid, options.strains))
        except Quarantined as verdict:
            print(f"{number}: {verdict.code}: {verdict}")
            continue
        print(number, ", ".join(f"{key} {value:.2f}" for key, value in twins[-1].items()), flush=True)
    print(json.dumps({name: round(float(value), 3) for name, value in summary(twins).items()}))


if __name__ == "__main__":
    main()
