"""The monodomain on a GPU, from the files of gpu_plans.py: python gpu.py FOLDER; the last line is JSON.

Needs NumPy, SciPy, CuPy and the library on PYTHONPATH, and nothing else of the environment; TorchCor and PyTorch where
they are installed. First every plan is run as on the CPU, and its times and voltages are compared. Then a beat of
1,000 ms is timed on a block of a million nodes with two models, beside the time in which memory could move its bytes at
the copy bandwidth measured before; an ensemble of currents on one mesh, beside one of its members alone; and the slab
of Niederer et al. 2011 at 0.1 mm until P8, beside TorchCor on the same GPU. Without a GPU all figures are null.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array, diags_array, kron

from twinbeat import device
from twinbeat.device.gpu import Machine
from twinbeat.device.wave import Marks

COUNTS = (160, 100, 64)  # nodes of the block
SIZE = 0.2  # mm, of its elements
STORAGE = 1.4  # µF/mm³
CONDUCTIVITIES = (0.1334177, 0.0176062, 0.0176062)  # mS/mm (Niederer et al. 2011)
BEAT = 1000.0  # ms
STREAM = 1 << 28  # numbers that a copy moves
KEYS = (
    "gpu", "gpu_copy_gigabytes_per_second", "gpu_largest_difference_ms", "gpu_largest_difference_mv",
    "gpu_fraction_of_bound", "gpu_ns_per_node_step", "gpu_cells_ns_per_node_step", "gpu_bytes_per_node_step",
    "gpu_beat_seconds", "gpu_torord_fraction_of_bound", "gpu_torord_ns_per_node_step",
    "gpu_torord_cells_ns_per_node_step", "gpu_torord_bytes_per_node_step", "gpu_torord_beat_seconds",
    "gpu_ensemble_ns_per_member_node_step", "gpu_ensemble_gain", "gpu_loop_seconds", "gpu_p8_ms",
    "gpu_torchcor_loop_seconds", "gpu_torchcor_p8_ms", "gpu_ratio_to_torchcor",
)  # fmt: skip
Figures = dict[str, Any]


def main() -> None:
    """All figures."""
    figures: Figures = {}
    try:
        machine = device.chosen("gpu")
    except device.NoGpu as error:
        print(f"There is no GPU here, and so no figure of one: {error}")
    else:
        folder = Path(sys.argv[1])
        figures = run(machine, folder)
        figures |= beside_torchcor(folder, figures)
    print(json.dumps({name: figures.get(name) for name in KEYS}))


def run(
    machine: Machine, folder: Path, counts: tuple[int, int, int] = COUNTS, beat: float = BEAT, stream: int = STREAM
) -> Figures:
    """All of ours; a test runs it on a small block without a GPU."""
    bandwidth = copy_bandwidth(machine, stream)
    figures: Figures = {"gpu": machine.name, "gpu_copy_gigabytes_per_second": round(bandwidth, 1)}
    say(figures)
    figures |= say(compared(machine, folder))
    for model, prefix in (("ttp06", "gpu"), ("torord", "gpu_torord")):
        plan = block(device.read(folder / f"{model}.npz"), counts)
        figures |= say(beaten(machine, plan, beat, bandwidth, prefix))
    figures |= say(ensemble(machine, folder, tuple(count // 2 for count in counts), beat / 10))
    return figures | say(slab(machine, folder))


def say(figures: Figures) -> Figures:
    """Figures as soon as they are there: a session may be cut off."""
    print(json.dumps(figures), flush=True)
    return figures


def copy_bandwidth(machine: Machine, stream: int) -> float:
    """Gigabytes per second, read and written, of a copy; the best of five."""
    source, target = machine.xp.ones(stream), machine.xp.zeros(stream)
    return 2 * 8 * stream / min(timed(machine, lambda: machine.xp.copyto(target, source)) for _ in range(5)) / 1e9


def timed(machine: Machine, work: Callable[[], Any]) -> float:
    """Seconds until it is done on the machine."""
    machine.wait()
    begun = time.perf_counter()
    work()
    machine.wait()
    return time.perf_counter() - begun


def compared(machine: Machine, folder: Path) -> Figures:
    """Differences to the CPU over all plans that come with what it found, until all has repolarised."""
    times, voltages = [], []
    for path in sorted(folder.glob("*.cpu.npz")):
        plan, expected = device.read(folder / path.name.replace(".cpu", "")), np.load(path)
        everywhere = np.ones(plan.size * plan.members, bool)
        course = device.propagate(device.Medium(machine, plan), float(expected["duration"]), 25.0, everywhere, 0.9)
        for name in ("activation", "repolarisation"):
            found = getattr(course, name)
            both = np.isfinite(found) & np.isfinite(expected[name])
            same = np.array_equal(np.isfinite(found), np.isfinite(expected[name]))
            times.append(float(np.abs(found - expected[name])[both].max()) if same else np.inf)
        voltages.append(float(np.abs(course.voltage - expected["voltage"]).max()))
        print(f"{path.name}: {times[-2]:.3g} and {times[-1]:.3g} ms, {voltages[-1]:.3g} mV", flush=True)
    return {"gpu_largest_difference_ms": max(times), "gpu_largest_difference_mv": max(voltages)}


def block(plan: device.Plan, counts: tuple[int, int, int], members: int = 1) -> device.Plan:
    """The plan's cells in a block of finite differences, stimulated at an edge."""
    rate = laplacian(counts)
    nodes = int(np.prod(counts))
    corner = np.zeros(counts[::-1], bool)
    corner[:, :8, :8] = True
    pulse = device.Pulse(0.0, np.where(corner.ravel(), 0.0, np.inf), 50.0 / STORAGE, 2.0)
    stages = int(np.ceil((np.sqrt(1 + 4 * plan.time_step * abs(rate).sum(axis=1).max()) - 1) / 2))
    cells = tuple(replace(one, nodes=None) for one in plan.cells[:1])
    return device.Plan(device.sliced(rate), nodes, plan.time_step, max(1, stages), cells, (pulse,), (), members)


