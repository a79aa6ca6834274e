"""What it costs to bring 120 short jobs (20 patients, a chain of six) to SLURM: our executor and the slurm plugin's.

envs/run python benchmarks/executor.py [--only NAME ...]

Each runs beside a SLURM of its own (envs/slurm), one after the other on the same machine; NAME is a folder of
benchmarks/executor with its settings. The incumbent is installed for the run into a temporary folder, where no other
executor sees it. Writes benchmarks/results/executor.json. A ratio is the incumbent's figure over ours, and those of the
incumbent are of its settings with the shortest wall time.

- wall: seconds of the snakemake command.
- CPU per job: user and system seconds of every process beside that SLURM (snakemake, its children, pilots, steps of
  jobs, clients), less SLURM's daemons (given apart) and the rules' own commands, over the jobs.
- handover: from the end of a rule's command to the beginning of its successor's.
- load: cores that all else on this machine kept busy meanwhile. Wall times and handovers hold only where it is near 0.
- RPCs: what slurmctld was asked by clients: all types of sdiag's list but sdiag itself and what slurmd and slurmstepd
  report (registrations and ends).
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).with_suffix("")
RESULT = ROOT / "benchmarks/results/executor.json"
OURS = "dask-jobqueue"
THEIRS = ("slurm", "slurm-arrays", "slurm-defaults")
PATIENTS, STEPS = 20, 6
JOBS = PATIENTS * STEPS
DAEMONS = {"munged", "slurmctld", "slurmd", "slurmscriptd"}
NOT_ASKED = {
    "REQUEST_STATS_INFO",
    "MESSAGE_NODE_REGISTRATION_STATUS",
    "MESSAGE_EPILOG_COMPLETE",
    "REQUEST_COMPLETE_BATCH_SCRIPT",
    "REQUEST_STEP_COMPLETE",
}
"""sdiag, and what the nodes report by themselves."""

Figures = dict[str, float]


def main() -> None:
    """Measure each, print a table, write the figures."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--only", nargs="+", choices=(OURS, *THEIRS), default=(OURS, *THEIRS))
    names = arguments.parse_args().only
    with tempfile.TemporaryDirectory() as folder:
        private = install(Path(folder) / "incumbent") if set(names) & set(THEIRS) else None
        runs = {name: beside_slurm("executor", ROOT / "workflow" if name == OURS else private, name) for name in names}
    figures = headline(runs) | {"executors": runs, "cores": os.cpu_count()}
    print(table(runs))
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps({name: value for name, value in figures.items() if name != "executors"}))


def install(folder: Path) -> Path:
    """The incumbent in a folder of its own: Snakemake imports every executor that it finds."""
    lock = ["--requirement", HERE / "requirements.lock", "--require-hashes", "--no-deps"]
    subprocess.run([sys.executable, "-m", "pip", "install", "-qq", "--target", folder, *lock], check=True)
    return folder


def beside_slurm(module: str, plugin: Path, *arguments: str) -> dict:
    """What ``measure`` of a module here prints beside a SLURM that nothing else uses."""
    start = [ROOT / "envs/slurm", sys.executable, "-c", f"import {module}; {module}.measure()", *arguments]
    path = f"{plugin}:{Path(__file__).parent}"
    ran = subprocess.run(start, env=os.environ | {"PYTHONPATH": path}, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(ran.stdout)


def measure() -> None:
    """Run the workflow with the executor that argv names, and print its figures."""
    with tempfile.TemporaryDirectory() as folder:
        command = payload_seconds(Path(folder))
        subprocess.run(["sdiag", "--reset"], stdout=subprocess.DEVNULL, check=True)
        before, busy, begin = cpu_seconds(), machine_seconds(), time.perf_counter()
        snakemake(sys.argv[1], Path(folder))
        wall = time.perf_counter() - begin
        asked = rpcs()
        wait_for_quiet()
        spent = cpu_seconds() - before
        elsewhere = (machine_seconds() - busy - spent.total()) / (time.perf_counter() - begin)
        run = figures(wall, spent, command, handovers(Path(folder)), asked)
        print(json.dumps(run | {"load": round(elsewhere, 2), "versions": versions()}))


def snakemake(name: str, folder: Path, *more: str) -> None:
    """The workflow from its beginning; what snakemake says goes to the terminal only if it fails."""
    options = ["--snakefile", HERE / "Snakefile", "--directory", folder, "--profile", HERE / name]
    start = [sys.executable, "-m", "snakemake", *options, "--workflow-profile", "none", *more]
    ran = subprocess.run(start, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if ran.returncode:
        sys.exit(ran.stdout)


def figures(wall: float, spent: Counter, command: float, gaps: list[float], asked: Counter) -> dict:
    """The figures of one executor, rounded to what can be seen again."""
    daemons = sum(spent[name] for name in DAEMONS)
    counted = {name: count for name, count in asked.items() if name not in NOT_ASKED}
    return {
        "wall_seconds": round(wall, 1),
        "cpu_seconds_per_job": round((spent.total() - daemons - command) / JOBS, 3),
        "daemon_cpu_seconds": round(daemons, 2),
        "payload_cpu_seconds": round(command, 2),
        "handover_seconds": {"median": round(median(gaps), 3), "p90": round(quantiles(gaps, n=10)[-1], 3)},
        "rpcs": sum(counted.values()),
        "rpcs_by_type": dict(sorted(asked.items())),
    }


def machine_seconds() -> float:
    """Busy seconds of all cores of this machine since it started."""
    user, nice, system, _, _, *interrupts = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:8])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def cpu_seconds() -> Counter:
    """User and system time in this namespace of processes by its spender: a daemon, or everything else.

    What an ended process spent is in its parent's account, or, where that ended first, in that of process 1: the sum
    over all that live misses nothing.
    """
    spent = Counter()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, fields = re.fullmatch(r"\d+ \((.*)\) (.*)\n", stat.read_text()).groups()
        except (FileNotFoundError, ProcessLookupError):
            continue
        own, children = (sum(map(int, fields.split()[k : k + 2])) / os.sysconf("SC_CLK_TCK") for k in (11, 13))
        spent[name if name in DAEMONS else "other"] += own
        spent["other"] += children
    return spent


