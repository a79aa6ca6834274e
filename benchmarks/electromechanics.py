"""A twin from its action potential to its beat: activation, calcium, tension by the cells, deformation, circulation.

envs/run python benchmarks/electromechanics.py [OPTIONS]

Takes the stores of a patient (by default phantom-01 of the demo: run `make demo` first) and prints CPU and wall seconds
of each part and the beat beside the phenomenological one; ``--figure`` draws both. ``--contraction``, ``--coupling``
and ``--step`` choose law and scheme, ``--cell``, ``--layered`` and ``--elements`` the cells and the elements.
``--fine`` meshes the patient for mechanics with some 30,000 elements and for activation with some 300,000, ``--beats
1`` stops after one heart beat; ``--coarse`` takes an ellipsoid of 225 elements instead of a patient. Under ``mpirun``
all ranks share the work, and seconds of the CPU are those of all of them. The last line is one JSON object.
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
from scipy.spatial import cKDTree

from twinbeat import beat, electromechanics, electrophysiology, fibers, store
from twinbeat.contraction import LAWS
from twinbeat.electromechanics import kinds
from twinbeat.intake.clinical import Clinical
from twinbeat.parameters import Beat, Electrophysiology, Fibers, Mechanics
from twinbeat.units import KPA_PER_MMHG
from twinbeat.whatif import figures

ROOT = Path(__file__).parents[1]
NAMES = ("anatomy", "posterior", "activation", "targets")
SIZE, LAYERS, ELECTRICAL = 4.0, 4, "1.45 mm"  # of the fine meshes
UNSTEADY = 1e3  # a gate that any beat passes
Twin = tuple[list[xr.Dataset], Clinical]


class Clock(logging.Handler):
    """CPU seconds (of all ranks) and wall seconds of parts, and of the beats of the three-dimensional heart."""

    def __init__(self, comm: MPI.Comm) -> None:
        super().__init__()
        self.comm, self.found, self.beats = comm, {}, []
        self.last = self.now()

    def now(self) -> tuple[float, float]:
        return time.process_time(), time.perf_counter()

    def since(self, last: tuple[float, float]) -> tuple[float, float]:
        cpu, wall = np.subtract(self.now(), last)
        return self.comm.allreduce(cpu), wall

    def lap(self, name: str) -> None:
        """Give a part the seconds since the last one."""
        self.found[f"{name}_cpu_seconds"], self.found[f"{name}_wall_seconds"] = self.since(self.last)
        self.last, self.beats, self.begun = self.now(), [], self.now()

    def emit(self, record: logging.LogRecord) -> None:
        """A beat of the heart ends."""
        if record.getMessage().startswith("beat "):
            self.beats.append(self.since(self.begun))
            self.begun = self.now()


def patient(folder: Path) -> Twin:
    """Stores and clinical values of a finished twin."""
    return [store.open(folder / f"{name}.zarr") for name in NAMES], Clinical.read(folder / "clinical.json")


def coarse() -> Twin:
    """The ellipsoid of the tests."""
    sys.path.insert(0, str(ROOT / "tests"))
    import twins

    return list(twins.twin(MPI.COMM_SELF).values()), twins.clinical()


def finer(anatomy: xr.Dataset, posterior: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """The same heart in some 30,000 elements; each has the properties of the element that was nearest."""
    fine = fibers.refine(anatomy, SIZE, LAYERS, Fibers())
    centres, targets = (mesh.points.values[mesh.cells.values].mean(axis=1) for mesh in (anatomy, fine))
    _, nearest = cKDTree(centres).query(targets)
    kept = posterior.drop_vars([name for name in posterior.variables if "point" in posterior[name].dims])
    return fine, kept.isel(cell=nearest)


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


def opening(found: xr.Dataset) -> float:
    """From when in ms on the pressure of the ventricle is above that of the arteries."""
    time, gap = found.time.values, (found.pressure - found.aortic_pressure).values
    after = int((gap > 0).argmax())
    return float(np.interp(0.0, gap[after - 1 : after + 1], time[after - 1 : after + 1]))


def chosen() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patient", type=Path, default=ROOT / "results/demo/phantom-01")
    parser.add_argument("--coarse", action="store_true")
    parser.add_argument("--fine", action="store_true")
    parser.add_argument("--alone", action="store_true", help="without the phenomenological beat")
    parser.add_argument("--contraction", default="land_2017")
    parser.add_argument("--coupling", default="strong")
    parser.add_argument("--step", default="20 ms")
    parser.add_argument("--beats", type=int, default=10, help="at most; fewer may not be steady")
    parser.add_argument("--cell", default="tentusscher_panfilov_2006_epi")
    parser.add_argument("--layered", action="store_true", help="ToR-ORd: endo, mid and, from 0.7 of the wall on, epi")
    parser.add_argument("--elements", default="taylor-hood")
    parser.add_argument("--unloaded-stretch", type=float, default=1.0)
    parser.add_argument("--figure", type=Path)
    return parser.parse_args()


def cells_of(options: argparse.Namespace) -> Electrophysiology:
    """The cells and the mesh of the activation."""
    keys = {"size": ELECTRICAL} if options.fine else {}
    if options.layered:
        keys["layers"] = [[0.3, "torord_dyncl_endo"], [0.7, "torord_dyncl_mid"]]
    return Electrophysiology(cell="torord_dyncl_epi" if options.layered else options.cell, **keys)


def beaten(options: argparse.Namespace, clock: Clock) -> tuple[xr.Dataset, xr.Dataset | None, xr.Dataset, np.ndarray]:
    """The beat by cells, the phenomenological one, the activation and the calcium of the outermost cells."""
    (anatomy, posterior, activation, targets), clinical = coarse() if options.coarse else patient(options.patient)
    if options.fine:
        anatomy, posterior = finer(anatomy, posterior)
    clock.found["elements"] = anatomy.sizes["cell"]
    cells, mechanics = cells_of(options), Mechanics(elements=options.elements)
    clock.lap("mesh")
    if not options.coarse:
        activation = electrophysiology.activate(anatomy, cells, Fibers(), comm=clock.comm)
        clock.found["electrical_elements"] = activation.sizes["fine_cell"]
        clock.lap("activation")
    law, longer = LAWS[options.contraction], options.unloaded_stretch
    course = kinds.course(cells.cell, cells, float(targets.cycle), law, longer)
    clock.lap("calcium")
    twin, usual = (anatomy, posterior, activation, targets, clinical), None
    if not options.alone:
        usual = beat.simulate(*twin, Beat(time_step=options.step), mechanics, clock.comm)
        clock.lap("phenomenological_beat")
    keys = {"contraction": options.contraction, "coupling": options.coupling, "unloaded_stretch": longer}
    steady = {"steady": UNSTEADY} if options.beats == 1 else {}
    settings = Beat(time_step=options.step, beats=options.beats, **keys, **steady)
    found = electromechanics.simulate(*twin, settings, mechanics, clock.comm, electrophysiology=cells)
    each = np.array(clock.beats)
    clock.found |= {"rounds": len(each), "one_beat_cpu_seconds": each[0, 0], "one_beat_wall_seconds": each[0, 1]}
    clock.lap("beat")
    return found, usual, activation, course


def main() -> None:
    """Print the figures."""
    options, clock = chosen(), Clock(MPI.COMM_WORLD)
    logging.getLogger("twinbeat").addHandler(clock)
    logging.getLogger("twinbeat").setLevel(logging.INFO)
    found, usual, activation, course = beaten(options, clock)
    shown = {"by cells": found} | ({} if usual is None else {"phenomenological": usual})
    for name, one in shown.items():
        print(f"{name}: start of ejection (ms): {opening(one):.1f}")
        print(*(f"{name}: {key}: {value:.1f}" for key, value in figures(activation, one).items()), sep="\n")
    result = clock.found | {name: found.attrs[name] for name in ("tension_scale", "ejection_fraction")}
    result |= {"steadiness": float(found.steadiness), "start_of_ejection_ms": opening(found)}
    result["end_of_ejection_ms"] = figures(activation, found)["end of ejection (ms)"]
    if usual is not None:
        result["ejection_fraction_phenomenological"] = usual.attrs["ejection_fraction"]
    if options.figure and usual is not None:
        curves(found, usual, course, options.figure)
    if clock.comm.rank == 0:
        print(json.dumps({name: round(float(value), 4) for name, value in result.items()}))


if __name__ == "__main__":
    main()