def laplacian(counts: tuple[int, int, int]) -> csr_array:
    """The rate in 1/ms of seven-point finite differences, insulated, the first axis fastest."""
    lines = []
    for count, conductivity in zip(counts, CONDUCTIVITIES, strict=True):
        inside = np.full(count, -2.0)
        inside[[0, -1]] = -1
        line = diags_array([np.ones(count - 1), inside, np.ones(count - 1)], offsets=[-1, 0, 1])
        lines.append(line * (conductivity / STORAGE / SIZE**2))
    x, y, z = (diags_array(np.ones(count)) for count in counts)
    whole = kron(z, kron(y, lines[0])) + kron(z, kron(lines[1], x)) + kron(lines[2], kron(y, x))
    return csr_array(whole.tocsr())


def beaten(machine: Machine, plan: device.Plan, beat: float, bandwidth: float, prefix: str) -> Figures:
    """A beat with its activation and repolarisation, in time and beside what memory allows."""
    medium = device.Medium(machine, plan)
    marks = Marks(medium, np.ones(plan.size, bool), 0.9)

    def advance(until: float) -> None:
        while medium.time < until - 1e-9:
            medium.advance(*marks.arguments)

    advance(plan.time_step)  # compiles
    seconds = timed(machine, lambda: advance(beat + plan.time_step))
    print(f"{prefix}: {marks.left()} of {plan.size} nodes have not repolarised by {beat:g} ms", flush=True)
    ns, least = 1e9 * seconds / (round(beat / plan.time_step) * plan.size), bytes_per_node_step(plan)
    return {
        f"{prefix}_beat_seconds": round(seconds, 3),
        f"{prefix}_ns_per_node_step": round(ns, 4),
        f"{prefix}_cells_ns_per_node_step": round(cells_alone(machine, plan, beat / 25), 4),
        f"{prefix}_bytes_per_node_step": round(least, 1),
        f"{prefix}_fraction_of_bound": round(least / bandwidth / ns, 3),
    }


def cells_alone(machine: Machine, plan: device.Plan, when: float) -> float:
    """Nanoseconds per node-step of the cells' kernel, with the wave where it is at ``when`` ms."""
    medium = device.Medium(machine, plan)
    medium.run(when)
    after = medium.voltage.copy()
    return 1e9 * min(timed(machine, lambda: medium.react(medium.voltage, after)) for _ in range(20)) / plan.size


def bytes_per_node_step(plan: device.Plan) -> float:
    """What a step moves at least: each number that a kernel reads or writes once, with nothing kept between kernels.

    Cells: states read and written, the voltage read and written. A stage: its matrix, the voltage read and written, and
    that before (after the first). The last one: the voltage at the step's start, rest and peak.
    """
    matrix = sum(part.nbytes for part in plan.rate) / plan.size / plan.members
    states = sum(16.0 * (len(cells.states) - 1) for cells in plan.cells)
    return states + 16 + plan.stages * (matrix + 16) + (plan.stages - 1) * 8 + 24


def ensemble(machine: Machine, folder: Path, counts: tuple[int, int, int], duration: float) -> Figures:
    """Members that differ in two currents on one mesh, in one batch, and one of them alone."""
    batch = device.read(folder / "ensemble.npz")
    figures = []
    for plan in (block(batch, counts, batch.members), block(device.read(folder / "ttp06.npz"), counts)):
        medium = device.Medium(machine, plan)
        medium.run(1.0)
        until = medium.time + duration
        seconds = timed(machine, lambda medium=medium, until=until: medium.run(until))
        figures.append(1e9 * seconds / (round(duration / plan.time_step) * plan.size * plan.members))
    gain = {"gpu_ensemble_ns_per_member_node_step": round(figures[0], 4)}
    return gain | {"gpu_ensemble_gain": round(figures[1] / figures[0], 2)}


def slab(machine: Machine, folder: Path) -> Figures:
    """The loop over time of the benchmark until P8 is activated."""
    plan, there = device.read(folder / "slab.npz"), np.load(folder / "slab.mesh.npz")
    watched = np.zeros(plan.size, bool)
    watched[there["p8"]] = True
    device.Medium(machine, plan).run(1.0)
    medium = device.Medium(machine, plan)
    found: list[device.Course] = []
    seconds = timed(machine, lambda: found.append(device.propagate(medium, 150.0, np.inf, watched)))
    return {"gpu_loop_seconds": round(seconds, 3), "gpu_p8_ms": round(float(found[0].activation[there["p8"]]), 3)}


def beside_torchcor(folder: Path, figures: Figures) -> Figures:
    """TorchCor on the same slab and GPU, where it is installed; nothing where it fails, so that ours are not lost."""
    script = Path(__file__).with_name("torchcor.py").resolve()
    command = [sys.executable, script, (folder / "slab.mesh.npz").resolve(), "0.05", "unused", "cuda"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if ran.returncode:
        print(f"TorchCor did not run: {ran.stderr[-2000:]}", flush=True)
        return {}
    theirs = json.loads(ran.stdout.splitlines()[-1])
    return say(
        {
            "gpu_torchcor_loop_seconds": theirs["loop_seconds"],
            "gpu_torchcor_p8_ms": theirs["p8_ms"],
            "gpu_ratio_to_torchcor": round(theirs["loop_seconds"] / figures["gpu_loop_seconds"], 2),
        }
    )


if __name__ == "__main__":
    main()
