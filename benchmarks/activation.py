"""The same heart activated by the monodomain and by another equation: how far apart, and what each takes.

envs/run python benchmarks/activation.py [--method bidomain] [--size "1 mm"] [--beat]

An ellipsoid of human size with default parameters. CPU seconds (user and system) of what comes after the mesh: tuning
and the loop over time, or velocities, arrival times and courses of single cells; each is run twice, and the second run
counts, when kernels are compiled and conductivities known. ``--beat`` goes on to repolarisation, in a heart whose apex
points left, forward and down, and adds QRS and QT. The last line is JSON.
"""

import argparse
import json
import time

import numpy as np

from twinbeat import fibers
from twinbeat.electrophysiology import electrocardiogram, propagation, substrate, ventricle
from twinbeat.mesh import synthetic
from twinbeat.parameters import Electrophysiology, Fibers

LONG, SEPTUM = np.array([-0.7, 0.5, 0.5]), np.array([-0.7, -0.7, 0.0])  # LPS: from apex to base; about to the septum


def main() -> None:
    """Both, and how they compare."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--method", default="eikonal", choices=("eikonal", "bidomain"))
    arguments.add_argument("--size", default="2 mm")
    arguments.add_argument("--beat", action="store_true")
    options = arguments.parse_args()
    until = "repolarisation" if options.beat else "activation"
    anatomy = fibers.assign(synthetic.ellipsoid(12.0, 2).assign(to_lps=(("row", "column"), frame())), Fibers())
    runs = {}
    for method in ("monodomain", options.method):
        parameters = Electrophysiology(size=options.size, until=until, method=method)
        heart = substrate.build(anatomy, parameters, Fibers())
        for _ in range(2):
            start = time.process_time()
            wave, _ = ventricle.conduct(heart, parameters)
            seconds = time.process_time() - start
        runs[method] = wave, seconds
    (reference, slow), (wave, fast) = runs.values()
    early = wave.activation - reference.activation
    figures = {
        "method": options.method,
        "size": options.size,
        "until": until,
        "points": len(early),
        "mean_difference_ms": round(float(early.mean()), 2),
        "mean_absolute_difference_ms": round(float(np.abs(early).mean()), 2),
        "largest_difference_ms": round(float(np.abs(early).max()), 2),
        "last_activation_ms": [round(float(one.activation.max()), 1) for one in (reference, wave)],
        "cpu_seconds": [round(slow, 3), round(fast, 3)],
        "cpu_ratio": round(slow / fast, 1),
    }
    print(json.dumps(figures | (intervals([reference, wave]) if options.beat else {})))


def intervals(waves: list[propagation.Wave]) -> dict[str, list[float]]:
    """QRS and QT of each."""
    found = [electrocardiogram.intervals(electrocardiogram.twelve(wave.seen)) for wave in waves]
    return {"qrs_ms": [round(one.qrs, 1) for one in found], "qt_ms": [round(one.qt, 1) for one in found]}


def frame() -> np.ndarray:
    """From the heart frame to LPS."""
    third = LONG / np.linalg.norm(LONG)
    first = SEPTUM - SEPTUM @ third * third
    first /= np.linalg.norm(first)
    whole = np.eye(4)
    whole[:3, :3] = np.stack([first, np.cross(third, first), third], axis=1)
    return whole


if __name__ == "__main__":
    main()
