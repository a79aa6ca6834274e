"""Whatever befalls a run on a real SLURM, in any order: nothing published is wrong, lost, made twice or left behind.

Each run draws its own order of faults and prints the seed; FAULT_SEED=... repeats one, FAULTS=5 draws that many.
"""

import os
import random
import subprocess
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from small_study import Study, kill, queue, until

pytestmark = pytest.mark.slurm
PATIENTS = ["bad", *(f"p{n:02d}" for n in range(11))]
POOLS = "{idle: '0:00:20', attempts: 5, pools: {cpu: {cpus: 2, memory: 900 MB, most: 2}}}"
PILOT = "snakemake_executor_plugin_dask_jobqueue.pilot"


def slurm(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


class Storm:
    """A study, the one who starts its driver again whenever it has ended, and the faults."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.study = Study(folder, POOLS)
        self.study.environment["STEP_SECONDS"] = "3"
        self.dose = 1
        self.study.configure(" ".join(PATIENTS), self.dose)
        self.driver = self.study.start()
        self.seen: dict[str, list[str]] = defaultdict(list)
        self.calm = threading.Event()

    def pilots(self) -> list[psutil.Process]:
        return [one for one in self.study.processes() if PILOT in one.cmdline() and PILOT not in one.parent().cmdline()]

    def pilot_is_killed(self) -> None:
        for pilot in self.pilots()[:1]:
            pilot.kill()

    def job_is_killed(self) -> None:
        steps = [one for one in self.study.processes() if "step.py" in one.cmdline()]
        for step in steps[:1]:
            with suppress(ProcessLookupError):
                os.killpg(os.getpgid(step.pid), 9)

    def slurmd_is_killed(self) -> None:
        node = self.chance.choice(["n1", "n2"])
        slurm("kill", "-9", Path(os.environ["SLURM_BED"], f"{node}.pid").read_text().strip())
        time.sleep(2)
        slurm("slurmd", "-N", node)

    def slurmctld_is_restarted(self) -> None:
        slurm("kill", "-9", Path(os.environ["SLURM_BED"], "slurmctld.pid").read_text().strip())
        time.sleep(2)
        slurm("slurmctld")

    def driver_is_killed(self) -> None:
        kill(self.driver)

    def walltime_is_reached(self) -> None:
        with suppress(subprocess.CalledProcessError):  # a slurmctld that is not back yet
            for job in queue()[:1]:
                slurm("scontrol", "update", f"JobId={job}", "EndTime=now")

    def memory_is_exceeded(self) -> None:
        (self.study.folder / f"greedy-{self.chance.choice(PATIENTS)}").touch()

    def disk_is_full(self) -> None:
        filler = self.study.folder.parent / "filler"
        with suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(bytes(2**16))
        time.sleep(3)
        filler.unlink()

    def sbatch_refuses(self) -> None:
        slurm("scontrol", "update", "PartitionName=main", "State=INACTIVE")
        self.pilot_is_killed()
        time.sleep(4)
        slurm("scontrol", "update", "PartitionName=main", "State=UP")

    def clock_of_an_input_is_ahead(self) -> None:
        ahead = time.time() + 7200
        with suppress(FileNotFoundError):
            os.utime(self.study.folder / f"raw/{self.chance.choice(PATIENTS)}.json", (ahead, ahead))

    def configuration_is_edited(self) -> None:
        self.dose += 1
        self.study.configure(" ".join(PATIENTS), self.dose)

    def faults(self) -> list[Callable[[], None]]:
        names = [name for name in vars(Storm) if "_is_" in name or name == "sbatch_refuses"]
        drawn = self.chance.sample(names, int(os.environ.get("FAULTS", len(names))))
        print("faults:", *drawn)
        return [getattr(self, name) for name in drawn]

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look at what is published all the while, and start the driver again whenever it has ended."""
        watcher = threading.Thread(target=self._watch)
        watcher.start()
        try:
            yield
        finally:
            self.calm.set()
            watcher.join()

    def _watch(self) -> None:
        while not self.calm.wait(0.05):
            for path, one in self.study.results().items():
                mark = f"{one['dose']}:{one['nonce']}"
                if mark not in self.seen[path]:
                    self.seen[path].append(mark)

    def go_on(self) -> None:
        """A driver is at work when this returns."""
        if self.driver.poll() is not None:
            self.driver = self.study.start()

    def finish(self) -> None:
        """Start drivers until one is content."""
        for _ in range(6):
            self.go_on()
            if self.driver.wait(180) == 0:
                return
        raise AssertionError((self.study.folder / "driver.log").read_text()[-5000:])


@pytest.fixture
def storm() -> Iterator[Storm]:
    seed = int(os.environ.get("FAULT_SEED", time.time_ns() % 10**6))
    print(f"FAULT_SEED={seed}")
    folder = Path(os.environ["SLURM_BED"], "small", f"storm-{seed}")
    folder.mkdir()
    storm = Storm(folder / "study", seed)
    yield storm
    slurm("scontrol", "update", "PartitionName=main", "State=UP")
    storm.study.end()


def test_no_order_of_faults_shows_in_what_is_published(storm):
    with storm.watched():
        until(lambda: "Finished jobid" in (storm.study.folder / "driver.log").read_text(), "a first result")
        for fault in storm.faults():
            storm.go_on()
            time.sleep(storm.chance.uniform(0.5, 3))
            fault()
        storm.finish()
        if {one["dose"] for one in storm.study.results().values()} != {storm.dose}:  # edited while the last one ran
            storm.finish()
    print("attempts:", Counter(row["cause"] for row in storm.study.accounts()))
    results = storm.study.results()
    steps = {"first": 1, "second": 2, "third": 3}
    assert {path: one["value"] for path, one in results.items()} == {
        f"{patient}/{step}.json": number * storm.dose for patient in PATIENTS for step, number in steps.items()
    }
    for patient in PATIENTS:  # what was made from something is made from what is there
        first, second, third = (results[f"{patient}/{step}.json"] for step in steps)
        assert (first["from"], second["from"], third["from"]) == ([patient], [first["nonce"]], [second["nonce"]])
    assert {patient: results[f"{patient}/third.json"]["verdict"] for patient in PATIENTS} == {
        patient: "rejected" if patient == "bad" else "done" for patient in PATIENTS
    }
    twice = {path: marks for path, marks in storm.seen.items() if len({m.split(":")[0] for m in marks}) < len(marks)}
    assert not twice, "published more than once under one configuration"
    assert "Nothing to be done" in storm.study.run().stderr
    storm.study.assert_nothing_is_left()
    until(lambda: not queue(), "the end of all batch jobs", limit=90)
