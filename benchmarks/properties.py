"""Scar stiffness, pericardium and passive stiffness, planted on one mesh and sought on another: which motion tells.

envs/run python benchmarks/properties.py [--only NAME ...] [--fine 14] [--coarse 20]

An ellipsoid with scar in segments 7, 8, 13 and 14, which the twin is told of, five times as stiff as muscle, in a
pericardium twice as stiff as the configuration says, in the 14 frames of ``make verify``, five of them relaxed. The
truth is on tetrahedra of ``--fine`` mm, the twin on ``--coarse`` mm. Volumes are off by 1 % of end-diastole, each
segment's radius by 1 mm in all frames alike and 0.5 mm in each, its strains about and along the axis by 0.03 in all
frames alike and 0.01 in each. NAME is one of CASES: what the twin looks for, and what it sees. A quarter of a CPU
minute each. A line for each case says what was found, its 90 % interval and the share of the prior's variance that the
data took away; the last line is one JSON object.
"""

import argparse
import json
import time

import numpy as np
import xarray as xr
from mpi4py import MPI

from twinbeat import calibration, fibers
from twinbeat.assessment import interval
from twinbeat.calibration import scales, targets
from twinbeat.calibration.observations import Observations
from twinbeat.calibration.problem import Frames, Problem
from twinbeat.calibration.strains import Strains
from twinbeat.calibration.windows import SEGMENTS
from twinbeat.evidence.calibration import NOISE, PRESSURE, STIFFNESS, TENSION, aims
from twinbeat.mechanics import ENDOCARDIUM, EPICARDIUM, contractile, problems
from twinbeat.parameters import Calibration, Mechanics

SCAR = (7, 8, 13, 14)
PLANTED = {"scar_stiffening": 5.0, "pericardium": 2.0}
RADIUS_OFFSET, RADIUS_NOISE, RADIUS_SIGMA, EPICARDIAL_SIGMA = 1.0, 0.5, 1.5, 2.0  # mm
STRAIN_OFFSET, STRAIN_NOISE = 0.03, 0.01
WALLS = (ENDOCARDIUM, EPICARDIUM)
CURVES = [(direction, segment) for direction in ("circumferential", "longitudinal") for segment in range(1, 17)]
COUNT = 1 + 2 * SEGMENTS
SCARRED, ENCLOSED = {"scar_stiffening": {"fitted": True}}, {"pericardium": {"fitted": True}}
TOLD = {name: {"fitted": True, "likely": value, "spread": 0.01} for name, value in PLANTED.items()}
CASES = {
    "neither": ({}, ()),
    "told": (TOLD, ()),
    "scar": (SCARRED, ()),
    "pericardium": (ENCLOSED, ()),
    "both": (SCARRED | ENCLOSED, ()),
    "both-starts": (SCARRED | ENCLOSED | {"starts": 3}, ()),
    "both-epicardium": (SCARRED | ENCLOSED, ("epicardial_radius",)),
    "both-strains": (SCARRED | ENCLOSED, ("strain",)),
    "both-all": (SCARRED | ENCLOSED, ("epicardial_radius", "strain")),
}
"""What differs in ``calibration``, and the targets beside volumes and endocardial radii, by name."""


def solid(size: float) -> tuple[Problem, np.ndarray, xr.Dataset]:
    """The ellipsoid with tetrahedra of ``size`` mm of which all is seen, its tissue (cell,) and its anatomy."""
    ventricle, mapping, anatomy = problems.human(MPI.COMM_SELF, size, 1)
    tissue = fibers.tissue(anatomy, np.isin(anatomy["segment"].values, SCAR), 0.0)
    scaled = scales.sought(ventricle, (tissue == fibers.SCAR)[mapping.cells], Calibration(**SCARRED, **ENCLOSED))
    strains = Strains(ventricle, anatomy, mapping.cells, CURVES)
    observations = Observations(ventricle, targets.of_mesh(anatomy), WALLS, strains)
    count = len(PRESSURE) - 1
    frames = Frames(*np.zeros((2, count)), *np.zeros((2, count, COUNT + len(CURVES))), TENSION[1:] > 0)
    return Problem(ventricle, contractile(tissue)[mapping.cells], observations, frames, scaled=scaled), tissue, anatomy


