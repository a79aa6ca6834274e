"""The Niederer slab (Niederer et al. 2011) until its far corner P8 is activated: ours, TorchCor and fenicsx-beat.

envs/run python benchmarks/electrophysiology.py [--table] [--without-peers]

All run one after the other on one core, at dx 0.2 mm and dt 0.05 ms; CPU seconds (user and system) are those of the
loop over time alone. The peers are installed for the run into a virtual environment of their own on top of this one
(``electrophysiology/requirements.lock``). P8 is beside each figure, since speed counts only with the error: converged,
it is activated at 42.1 ms. ``--table`` adds ours for all sizes and steps of the benchmark, with the benchmark's own
conductivities and with those matched to the continuum's velocities. An ensemble of currents is stepped together, and
one of its members alone. Where CuPy sees a GPU, ``electrophysiology/gpu.py``
adds its figures; they are null where none is. Writes benchmarks/results/electrophysiology.json.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import product
from pathlib import Path

import numpy as np

from twinbeat import device, ionic
from twinbeat.electrophysiology import niederer
from twinbeat.electrophysiology.ensemble import Members
from twinbeat.electrophysiology.monodomain import Monodomain
from twinbeat.electrophysiology.propagation import Stimulus, propagate

HERE = Path(__file__).with_suffix("")
RESULT = Path(__file__).parent / "results/electrophysiology.json"
SIZE, TIME_STEP = 0.2, 0.05
CONVERGED = 42.1  # ms, P8
PEERS = ("torchcor", "fenicsx_beat")
MEMBERS = 16
STREAM = 1 << 25  # numbers that a copy moves: far more than the caches hold

Figures = dict[str, float]


def main() -> None:
    """Run each, print the figures; the last line is JSON."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--table", action="store_true")
    arguments.add_argument("--without-peers", action="store_true")
    options = arguments.parse_args()
    ours = {matched: told(run(SIZE, TIME_STEP, matched)) for matched in (False, True)}
    theirs = {} if options.without_peers else peers()
    table = [told(run(*setting)) for setting in settings()] if options.table else []
    figures = headline(ours[True], theirs) | ensemble() | on_gpu()
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    everything = figures | {"unmatched": ours[False], "peers": theirs, "table": table}
    RESULT.write_text(json.dumps(everything, indent=2) + "\n")
    print(json.dumps(figures))


def run(size: float, time_step: float, matched: bool) -> Figures:
    """Ours."""
    medium, points = niederer.slab(size, time_step, matched)
    corner = niederer.nearest(points, "P8")
    ionic.load().advance(medium.states.copy(), medium.parameters, 0.0, time_step)  # the table is set up once per model
    start = time.process_time()
    wave = propagate(medium, 150.0, watch=[corner])
    seconds = time.process_time() - start
    return {
        "name": f"twinbeat{', matched' if matched else ''}",
        "size_mm": size,
        "time_step_ms": time_step,
        "loop_cpu_seconds": round(seconds, 3),
        "p8_ms": round(float(wave.activation[corner]), 3),
        "ns_per_node_step": round(1e9 * seconds / medium.steps / len(points), 1),
    }


def settings() -> list[tuple[float, float, bool]]:
    """Sizes, steps and schemes of the table."""
    return list(product((0.5, 0.2, 0.1), (0.05, 0.01, 0.005), (False, True)))


def peers() -> dict[str, Figures]:
    """The peers' figures, each from a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        python = install(Path(folder) / "peers")
        write_slab(Path(folder) / "slab.npz")
        environment = os.environ | {
            "CPATH": str(headers(Path(folder))),
            "TORCHINDUCTOR_CACHE_DIR": f"{folder}/compiled",
        }
        return {name: told(peer(python, name, Path(folder), environment)) for name in PEERS}


def install(folder: Path) -> Path:
    """The Python of a virtual environment with the peers on top of this environment's packages."""
    subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", folder], check=True)
    inherit = f"import sys; sys.path.extend({[path for path in sys.path if 'site-packages' in path]!r})\n"
    next(folder.glob("lib/python*/site-packages")).joinpath("inherit.pth").write_text(inherit)
    python = folder / "bin/python"
    lock = ["--requirement", HERE / "requirements.lock", "--require-hashes", "--no-deps"]
    subprocess.run([python, "-m", "pip", "install", "-qq", *lock], check=True)
    return python


