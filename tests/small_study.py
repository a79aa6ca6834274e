"""A workflow of patients and short rules for the executor plugin: what a cluster does to it is what is tested."""

import contextlib
import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

SNAKEFILE = """
configfile: "config.yaml"
PATIENTS = config["patients"].split()
BEFORE = {"second": "first", "third": "second"}
rule all:
    input: expand("results/{patient}/third.json", patient=PATIENTS)
rule step:
    input: lambda w: f"results/{w.patient}/{BEFORE[w.step]}.json" if w.step in BEFORE else f"raw/{w.patient}.json"
    output: "results/{patient}/{step}.json"
    log: "logs/{patient}/{step}.log"
    wildcard_constraints: step="first|second|third"
    params: dose=config["dose"]
    resources: mem_mb=100, runtime=2
    shell: "python step.py {output} {wildcards.patient} {params.dose} {input} > {log}"
"""

STEP = """
import json, os, random, sys, time
output, patient, dose, *inputs = sys.argv[1:]
before = [json.load(open(path)) for path in inputs]
time.sleep(random.uniform(0.2, float(os.environ.get("STEP_SECONDS", "0.2"))))
greedy = os.path.join(os.environ["TWINBEAT_TEST_STUDY"], f"greedy-{patient}")
if os.path.exists(greedy):  # a fault: this step takes more than it may, once
    os.remove(greedy)
    held = b"x" * 400_000_000
    time.sleep(1)
verdict = "rejected" if patient == "bad" else "done"
made = {"patient": patient, "dose": int(dose), "verdict": verdict, "nonce": os.urandom(8).hex(),
        "from": [one["nonce"] for one in before], "value": sum(one["value"] for one in before) + int(dose)}
with open(output, "w") as file:
    json.dump(made, file)
print("made", output)
"""

HUNGRY = """
import sys, time
held = b"x" * 250_000_000
time.sleep(1)
print(len(held), sys.argv[1])
"""

PROFILE = """
executor: dask-jobqueue
dask-jobqueue-pools: pools.yaml
jobs: 1000
scheduler: greedy
nolock: true
rerun-incomplete: true
keep-going: true
latency-wait: 2
"""

LOCAL = "{backend: local, pools: {cpu: {cpus: 4, memory: 2 GB}}}"
SLURM = "{idle: '0:00:20', pools: {cpu: {cpus: 2, memory: 700 MB, most: 2}}}"


class Study:
    """A working directory with a workflow, and Snakemake at work in it."""

    def __init__(self, folder: Path, pools: str, snakefile: str = SNAKEFILE) -> None:
        self.folder = folder
        (folder / "profile").mkdir(parents=True)
        texts = {"Snakefile": snakefile, "step.py": STEP, "profile/config.yaml": PROFILE, "profile/pools.yaml": pools}
        for name, text in texts.items():
            (folder / name).write_text(text)
        (folder / "raw").mkdir()
        self.configure(patients="one two bad", dose=1)
        self.environment = os.environ | {"TWINBEAT_TEST_STUDY": str(folder)}

    def configure(self, patients: str, dose: int) -> None:
        """Write config.yaml, as an editor would, by renaming a new file into place, and what raw inputs are missing."""
        for patient in patients.split():
            if not (raw := self.folder / f"raw/{patient}.json").exists():
                raw.write_text(json.dumps({"nonce": patient, "value": 0}))
        (self.folder / "config.new").write_text(f"patients: {patients}\ndose: {dose}\n")
        (self.folder / "config.new").rename(self.folder / "config.yaml")

    def start(self, *options: str) -> subprocess.Popen[str]:
        """Snakemake, which is on its way when this returns."""
        command = [sys.executable, "-m", "snakemake", "--profile", "profile", *options]
        log = (self.folder / "driver.log").open("a")
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=log, stderr=log, text=True)

    def run(self, *options: str, limit: float = 120) -> subprocess.CompletedProcess[str]:
        """Snakemake, to its end."""
        command = [sys.executable, "-m", "snakemake", "--profile", "profile", *options]
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=limit
        )

    def results(self) -> dict[str, dict[str, object]]:
        """What was published, by path."""
        paths = sorted(self.folder.glob("results/*/*.json"))
        return {str(path.relative_to(self.folder / "results")): json.loads(path.read_text()) for path in paths}

    def accounts(self) -> list[dict[str, str]]:
        """The accounting table."""
        with (self.folder / ".snakemake/dask-jobqueue/accounting.tsv").open() as file:
            return list(csv.DictReader(file, delimiter="\t"))

    def processes(self) -> list[psutil.Process]:
        """All processes that the study has started, however they may have run away."""
        mark, found = ("TWINBEAT_TEST_STUDY", str(self.folder)), []
        for process in psutil.process_iter():
            try:
                if mark in process.environ().items() and process.pid != os.getpid():
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found

    def assert_nothing_is_left(self) -> None:
        """No process of the study lives; pilots may take a moment to go."""
        until = time.monotonic() + 20
        while (left := self.processes()) and time.monotonic() < until:
            time.sleep(0.2)
        assert not left, [process.cmdline() for process in left]

    def end(self) -> None:
        """End what a test that failed has left, processes and batch jobs, so that the next one does not meet it."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()
        if queue():
            subprocess.run(["scancel", "--me"], check=True)


def until(holds, what: str, limit: float = 60) -> None:
    """Wait for something to come true."""
    end = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < end, f"{what} did not happen within {limit} s"
        time.sleep(0.05)


def kill(process: subprocess.Popen[str]) -> None:
    """SIGKILL, as a crash would be."""
    process.kill()
    process.wait()


def queue() -> list[str]:
    """The batch jobs of ours that SLURM still has."""
    said = subprocess.run(["squeue", "--me", "--noheader", "--format=%i"], capture_output=True, text=True, check=True)
    return said.stdout.split()
