"""A cohort of 1,000 patients with six empty jobs each through two pilots, and the dry run of 10,000 patients.

envs/run python benchmarks/executor_scale.py [--patients 1000] [--dry 10000]

Beside a SLURM of its own (envs/slurm). Writes benchmarks/results/executor_scale.json: seconds and the driver's CPU
seconds per 1,000 jobs, the driver's largest resident memory, and seconds and memory of the dry run.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from executor import OURS, ROOT, STEPS, beside_slurm, snakemake

RESULT = ROOT / "benchmarks/results/executor_scale.json"


def main() -> None:
    """Measure beside a SLURM, print and write the figures."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--patients", type=int, default=1000)
    arguments.add_argument("--dry", type=int, default=10000)
    said = arguments.parse_args()
    figures = {"cores": os.cpu_count()}
    for name, patients in (("run", said.patients), ("dry", said.dry)):
        figures |= beside_slurm("executor_scale", ROOT / "workflow", name, str(patients))
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


def measure() -> None:
    """Run, or run dry, the cohort that argv names; print what it took."""
    name, patients = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        wall, cpu, memory = driven(Path(folder), patients, *(["--dry-run"] if name == "dry" else []))
        done = len(list(Path(folder).glob(f"results/p*/{STEPS}.txt")))
    jobs = patients * STEPS
    if name == "dry":
        print(json.dumps({"dry_patients": patients, "dry_seconds": round(wall, 1), "dry_megabytes": round(memory)}))
        return
    assert done == patients, f"{done} of {patients} patients are done"
    per = 1000 / jobs
    figures = {
        "patients": patients,
        "jobs": jobs,
        "seconds": round(wall, 1),
        "seconds_per_1000_jobs": round(wall * per, 1),
    }
    print(
        json.dumps(
            figures | {"driver_cpu_seconds_per_1000_jobs": round(cpu * per, 1), "driver_megabytes": round(memory)}
        )
    )


def driven(folder: Path, patients: int, *options: str) -> tuple[float, float, float]:
    """Wall and CPU seconds and peak memory (MB) of the driver alone: pilots are SLURM's children, not its own."""
    begin = time.perf_counter()
    cohort = ["--config", f"patients={patients}", "empty=true"]
    snakemake(OURS, folder, "--jobs", "100000", "--quiet", *options, *cohort)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
