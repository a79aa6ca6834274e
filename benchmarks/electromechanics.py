"""A twin from its action potential to its beat: activation, calcium, tension by the cells, deformation, circulation.

Takes the stores of a patient (by default phantom-01 of the demo: run `make demo` first) and prints CPU seconds of each
part and the beat beside the phenomenological one; ``--figure`` draws both. ``--coupling`` and ``--step`` choose the
scheme, ``--cell`` and ``--elements`` the cells and the elements, ``--coarse`` an ellipsoid of 225 elements instead of a
patient. The last line is one JSON object.
"""

import argparse
import json
import logging
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from mpi4py import MPI

from twinbeat import beat, electromechanics, electrophysiology, store
from twinbeat.electromechanics import kinds
from twinbeat.intake.clinical import Clinical
from twinbeat.parameters import Beat, Electrophysiology, Fibers, Mechanics
from twinbeat.units import KPA_PER_MMHG
from twinbeat.whatif import figures

ROOT = Path(__file__).parents[1]
NAMES = ("anatomy", "posterior", "activation", "targets")


class Rounds(logging.Handler):
    """Counts the beats of the three-dimensional heart."""

    number = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.number += record.getMessage().startswith("beat ")


def patient(folder: Path) -> tuple[list[xr.Dataset], Clinical]:
    """Stores and clinical values of a finished twin."""
    stores = [store.open(folder / f"{name}.zarr") for name in NAMES]
    return stores, Clinical.read(folder / "clinical.json")


def coarse() -> tuple[list[xr.Dataset], Clinical]:
    """The ellipsoid of the tests."""
    sys.path.insert(0, str(ROOT / "tests"))
    import twins

    return list(twins.twin(MPI.COMM_SELF).values()), twins.clinical()


def curves(found: xr.Dataset, usual: xr.Dataset, course: np.ndarray, path: Path) -> None:
    """Draw calcium, tension, pressure, volume and the loops: ours in black, the phenomenological beat in grey."""
    figure, axes = plt.subplots(2, 3, figsize=(11, 6), layout="constrained")
    calcium, tension, pressure, volume, loops, strain = axes.ravel()
    calcium.plot(np.arange(len(course)), course, "k")
    for one, color in ((usual, "0.6"), (found, "k")):
        p = one.pressure / KPA_PER_MMHG
        tension.plot(one.time, one.tension, color)
        pressure.plot(one.time, p, color)
        pressure.plot(one.time, one.aortic_pressure / KPA_PER_MMHG, color, linestyle=":")
        volume.plot(one.time, one.volume, color)
        loops.plot(np.append(one.volume, one.volume[0]), np.append(p, p[0]), color)
        strain.plot(one.time, one.fiber_strain.transpose("time", ...), color, linewidth=0.7)
    words = ("calcium, µM", "mean active stress, kPa", "LV and aortic pressure, mmHg", "volume, mL", "", "fibre strain")
    for axis, text in zip(axes.ravel(), words, strict=True):
        axis.set(ylabel=text, xlabel="time, ms")
    loops.set(xlabel="volume, mL", ylabel="pressure, mmHg")
    figure.savefig(path, dpi=110)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patient", type=Path, default=ROOT / "results/demo/phantom-01")
    parser.add_argument("--coarse", action="store_true")
    parser.add_argument("--coupling", default="strong")
    parser.add_argument("--step", default="20 ms")
    parser.add_argument("--cell", default="tentusscher_panfilov_2006_epi")
    parser.add_argument("--elements", default="taylor-hood")
    parser.add_argument("--unloaded-stretch", type=float, default=1.0)
    parser.add_argument("--figure", type=Path)
    options = parser.parse_args()
    rounds = Rounds()
    logging.getLogger("twinbeat").addHandler(rounds)
    logging.getLogger("twinbeat").setLevel(logging.INFO)
    (anatomy, posterior, activation, targets), clinical = coarse() if options.coarse else patient(options.patient)
    cells, mechanics = Electrophysiology(cell=options.cell), Mechanics(elements=options.elements)
    comm = MPI.COMM_SELF
    result, clock = {}, [time.process_time()]

    def lap(name: str) -> None:
        clock.append(time.process_time())
        result[f"{name}_cpu_seconds"] = clock[-1] - clock[-2]

    if not options.coarse:
        activation = electrophysiology.activate(anatomy, cells, Fibers())
        lap("activation")
    course = kinds.course(options.cell, cells, float(targets.cycle))
    lap("calcium")
    twin, time_step = (anatomy, posterior, activation, targets, clinical), options.step
    usual = beat.simulate(*twin, Beat(time_step=time_step), mechanics, comm)
    lap("phenomenological_beat")
    rounds.number = 0
    settings = Beat(time_step=time_step, contraction="land_2017", coupling=options.coupling, beats=10)
    settings = settings.model_copy(update={"unloaded_stretch": options.unloaded_stretch})
    found = electromechanics.simulate(*twin, settings, mechanics, comm, electrophysiology=cells)
    lap("beat")
    for name in figures(activation, usual):
        print(f"{name}: {figures(activation, usual)[name]:.1f}, by cells {figures(activation, found)[name]:.1f}")
    if options.figure:
        curves(found, usual, course, options.figure)
    result |= {
        "rounds": rounds.number,
        "ejection_fraction": found.attrs["ejection_fraction"],
        "ejection_fraction_phenomenological": usual.attrs["ejection_fraction"],
        "tension_scale": found.attrs["tension_scale"],
        "steadiness": float(found.steadiness),
        "elements": anatomy.sizes["cell"],
    }
    print(json.dumps({name: round(float(value), 4) for name, value in result.items()}))


if __name__ == "__main__":
    main()
