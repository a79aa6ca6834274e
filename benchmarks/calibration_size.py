"""What the calibration of one heart costs by the number of elements: CPU minutes, memory, and what it finds.

envs/run python benchmarks/calibration_size.py [--only NAME ...] [--patient results/demo/phantom-01]

The labels and the clinical file of a finished patient are meshed ever finer, and calibrated as config.yaml says. NAME
is one of SIZES: edge length (mm), layers of elements, the elements. Every run is a process of its own on one core. Its
forms are compiled before, on the coarsest mesh without a fit. A line for each run, the last line is one JSON object:
``cpu_minutes_by_size``, ``forward_solves_by_size``, ``peak_gib_by_size`` (of the process).
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

from apart import apart

from twinbeat import calibration, fibers, mesh, store
from twinbeat.intake.clinical import Clinical
from twinbeat.parameters import Calibration, Fibers, Mechanics, Mesh

SIZES = {
    "2k": (12.0, 2, "taylor-hood"),
    "2k-p1": (12.0, 2, "equal-order"),
    "20k-th": (4.2, 3, "taylor-hood"),
    "20k": (4.2, 3, "equal-order"),
    "60k": (2.75, 4, "equal-order"),
    "200k": (1.8, 6, "equal-order"),
}
USUAL = ("2k", "2k-p1", "20k", "60k")


def main() -> None:
    """Run what was asked for, print a line for each and the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=SIZES, default=USUAL)
    parser.add_argument("--patient", type=Path, default=Path("results/demo/phantom-01"))
    options = parser.parse_args()
    runs = {}
    for name in options.only:
        runs[name] = apart("calibration_size", name, str(options.patient))
        print(name, json.dumps(runs[name]), flush=True)
    kinds = ("cpu_minutes", "forward_solves", "peak_gib")
    figures = {f"{kind}_by_size": {name: run[kind] for name, run in runs.items()} for kind in kinds}
    print(json.dumps(figures | {"runs": runs}))


def measure() -> None:
    """Calibrate the patient that argv names on the mesh that it names, and print the figures."""
    (size, layers, elements), patient = SIZES[sys.argv[1]], Path(sys.argv[2])
    labels, clinical = store.open(patient / "labels.zarr"), Clinical.read(patient / "clinical.json")
    parameters = Mesh(size=f"{size} mm", layers=layers, percentile_dihedral="12 degree")
    anatomy = fibers.assign(mesh.build(labels, parameters), Fibers())
    tissue = fibers.tissue(anatomy, fibers.scarred(anatomy, labels, clinical.scar_segments), Fibers().border_zone)
    options, start = Calibration(), time.process_time()
    targets = calibration.extract(labels, anatomy, clinical, options)
    found = calibration.calibrate(anatomy, targets, tissue, options, Mechanics(elements=elements))
    seconds, peak = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    figures = {
        "cells": anatomy.sizes["cell"],
        "cpu_minutes": round(seconds / 60, 2),
        "forward_solves": float(found.forward_solves),
        "cpu_seconds_per_solve": round(seconds / float(found.forward_solves), 1),
        "peak_gib": round(peak, 2),
        "stiffness": round(float(found.stiffness), 3),
        "peak_tension": round(float(found.tension.max()), 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
