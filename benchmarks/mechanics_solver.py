"""What solving large hearts costs: iterations, CPU seconds and memory by size, beside MUMPS; and seconds per beat.

envs/run python benchmarks/mechanics_solver.py [--only NAME ...]

NAME is one of RUNS (a mesh of SIZES, with -th for taylor-hood elements and -mumps for factorisations), or ``beat``,
``beat-p1`` or ``beat-both``. Every run is a process of its own on one core: the human-sized ellipsoid (26 to 36 by 62
to 70 mm, fibres from +60 to -60 degrees, C = 2 kPa) is inflated to 1.2 kPa and contracts with 60 kPa against 12 kPa.
Compilation of the forms is not counted (a coarse mesh is solved first), all else from the mesh on is. Figures of the
last line, one JSON object:

- ``iterations_by_size``: cells -> mean linear iterations per solve of Newton's method (equal-order elements);
  ``iterations_by_size_taylor_hood`` likewise.
- ``cpu_seconds_by_size``, ``peak_gib_by_size``: of those runs; ``ratio_to_mumps_by_size``: MUMPS's seconds over theirs.
- ``beat_cpu_seconds``, ``beat_p1_cpu_seconds``: a beat of a left ventricle of 8,820 tetrahedra with default parameters
  (taylor-hood and equal-order), its unloading and the fit of the circulation included; ambit-fe: BASELINE.
- ``beat_both_cpu_seconds``: likewise of both ventricles, 9,630 tetrahedra, equal-order, with the states that the closed
  forms of both pumps learn from.
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
from apart import apart
from mpi4py import MPI

from twinbeat import beat, biventricle, fibers
from twinbeat.mechanics import Ventricle, problems
from twinbeat.parameters import Beat, Fibers, Mechanics

SIZES = {"10k": (5.6, 3), "50k": (3.0, 4), "160k": (2.0, 6), "500k": (1.32, 8)}
"""Edge length (mm) and layers of elements."""
RUNS = {
    "10k": ("equal-order", "iterative"),
    "10k-mumps": ("equal-order", "direct"),
    "10k-th": ("taylor-hood", "iterative"),
    "10k-th-mumps": ("taylor-hood", "direct"),
    "50k": ("equal-order", "iterative"),
    "50k-mumps": ("equal-order", "direct"),
    "50k-th": ("taylor-hood", "iterative"),
    "160k": ("equal-order", "iterative"),
    "160k-mumps": ("equal-order", "direct"),
    "500k": ("equal-order", "iterative"),
}
BASELINE = 700.0
"""CPU seconds of ambit-fe 1.3 for a beat of 500 steps on 9,046 tetrahedra of two ventricles (extrapolated)."""

BEATS = {"beat": "taylor-hood", "beat-p1": "equal-order"}
BOTH = "beat-both"
TESTS = Path(__file__).parents[1] / "tests"
COMM = MPI.COMM_SELF


def main() -> None:
    """Run what was asked for, print a line for each and the figures."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [*RUNS, *BEATS, BOTH]
    arguments.add_argument("--only", nargs="+", choices=names, default=names)
    runs = {}
    for name in arguments.parse_args().only:
        runs[name] = apart("mechanics_solver", name, paths=[TESTS])
        print(name, json.dumps(runs[name]), flush=True)
    print(json.dumps(headline(runs) | {"runs": runs}))


def measure() -> None:
    """Solve the run that argv names, and print its figures."""
    name = sys.argv[1]
    if name in BEATS or name == BOTH:
        print(json.dumps(a_beat_of_both() if name == BOTH else a_beat(BEATS[name])))
        return
    elements, solver = RUNS[name]
    inflate_and_contract(20.0, 1, elements, solver)
    print(json.dumps(inflate_and_contract(*SIZES[name.split("-")[0]], elements, solver)))


