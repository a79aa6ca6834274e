"""Both ventricles of a phantom activated: when and where, what their electrocardiogram looks like, and what it takes.

envs/run python benchmarks/activation_both.py [--phantom 4] [--size "2 mm"] [--methods eikonal monodomain]

A phantom of ``benchmarks/meshing.py`` with default parameters to the end of its beat: by each method, then by the
eikonal equation without right roots, without left roots, and of the left ventricle alone. CPU seconds (user and system)
are those of meshing (Mmg, fibres) and of what comes after it, kernels compiled before. A line of JSON for each run:
``first`` and ``last`` are the ends of activation in ms of each wall, ``breakthrough`` when the right epicardium begins;
``last_place`` is the height (1 base) and the angle in degree from the middle of the septum, where it is latest in the
left wall; amplitudes are in mV, the largest and the smallest of the QRS complex.
"""

import argparse
import json
import time

import numpy as np
import xarray as xr
from meshing import labelled

from twinbeat import fibers, mesh
from twinbeat.electrophysiology import substrate, ventricle
from twinbeat.fibers.regions import EPICARDIUM, LEFT_WALL, RIGHT_WALL, cell_tags, on
from twinbeat.parameters import Electrophysiology, Fibers, Mesh

LEADS = ("I", "V1", "V2", "V5", "V6")
WALLS = {"left": LEFT_WALL, "right": RIGHT_WALL}
CHANGES = {"no right roots": {"right_roots": ()}, "no left roots": {"roots": ()}}


def main() -> None:
    """All runs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phantom", type=int, default=4)
    parser.add_argument("--size", default="2 mm")
    parser.add_argument("--methods", nargs="+", default=["eikonal", "monodomain"])
    options = parser.parse_args()
    labels = labelled(options.phantom)
    left, both = (fibers.assign(build(labels, Mesh()), Fibers()) for build in (mesh.build, mesh.build_biventricle))
    common = Electrophysiology(ventricles="both", size=options.size, until="repolarisation")
    heart, seconds = meshed(both, common)
    print(json.dumps({"meshing": seconds, "points": heart.whole.sizes["point"], "cells": heart.whole.sizes["cell"]}))
    quick = common.model_copy(update={"method": "eikonal"})
    runs = {method: common.model_copy(update={"method": method}) for method in options.methods}
    runs |= {name: quick.model_copy(update=change) for name, change in CHANGES.items()}
    for name, parameters in runs.items():
        print(json.dumps({"run": name} | activated(left, heart, parameters)), flush=True)
    alone = quick.model_copy(update={"ventricles": "left"})
    print(json.dumps({"run": "left alone"} | activated(left, meshed(left, alone)[0], alone)))


def meshed(anatomy: xr.Dataset, parameters: Electrophysiology) -> tuple[substrate.Substrate, float]:
    """The substrate, and CPU seconds that it took."""
    start = time.process_time()
    return substrate.build(anatomy, parameters, Fibers()), round(time.process_time() - start, 1)


def activated(left: xr.Dataset, heart: substrate.Substrate, parameters: Electrophysiology) -> dict[str, object]:
    """Figures of a run."""
    start = time.process_time()
    wave, told = ventricle.conduct(heart, parameters)
    seconds = time.process_time() - start
    found, times, tags = ventricle.result(left, heart, wave, told), wave.activation, cell_tags(heart.whole)
    walls = {name: np.unique(heart.whole["cells"].values[tags == tag]) for name, tag in WALLS.items() if tag in tags}
    figures = {
        "cpu_seconds": round(seconds, 1),
        "qrs": float(found.qrs_duration),
        "qt": round(float(found.qt_interval)),
        "first": {name: round(float(times[points].min()), 1) for name, points in walls.items()},
        "last": {name: round(float(times[points].max()), 1) for name, points in walls.items()},
        "last_place": place(heart.whole, walls["left"][times[walls["left"]].argmax()]),
        "speed_ratio": round(ventricle.speed_ratio(heart.muscle, times, heart.normal, parameters), 2),
        "amplitudes": {lead: extremes(found, lead) for lead in LEADS},
    }
    if "right" in walls:
        outside = np.intersect1d(on(heart.whole, EPICARDIUM), np.setdiff1d(walls["right"], walls["left"]))
        figures["breakthrough"] = round(float(times[outside].min()), 1)
    return figures


def place(whole: xr.Dataset, point: int) -> list[float]:
    """Height and angle in degree of a point."""
    height, angle = (float(whole[name].values[point]) for name in ("longitudinal", "circumferential"))
    return [round(height, 2), round(float(np.degrees(angle)))]


def extremes(found: xr.Dataset, lead: str) -> list[list[float]]:
    """Largest and smallest value of a lead in the QRS complex, each with its time in ms after its begin."""
    onset, end = int(found.qrs_onset), int(found.qrs_onset + found.qrs_duration)
    course = found.ecg.sel(lead=lead).values[onset : end + 1]
    return [[round(float(course[at]), 2), int(at)] for at in (course.argmax(), course.argmin())]


if __name__ == "__main__":
    main()
