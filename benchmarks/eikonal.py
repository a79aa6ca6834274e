"""The same heart activated by the monodomain and by the eikonal equation: how far apart, and what each takes.

envs/run python benchmarks/eikonal.py [--size "1 mm"] [--beat]

An ellipsoid of human size with default parameters. CPU seconds (user and system) of what comes after the mesh: tuning
and the loop over time, or velocities, arrival times and courses of single cells; each is run twice, and the second run
counts, when kernels are compiled and conductivities known. ``--beat`` goes on to repolarisation. The last line is JSON.
"""

import argparse
import json
import time

import numpy as np

from twinbeat import fibers
from twinbeat.electrophysiology import substrate, ventricle
from twinbeat.mesh import synthetic
from twinbeat.parameters import Electrophysiology, Fibers


def main() -> None:
    """Both, and how they compare."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--size", default="2 mm")
    arguments.add_argument("--beat", action="store_true")
    options = arguments.parse_args()
    until = "repolarisation" if options.beat else "activation"
    anatomy = fibers.assign(synthetic.ellipsoid(12.0, 2), Fibers())
    runs = {}
    for method in ("monodomain", "eikonal"):
        parameters = Electrophysiology(size=options.size, until=until, method=method)
        heart = substrate.build(anatomy, parameters, Fibers())
        for _ in range(2):
            start = time.process_time()
            wave, _ = ventricle.conduct(heart, parameters)
            seconds = time.process_time() - start
        runs[method] = wave, seconds
    (reference, slow), (wave, fast) = runs.values()
    early = wave.activation - reference.activation
    print(
        json.dumps(
            {
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
        )
    )


if __name__ == "__main__":
    main()
