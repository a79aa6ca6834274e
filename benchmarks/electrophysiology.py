"""Cost of the time loop of the Niederer slab (dx 0.2 mm, dt 0.05 ms) until P8 is activated, on one core.

envs/run python benchmarks/electrophysiology.py
"""

import json
import time
from importlib.metadata import version

from twinbeat.electrophysiology import niederer
from twinbeat.electrophysiology.propagation import propagate

SIZE, TIME_STEP = 0.2, 0.05


def main() -> None:
    """Run once and print the figures; the last line is JSON."""
    medium, points = niederer.slab(SIZE, TIME_STEP)
    corner = niederer.nearest(points, "P8")
    start = time.process_time()
    wave = propagate(medium, 150.0, watch=[corner])
    seconds = time.process_time() - start
    figures = {
        "loop_cpu_seconds": round(seconds, 3),
        "p8_ms": round(float(wave.activation[corner]), 3),
        "nodes": len(points),
        "steps": medium.steps,
        "ns_per_node_step": round(1e9 * seconds / medium.steps / len(points), 1),
        "stages": medium.stages,
    }
    print(
        f"Niederer slab, dx {SIZE} mm, dt {TIME_STEP} ms, gotranx {version('gotranx')}: {seconds:.1f} s CPU in the loop"
    )
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
