"""Meshes of the left ventricle and of both: speed, quality, memory, and how many phantoms pass all gates.

envs/run python benchmarks/meshing.py [--phantoms 500] [--both 40] [--first 0] [--size 1.4] [--edge 3]
         [--generator stuffing] [--large left]
envs/run python benchmarks/meshing.py --results results/demo

A phantom is a heart of one of four phenotypes in turn, seen as a short-axis stack with breath-hold shifts; meshes are
made from its truth labels at end-diastole. Each large mesh is made in a process of its own, whose peak memory is told
(that of the libraries alone is about 0.3 GB). Seconds are of this process's CPU time, so that other work on the machine
does not count. The last line is one JSON object; names that begin with ``left_`` are of the left ventricle alone, and
``curvature_`` are 99th percentiles over the edges of a surface, in 1/mm. With ``--large``, only that large mesh is
made. With ``--results``, both meshes are made at the default size from the labels of each patient that a run has left:
``contours_left`` and ``contours_both`` are the root mean square distances in mm of the contours from the smooth
surfaces.
"""

import argparse
import json
import logging
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import xarray as xr

from twinbeat import mesh, store
from twinbeat.evidence.segmentation import PHENOTYPES, phantom
from twinbeat.mesh import quality
from twinbeat.mesh.biventricle import build_biventricle
from twinbeat.parameters import Mesh
from twinbeat.verdicts import Quarantined

LARGE = Mesh(size="1.15 mm", layers=8)


def labelled(seed: int) -> xr.Dataset:
    """Truth labels of a phantom at end-diastole, as segmentation would store them."""
    truth = phantom(seed, PHENOTYPES[seed % len(PHENOTYPES)], 1)[["labels", "origin", "directions"]]
    shares = np.stack([(truth["labels"].values == label).astype(np.float32) for label in range(4)])
    return truth.assign(probability=(("label", "time", "z", "y", "x"), shares), end_diastole=((), 0))


def large(which: str, size: float) -> dict[str, float]:
    """Figures of one large mesh."""
    labels = labelled(2)
    parameters = Mesh(biventricle={"size": f"{size} mm"}) if which == "both" else LARGE
    build = build_biventricle if which == "both" else mesh.build
    begin = time.process_time()
    made = build(labels, parameters)
    seconds = time.process_time() - begin
    found = quality.figures(made["points"].values, made["cells"].values)
    bent = made["curvature"].values if which == "both" else ()
    return {
        "tets": made.sizes["cell"],
        "tets_per_second": made.sizes["cell"] / seconds,
        "min_dihedral": found["minimum_dihedral"],
        "p1_dihedral": found["percentile_dihedral"],
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
        **dict(zip(("curvature_lv", "curvature_rv", "curvature_epicardium"), map(float, bent), strict=False)),
    }


def apart(which: str, size: float) -> dict[str, float]:
    """The figures of ``large``, from a process of its own."""
    command = [sys.executable, __file__, "--large", which, "--size", str(size)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def passed(
    build: Callable[[xr.Dataset, Mesh], xr.Dataset], labels: xr.Dataset, seed: int, parameters: Mesh
) -> int | None:
    """How many cells a mesh has that passes all gates; says why not."""
    begin = time.process_time()
    try:
        made = build(labels, parameters)
    except Quarantined as stopped:
        print(f"phantom {seed}, {PHENOTYPES[seed % len(PHENOTYPES)]}: {build.__name__}: {stopped.code}: {stopped}")
        return None
    rms = ", ".join(f"{value:.2f}" for value in made["contour_rms"].values)
    text = f"phantom {seed}: {build.__name__}: {made.sizes['cell']} cells, contours {rms} mm"
    print(f"{text}, {time.process_time() - begin:.1f} s", flush=True)
    return made.sizes["cell"]


def patients(results: Path) -> dict[str, dict[str, list[float]]]:
    """How far the contours of each patient of a run are off the surfaces of both meshes, and how those are curved."""
    found = {}
    for path in sorted(results.glob("*/labels.zarr")):
        labels = store.open(path)
        left, both = mesh.build(labels, Mesh()), build_biventricle(labels, Mesh())
        figures = {
            "contours_left": left["contour_rms"],
            "contours_both": both["contour_rms"],
            "curvature": both["curvature"],
        }
        rounded = {name: value.values.round(3).tolist() for name, value in figures.items()}
        found[path.parent.name] = rounded
    return found


def chosen(options: argparse.Namespace) -> Mesh:
    """The parameters of the phantoms' meshes."""
    return Mesh(biventricle={"size": f"{options.edge} mm", "generator": options.generator})


def share(cells: list[int | None]) -> float:
    """Of the meshes that passed."""
    return float(np.mean([found is not None for found in cells]))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phantoms", type=int, default=12, help="hearts whose left ventricle is meshed")
    parser.add_argument("--both", type=int, default=4, help="the first of them, of which both ventricles are meshed")
    parser.add_argument("--first", type=int, default=0, help="go on with this phantom, without the large meshes")
    parser.add_argument("--size", type=float, default=1.4, help="edge length in mm of the large mesh of both")
    parser.add_argument("--edge", type=float, default=3.0, help="edge length in mm of the phantoms' meshes of both")
    parser.add_argument("--generator", choices=("stuffing", "cgal"), default="stuffing", help="of those meshes")
    parser.add_argument("--large", choices=("left", "both"), help="only this large mesh, in this process")
    parser.add_argument("--results", type=Path, help="only the patients of this run, such as results/demo")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if options.results:
        print(json.dumps(patients(options.results)))
        return
    if options.large:
        print(json.dumps(large(options.large, options.size)))
        return
    left, both, parameters = [], [], chosen(options)
    for seed in range(options.first, options.phantoms):
        labels = labelled(seed)
        left.append(passed(mesh.build, labels, seed, parameters))
        both += [passed(build_biventricle, labels, seed, parameters)] if seed < options.both else []
    figures = {} if options.first else apart("both", options.size)
    figures |= {"pass_rate": share(both), "phantoms": len(both)} if both else {}
    figures |= {"fewest_tets": min(filter(None, both)), "most_tets": max(filter(None, both))} if any(both) else {}
    figures |= {} if options.first else {f"left_{name}": value for name, value in apart("left", options.size).items()}
    figures |= {"left_pass_rate": share(left), "left_phantoms": len(left)}
    print(json.dumps({name: round(float(value), 4) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
