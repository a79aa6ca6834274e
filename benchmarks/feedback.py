"""What a beat that acts back on its wave changes: activation, electrocardiogram, beat, and what it costs.

envs/run python benchmarks/feedback.py [OPTIONS]

Takes the stores of a patient (by default phantom-01 of the demo: run `make demo` first), or with ``--coarse`` an
ellipsoid of 225 elements, and prints figures of the beat by cells without and with feedback: ``--conduction``, and the
channels' ``--conductance``. The last line is one JSON object.
"""

import argparse
import json
import logging
import re
import time
from pathlib import Path

import numpy as np
import xarray as xr
from electromechanics import coarse, patient
from mpi4py import MPI

from twinbeat import electromechanics, electrophysiology
from twinbeat.parameters import Beat, Electrophysiology, Fibers, Mechanics
from twinbeat.whatif import figures

ROOT = Path(__file__).parents[1]


class Told(logging.Handler):
    """Prints how beats and feedback change, and keeps the largest change of activation (ms) and calcium (µM)."""

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[tuple[float, ...]] = []

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        if said.startswith(("beat ", "feedback: ")):
            print(said, flush=True)
        if said.startswith("feedback: "):
            self.changes.append(tuple(map(float, re.findall(r"\d+\.\d+", said))))


def chosen() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patient", type=Path, default=ROOT / "results/demo/phantom-01")
    parser.add_argument("--coarse", action="store_true")
    parser.add_argument("--step", default="20 ms")
    parser.add_argument("--cell", default="tentusscher_panfilov_2006_epi")
    parser.add_argument("--elements", default="taylor-hood")
    parser.add_argument("--size", default="2 mm", help="of the electrical mesh")
    parser.add_argument("--conduction", action="store_true")
    parser.add_argument("--conductance", default="0 mS/uF")
    return parser.parse_args()


def durations(wave: xr.Dataset) -> float:
    """Mean duration of the action potential in ms."""
    return float((wave.fine_repolarisation - wave.fine_activation).mean())


def main() -> None:
    """Print the figures."""
    options, told, clock = chosen(), Told(), [time.process_time()]
    logging.getLogger("twinbeat").addHandler(told)
    logging.getLogger("twinbeat").setLevel(logging.INFO)
    stores, clinical = coarse() if options.coarse else patient(options.patient)
    keys = {"cell": options.cell, "size": options.size, "until": "repolarisation"}
    feedback = {"conduction": options.conduction, "conductance": options.conductance}
    wave = Electrophysiology(**keys, feedback=feedback)
    still = electrophysiology.activate(stores[0], wave, Fibers())
    clock.append(time.process_time())
    settings, mechanics = Beat(time_step=options.step, contraction="land_2017", beats=12), options.elements
    given = stores[0], stores[1], still, stores[3], clinical, settings, Mechanics(elements=mechanics), MPI.COMM_SELF
    usual = electromechanics.simulate(*given, electrophysiology=wave)
    clock.append(time.process_time())
    back = electromechanics.Feedback(electromechanics.Electrics(wave, Fibers()), stores[0], stores[1], still)
    found = electromechanics.simulate(*given, electrophysiology=wave, feedback=back)
    clock.append(time.process_time())
    moved = back.wave()
    clock.append(time.process_time())
    for name, value in figures(still, usual).items():
        print(f"{name}: {value:.2f}, with feedback {figures(moved, found)[name]:.2f}")
    late = np.abs(moved.fine_activation - still.fine_activation)
    result = dict(zip(("wave", "beat", "beat_with_feedback", "wave_with_feedback"), np.diff(clock), strict=True))
    result = {f"{name}_cpu_seconds": value for name, value in result.items()} | {
        "rounds": len(told.changes),
        "last_change_ms": told.changes[-1][0],
        "activation_change_mean_ms": float(late.mean()),
        "activation_change_largest_ms": float(late.max()),
        "duration_ms": durations(still),
        "duration_with_feedback_ms": durations(moved),
        "tension_scale": usual.attrs["tension_scale"],
        "tension_scale_with_feedback": found.attrs["tension_scale"],
    }
    print(json.dumps({name: round(float(value), 4) for name, value in result.items()}))


if __name__ == "__main__":
    main()