def moved(problem: Problem) -> np.ndarray:
    """Observations (frame, 33 + 32) of the planted heart; volume and radii as ratios to those at end-diastole."""
    problem.unload(STIFFNESS, PRESSURE[0], np.log([PLANTED[each.name] for each in problem.scaled]))
    seen = [problem.observations.values()]
    for tension, pressure in zip(TENSION[1:], PRESSURE[1:], strict=True):
        problem.load(tension, pressure)
        problem.ventricle.solve()
        seen.append(problem.observations.values())
    return np.array(seen) / np.append(seen[0][:COUNT], np.ones(len(CURVES)))


def wanted(planted: np.ndarray, problem: Problem) -> xr.Dataset:
    """Targets of all that is seen, on the twin's mesh, with errors of the images."""
    rng, rest = np.random.default_rng(2026), problem.observations.values()[:COUNT]
    goal, strain = planted[:, :COUNT] * rest, planted[:, COUNT:].copy()
    goal[1:, 0] += NOISE * rest[0] * rng.standard_normal(len(goal) - 1)
    goal[1:, 1:] += _off(rng, goal[1:, 1:].shape, RADIUS_OFFSET, RADIUS_NOISE)
    strain[1:] += _off(rng, strain[1:].shape, STRAIN_OFFSET, STRAIN_NOISE)
    outer, (directions, segments) = goal[:, 1 + SEGMENTS :].T, zip(*CURVES, strict=True)
    return aims(goal[:, : 1 + SEGMENTS], PRESSURE, RADIUS_SIGMA, 60.0, 850.0).assign(
        epicardial_radius=(("segment", "time"), outer),
        epicardial_radius_sigma=(("segment", "time"), np.full(outer.shape, EPICARDIAL_SIGMA)),
        strain=(("curve", "time"), strain.T),
        strain_sigma=(("curve", "time"), np.full(strain.T.shape, STRAIN_OFFSET)),
        strain_seen=(("curve", "time"), np.ones(strain.T.shape, dtype=bool)),
        strain_direction=(("curve",), list(directions)),
        strain_segment=(("curve",), list(segments)),
    )


def _off(rng: np.random.Generator, shape: tuple[int, int], offset: float, noise: float) -> np.ndarray:
    """Errors (frame, value) that all frames have in common, and those of each."""
    return rng.normal(0, offset, shape[1]) + rng.normal(0, noise, shape)


def sought(name: str, seen: xr.Dataset, tissue: np.ndarray, anatomy: xr.Dataset) -> dict[str, float]:
    """What the twin of a case finds: errors in %, factors with their 90 % intervals and what the data know of them."""
    start, (options, more) = time.process_time(), CASES[name]
    unseen = {"epicardial_radius", "strain"} - set(more)
    seen = seen.drop_vars([each for each in seen if any(str(each).startswith(one) for one in unseen)])
    found = calibration.calibrate(anatomy, seen, tissue, Calibration(**options), Mechanics())
    figures = {
        "stiffness_error": 100 * (float(found.stiffness) / STIFFNESS - 1),
        "tension_error": 100 * (float(found.tension.max()) / TENSION.max() - 1),
        "stiffness_sigma": 100 * float(np.sqrt(found.covariance.values[0, 0])),
        "misfit": float(found.misfit[-1]),
        "forward_solves": float(found.forward_solves),
        "cpu_seconds": time.process_time() - start,
    }
    for factor in PLANTED:
        if factor in found:
            at = found.parameter.values.tolist().index(f"ln {factor}")
            low, high = interval(float(np.log(found[factor])), float(np.sqrt(found.covariance.values[at, at])))
            figures |= {factor: float(found[factor]), f"{factor}_low": np.exp(low), f"{factor}_high": np.exp(high)}
            figures[f"{factor}_known"] = float(found.known[at])
    return figures


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--fine", type=float, default=14.0, help="mm")
    parser.add_argument("--coarse", type=float, default=20.0, help="mm")
    options = parser.parse_args()
    planted = moved(solid(options.fine)[0])
    problem, tissue, anatomy = solid(options.coarse)
    seen, cases = wanted(planted, problem), {}
    for name in options.only:
        cases[name] = sought(name, seen, tissue, anatomy)
        print(name, ", ".join(f"{key} {value:.2f}" for key, value in cases[name].items()), flush=True)
    print(json.dumps({name: {key: round(value, 3) for key, value in one.items()} for name, one in cases.items()}))


if __name__ == "__main__":
    main()