def payload_seconds(folder: Path) -> float:
    """CPU seconds of the commands of all rules, run from here."""
    command = ["bash", "-c", f"set -euo pipefail; date +%s.%N > {folder}/try; date +%s.%N >> {folder}/try"]
    before = os.times()
    for _ in range(JOBS):
        subprocess.run(command, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def handovers(folder: Path) -> list[float]:
    """Seconds between the end of a rule and the beginning of its successor, of all patients."""
    gaps = []
    for patient in sorted(folder.glob("results/p*/")):
        stamps = [[float(stamp) for stamp in (patient / f"{k}.txt").read_text().split()] for k in range(1, STEPS + 1)]
        gaps += [after[0] - before[1] for before, after in pairwise(stamps)]
    assert len(gaps) == PATIENTS * (STEPS - 1)
    return gaps


def rpcs() -> Counter:
    """Calls that slurmctld has answered since the reset, by type of message."""
    said = subprocess.run(["sdiag"], capture_output=True, text=True, check=True).stdout
    types = said.split("by message type")[1].split("by user")[0]
    return Counter({name: int(count) for name, count in re.findall(r"(\w+)\s*\(\s*\d+\) count:(\d+)", types)})


def wait_for_quiet(limit: float = 60) -> None:
    """Until no job and no step is left, so that what they spent is in the accounts of those who live."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        queued = subprocess.run(["squeue", "--noheader"], capture_output=True, text=True, check=True).stdout
        names = [comm.read_text().strip() for comm in Path("/proc").glob("[0-9]*/comm")]
        if not queued and not any(name.startswith("slurmstepd") for name in names):
            return
        time.sleep(0.5)
    sys.exit("jobs are left: " + queued)


def versions() -> dict[str, str]:
    """What was measured."""
    slurm = subprocess.run(["sinfo", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    names = ["snakemake", "dask-jobqueue" if sys.argv[1] == OURS else "snakemake-executor-plugin-slurm"]
    return {"slurm": slurm} | {name: version(name) for name in names}


def headline(runs: dict[str, dict]) -> Figures:
    """Ours against the incumbent's settings with the shortest wall time."""
    theirs = [runs[name] for name in THEIRS if name in runs]
    if OURS not in runs or not theirs:
        return {}
    ours, best = runs[OURS], min(theirs, key=lambda run: run["wall_seconds"])
    return {
        "wall_ratio": round(best["wall_seconds"] / ours["wall_seconds"], 2),
        "cpu_seconds_per_job": ours["cpu_seconds_per_job"],
        "handover_seconds": ours["handover_seconds"]["median"],
        "rpc_ratio": round(best["rpcs"] / ours["rpcs"], 2),
    }


def table(runs: dict[str, dict]) -> str:
    """The figures for people."""
    lines = [
        f"{'':16}{'wall s':>8}{'CPU s/job':>11}{'handover s':>12}{'90 %':>8}{'RPCs':>7}{'daemons s':>11}{'load':>7}"
    ]
    for name, run in runs.items():
        gap = run["handover_seconds"]
        lines.append(
            f"{name:16}{run['wall_seconds']:8}{run['cpu_seconds_per_job']:11}{gap['median']:12}{gap['p90']:8}"
            f"{run['rpcs']:7}{run['daemon_cpu_seconds']:11}{run['load']:7}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