def inflate_and_contract(size: float, layers: int, elements: str, solver: str) -> dict:
    """What it took to fill an ellipsoid and let it contract; the first of both is told on the way."""
    start = time.process_time()
    heart, _, anatomy = problems.human(COMM, size, layers, elements=elements, solver=solver)
    heart.stiffness.value, steps, volumes = 2.0, [], []
    for pressure, tension in ((1.2, 0.0), (12.0, 60.0)):
        heart.pressure.value, heart.tension.x.array[:] = pressure, tension
        steps.append(heart.solve())
        volumes.append(round(heart.cavity_volume(), 3))
        solves = getattr(heart.system, "solves", 0)
        found = {
            "cells": anatomy.sizes["cell"],
            "unknowns": heart.space.dofmap.index_map.size_global,
            "newton_steps": steps,
            "volumes_ml": volumes,
            "cpu_seconds": round(time.process_time() - start, 1),
            "peak_gib": peak(),
        } | ({"iterations": round(heart.system.taken / solves, 1)} if solves else {})
        print(json.dumps(found), file=sys.stderr, flush=True)
    return found


def a_beat(elements: str) -> dict:
    """The first beat of a twin like those of the tests, planted posterior and all, on 8,820 tetrahedra."""
    import twins  # of the tests; only the processes that ``apart`` starts see it

    mechanics, clinical = Mechanics(elements=elements), twins.clinical()
    short, once = Beat(time_step="400 ms", beats=1, steady=np.inf), Beat(beats=1, steady=np.inf)
    beat.simulate(*twins.twin(COMM, elements="equal-order").values(), clinical, short, mechanics, COMM)
    stores = twins.twin(COMM, 6.0, 3, elements="equal-order")
    start = time.process_time()
    found = beat.simulate(*stores.values(), clinical, once, mechanics, COMM)
    return {
        "cells": stores["anatomy"].sizes["cell"],
        "time_steps": found.sizes["time"],
        "cpu_seconds": round(time.process_time() - start, 1),
        "peak_gib": peak(),
        "ejection_fraction": round(found.attrs["ejection_fraction"], 2),
    }


def a_beat_of_both() -> dict:
    """The first beat of both ventricles: the same planted twin, and the heart by hand of the tests about it."""
    import hearts
    import twins

    twin, clinical = twins.twin(COMM, elements="equal-order"), twins.clinical()
    once = Beat(beats=1, steady=np.inf, ventricles="both")
    meshes = [fibers.assign(hearts.biventricle(size, layers), Fibers()) for size, layers in ((12.0, 1), (6.5, 3))]
    short = once.model_copy(update={"time_step": 400.0})
    biventricle.simulate(meshes[0], *twin.values(), clinical, short, Mechanics(), COMM)
    factorise, taken = Ventricle.factorise, []
    Ventricle.factorise = lambda ventricle, *damping: taken.append(1) or factorise(ventricle, *damping)
    start = time.process_time()
    found = biventricle.simulate(meshes[1], *twin.values(), clinical, once, Mechanics(), COMM)
    return {
        "cells": meshes[1].sizes["cell"],
        "unknowns": 4 * meshes[1].sizes["point"],
        "time_steps": found.sizes["time"],
        "factorisations": len(taken),
        "cpu_seconds": round(time.process_time() - start, 1),
        "peak_gib": peak(),
        "ejection_fraction": round(found.attrs["ejection_fraction"], 2),
        "stroke_volumes_ml": [round(float(np.ptp(found[name].values)), 2) for name in ("volume", "right_volume")],
    }


def peak() -> float:
    """Largest resident memory of this process, GiB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)


def headline(runs: dict[str, dict]) -> dict:
    """The figures by size, of the runs that were asked for."""
    found: dict = {}
    for name in SIZES:
        for suffix, key in (("", "iterations_by_size"), ("-th", "iterations_by_size_taylor_hood")):
            if run := runs.get(name + suffix):
                found.setdefault(key, {})[run["cells"]] = run["iterations"]
        if run := runs.get(name):
            found.setdefault("cpu_seconds_by_size", {})[run["cells"]] = run["cpu_seconds"]
            found.setdefault("peak_gib_by_size", {})[run["cells"]] = run["peak_gib"]
            if mumps := runs.get(f"{name}-mumps"):
                ratio = round(mumps["cpu_seconds"] / run["cpu_seconds"], 2)
                found.setdefault("ratio_to_mumps_by_size", {})[run["cells"]] = ratio
    for name in {*BEATS, BOTH} & runs.keys():
        found[f"{name.replace('-', '_')}_cpu_seconds"] = runs[name]["cpu_seconds"]
    return found | {"ambit_beat_cpu_seconds": BASELINE}


if __name__ == "__main__":
    main()