def headers(folder: Path) -> Path:
    """Torch's headers, with which it compiles TorchCor's cells: its own, or Debian's package of them."""
    import torch

    own = Path(torch.__file__).parent / "include"
    if (own / "ATen/NumericUtils.h").exists():
        return own
    for part in ("state/lists/partial", "cache/archives/partial"):
        (folder / part).mkdir(parents=True)
    apt = ["apt-get", "-qq", "-o", f"Dir::State={folder}/state", "-o", f"Dir::Cache={folder}/cache"]
    apt += ["-o", "Dir::State::status=/var/lib/dpkg/status", "-o", "APT::Sandbox::User=root"]
    subprocess.run([*apt, "update"], check=True)
    subprocess.run([*apt, "download", "libtorch-dev"], cwd=folder, check=True)
    subprocess.run(["dpkg-deb", "--extract", next(folder.glob("*.deb")), folder / "headers"], check=True)
    return folder / "headers/usr/include"


def write_slab(path: Path) -> None:
    """The mesh, the stimulated nodes and the settings for the peers."""
    points, cells = niederer.box(niederer.LENGTHS, SIZE)
    stimulated = np.flatnonzero((points < 1.5 + 1e-9).all(axis=1))
    np.savez(path, points=points, cells=cells, stimulated=stimulated, p8=niederer.nearest(points, "P8"))


def peer(python: Path, name: str, folder: Path, environment: dict[str, str]) -> Figures:
    """What ``electrophysiology/{name}.py`` prints last."""
    model = Path(ionic.__file__).with_name("tentusscher_panfilov_2006_epi.ode")
    command = [python, HERE / f"{name}.py", folder / "slab.npz", str(TIME_STEP), model]
    ran = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(ran.stdout.splitlines()[-1]) | {"size_mm": SIZE, "time_step_ms": TIME_STEP}


def ensemble() -> Figures:
    """MEMBERS of an ensemble that differ in two currents, together on one mesh, beside one alone, over 10 ms."""
    points, cells = niederer.box((10.0, 7.0, 3.0), 0.25)
    tissue = niederer.tetrahedra(points, cells, np.broadcast_to(np.diag([0.2, 0.06, 0.06]), (len(cells), 3, 3)))
    start, model = np.where((points < 1.5 + 1e-9).all(axis=1), 0.0, np.inf), ionic.load()
    shares = np.linspace(0.5, 1.0, MEMBERS)
    varied = {"g_Kr": shares * model.parameters["g_Kr"], "g_CaL": shares[::-1] * model.parameters["g_CaL"]}
    members = Members(model.name, varied, len(points))
    together = Stimulus(np.repeat(start, MEMBERS))
    alone = pace(Monodomain(tissue, model, model.unpaced(), TIME_STEP, Stimulus(start)))
    each = pace(Monodomain(tissue, members, members.values(), TIME_STEP, together, members=MEMBERS))
    return {"ensemble_ns_per_member_node_step": round(each, 1), "ensemble_gain": round(alone / each, 2)}


def pace(medium: Monodomain) -> float:
    """CPU nanoseconds per node-step over 10 ms."""
    medium.run(1.0)
    start, steps = time.process_time(), medium.steps
    medium.run(11.0)
    return 1e9 * (time.process_time() - start) / (medium.steps - steps) / len(medium.voltage)


def on_gpu() -> dict[str, object]:
    """What ``electrophysiology/gpu.py`` prints last, from plans made for it where there is a GPU."""
    with tempfile.TemporaryDirectory() as folder:
        if device.chosen("auto"):
            subprocess.run([sys.executable, HERE / "gpu_plans.py", folder], check=True)
        command = [sys.executable, HERE / "gpu.py", folder]
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    print(said.rpartition("\n{")[0])
    return json.loads(said.splitlines()[-1])


def told(figures: Figures) -> Figures:
    """One run, printed for people."""
    error = figures["p8_ms"] - CONVERGED
    setting = f"{figures['name']:20} dx {figures['size_mm']:4} mm, dt {figures['time_step_ms']:5} ms"
    print(
        f"{setting}: {figures['loop_cpu_seconds']:8.2f} s CPU, P8 {figures['p8_ms']:6.2f} ms ({error:+.2f})", flush=True
    )
    return figures


def headline(ours: Figures, theirs: dict[str, Figures]) -> Figures:
    """Ours beside the fastest peer, and beside what memory allows."""
    figures = {name: ours[name] for name in ("loop_cpu_seconds", "p8_ms", "ns_per_node_step")}
    figures["copy_gigabytes_per_second"] = round(copy_bandwidth(), 1)
    if theirs:
        best = min(theirs.values(), key=lambda run: run["loop_cpu_seconds"])
        figures["ratio_to_best_peer"] = round(best["loop_cpu_seconds"] / ours["loop_cpu_seconds"], 2)
    return figures


def copy_bandwidth() -> float:
    """Gigabytes per second, read and written, of a copy on one core; the best of three."""
    source, target, seconds = np.ones(STREAM), np.zeros(STREAM), []
    for _ in range(3):
        start = time.process_time()
        np.copyto(target, source)
        seconds.append(time.process_time() - start)
    return 2 * source.nbytes / min(seconds) / 1e9


if __name__ == "__main__":
    main()
