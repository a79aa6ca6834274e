"""The executor plugin on a real SLURM of two nodes: MPI over both, pools, GPUs, limits, lost pilots, cancellation.

Run beside it: envs/run envs/slurm python -m pytest -m slurm
"""

import contextlib
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from small_study import HUNGRY, SLURM, Study, kill, queue, until

pytestmark = pytest.mark.slurm


def assert_all_is_gone(study: Study) -> None:
    study.assert_nothing_is_left()
    until(lambda: not queue(), "the end of all batch jobs")


POOLS = """
idle: "0:00:02"
prices: {cpu_hour: 1.0, gpu_hour: 10.0, currency: EUR}
pools:
  cpu: {cpus: 1, memory: 600 MB, most: 2}
  mpi: {nodes: 2, cpus: 2, memory: 600 MB}
  gpu: {cpus: 1, gpus: 1, memory: 600 MB}
"""
MIXED = """
rule all:
    input: "mpirun.txt", "srun.txt", "gpu.txt", expand("cpu-{n}.txt", n=range(4))
rule ranks:
    output: "{mpi}.txt"
    wildcard_constraints: mpi="mpirun|srun"
    resources: mem_mb=100, runtime=2, nodes=2, tasks=4, mpi=lambda wildcards: wildcards.mpi
    shell: "{resources.mpi} -n {resources.tasks} python rank.py > {output}"
rule gpu:
    output: "gpu.txt"
    resources: mem_mb=100, runtime=2, gpu=1
    shell: "echo ${{CUDA_VISIBLE_DEVICES:-none}} > {output}"
rule cpu:
    output: "cpu-{n}.txt"
    resources: mem_mb=100, runtime=2
    shell: "echo ${{CUDA_VISIBLE_DEVICES:-none}} > {output}"
"""
RANK = """
import os
from mpi4py import MPI
found = MPI.COMM_WORLD.gather(f"{os.environ['SLURMD_NODENAME']}:{MPI.COMM_WORLD.rank}")
if found:
    print(*found, flush=True)
"""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A workflow with jobs for three pools, run to its end."""
    study = Study(tmp_path_factory.mktemp("mixed") / "study", POOLS, MIXED)
    (study.folder / "rank.py").write_text(RANK)
    ran = study.run()
    assert ran.returncode == 0, ran.stderr
    assert_all_is_gone(study)
    return study


@pytest.mark.parametrize("launcher", ["mpirun", "srun"])
def test_the_ranks_of_an_mpi_job_are_on_both_nodes_of_its_allocation(mixed, launcher):
    assert (mixed.folder / f"{launcher}.txt").read_text() == "n1:0 n1:1 n2:2 n2:3\n"


def test_jobs_go_to_the_pool_with_the_least_to_spare(mixed):
    assert {(row["rule"], row["pool"]) for row in mixed.accounts()} == {
        ("ranks", "mpi"),
        ("gpu", "gpu"),
        ("cpu", "cpu"),
    }


def test_a_gpu_is_seen_by_the_job_that_asked_for_it_and_by_no_other(mixed):
    assert (mixed.folder / "gpu.txt").read_text() == "0\n"
    assert {(mixed.folder / f"cpu-{n}.txt").read_text() for n in range(4)} == {"none\n"}


def test_the_accounts_hold_what_was_held(mixed):
    rows = {row["rule"]: row for row in mixed.accounts()}
    assert (rows["ranks"]["hosts"], rows["ranks"]["cores"]) == ("n1,n2", "4")
    assert float(rows["gpu"]["cost"]) == pytest.approx(
        float(rows["gpu"]["wall"]) / 3600 * 11, abs=2e-6
    )  # 1 core, 1 GPU
    assert all(float(row["cpu"]) > 0 and int(row["memory"]) > 10**7 for row in mixed.accounts())


def test_without_a_pool_of_gpus_their_jobs_run_on_cpus(tmp_path):
    study = Study(tmp_path / "study", SLURM, MIXED)
    ran = study.run("gpu.txt")
    assert ran.returncode == 0, ran.stderr
    assert [row["pool"] for row in study.accounts()] == ["cpu"]
    assert (study.folder / "gpu.txt").read_text() == "none\n"


LIMITS = """
rule all:
    input: "slow.txt", "hungry.txt"
rule slow:
    output: "slow.txt"
    resources: mem_mb=100, runtime=1
    shell: "[ -e {tmp}/slow ] || {{ touch {tmp}/slow; sleep 100; }}; echo {resources.runtime} > {output}"
rule hungry:
    output: "hungry.txt"
    resources: mem_mb=150, runtime=2
    shell: "python hungry.py {resources.mem_mb} > {output}"
"""


def test_a_job_over_its_limit_gets_more_of_what_it_lacked(tmp_path):
    study = Study(tmp_path / "study", SLURM, LIMITS.replace("{tmp}", str(tmp_path)))
    (study.folder / "hungry.py").write_text(HUNGRY)
    ran = study.run()
    assert ran.returncode == 0, ran.stderr
    causes = [(row["rule"], row["cause"]) for row in study.accounts()]
    assert sorted(causes) == [("hungry", "done"), ("hungry", "memory"), ("slow", "done"), ("slow", "time")]
    assert (study.folder / "slow.txt").read_text() == "2\n"  # minutes, twice what it had
    assert (study.folder / "hungry.txt").read_text() == "250000000 300\n"
    slow = next(row for row in study.accounts() if row["cause"] == "time")
    assert 60 <= float(slow["wall"]) < 65


RANKS = """
rule all:
    input: "wide.txt", expand("beside-{n}.txt", n=range(2))
rule wide:
    output: "wide.txt"
    resources: mem_mb=200, runtime=2, nodes=2, tasks=2, mpi="srun"
    shell: "{resources.mpi} -n {resources.tasks} python ranks.py && ! pgrep -f 'sleep 61[2]' && touch {output}"
rule beside:
    output: "beside-{n}.txt"
    resources: mem_mb=100, runtime=2, tasks=1, mpi="srun"
    shell: "{resources.mpi} -n {resources.tasks} python beside.py {wildcards.n}; touch {output}"
"""
GREEDY_RANKS = """
import os, pathlib, subprocess, time
from mpi4py import MPI
first, rank = pathlib.Path(os.environ["TWINBEAT_TEST_STUDY"], "first"), MPI.COMM_WORLD.rank
again = MPI.COMM_WORLD.bcast(first.exists())
if not again and rank == 1:
    first.touch()
    subprocess.run(["sleep", "612"])
if not again:
    held = bytearray(os.urandom(1)) * 400_000_000
    time.sleep(600)
while time.process_time() < 1.5: pass
"""
BESIDE = """
import os, pathlib, sys, time
folder, mine = pathlib.Path(os.environ["TWINBEAT_TEST_STUDY"]), int(sys.argv[1])
(folder / f"here-{mine}").touch()
end = time.time() + 60
while not (folder / f"here-{1 - mine}").exists():
    assert time.time() < end
    time.sleep(0.05)
"""
WIDE = "{idle: '0:00:02', pools: {cpu: {cpus: 2, memory: 700 MB}, mpi: {nodes: 2, cpus: 1, memory: 900 MB}}}"


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A job of two ranks on two nodes that first takes too much, and two that wait for each other on one node."""
    study = Study(tmp_path_factory.mktemp("ranks") / "study", WIDE, RANKS)
    (study.folder / "ranks.py").write_text(GREEDY_RANKS)
    (study.folder / "beside.py").write_text(BESIDE)
    ran = study.run(limit=180)
    assert ran.returncode == 0, ran.stderr
    assert_all_is_gone(study)
    return study


def test_ranks_that_srun_starts_are_limited_and_ended_on_all_nodes(ranks):
    """The second attempt itself looks for ranks of the first one."""
    rows = [row for row in ranks.accounts() if row["rule"] == "wide"]
    assert [row["cause"] for row in rows] == ["memory", "done"]
    assert float(rows[1]["cpu"]) > 2  # of two ranks, 1.5 s each, but for what came after the last look


def test_steps_of_two_jobs_run_side_by_side_in_one_pilot(ranks):
    assert [row["cause"] for row in ranks.accounts() if row["rule"] == "beside"] == ["done", "done"]


HELD = """
rule all:
    input: expand("{n}.txt", n=range(2))
rule hold:
    output: "{n}.txt"
    resources: mem_mb=100, runtime=2
    shell: "echo begun >> {tmp}/begun; (setsid sleep 600 &); until [ -e {tmp}/go ]; do sleep 0.1; done; touch {output}"
"""


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Study]:
    """Two jobs that end when a file is there, each with a process that runs away from it."""
    study = Study(tmp_path / "study", SLURM, HELD.replace("{tmp}", str(tmp_path)))
    yield study
    study.end()


def begun(study: Study) -> int:
    path = study.folder.parent / "begun"
    return path.read_text().count("begun") if path.exists() else 0


def test_an_interrupt_leaves_no_process_and_no_batch_job(held):
    driver = held.start()
    until(lambda: begun(held) == 2, "the begin of both jobs")
    driver.send_signal(signal.SIGINT)
    assert driver.wait(60) == 1
    assert_all_is_gone(held)


def test_what_a_cancelled_pilot_ran_is_run_by_another(held):
    driver = held.start()
    until(lambda: begun(held) == 2, "the begin of both jobs")
    subprocess.run(["scancel", *queue()], check=True)
    until(lambda: begun(held) == 4, "the begin of both jobs elsewhere")
    (held.folder.parent / "go").touch()
    assert driver.wait(60) == 0, (held.folder / "driver.log").read_text()
    assert sorted(row["cause"] for row in held.accounts()) == ["done", "done", "lost", "lost"]
    assert_all_is_gone(held)


def test_the_end_of_a_pilots_walltime_is_no_error_of_its_jobs(held):
    driver = held.start()
    until(lambda: begun(held) == 2, "the begin of both jobs")
    for job in queue():
        subprocess.run(["scontrol", "update", f"JobId={job}", "EndTime=now"], check=True)
    until(lambda: begun(held) == 4, "the begin of both jobs elsewhere", limit=90)  # SLURM looks every 30 s
    (held.folder.parent / "go").touch()
    assert driver.wait(60) == 0, (held.folder / "driver.log").read_text()
    assert sorted(row["cause"] for row in held.accounts()) == ["done", "done", "lost", "lost"]


def test_pilots_that_wait_in_the_queue_are_gone_with_a_dead_driver(held, tmp_path):
    subprocess.run(["scontrol", "update", "PartitionName=main", "State=DOWN"], check=True)
    try:
        driver = held.start()
        until(lambda: len(queue()) == 1, "a pilot in the queue")
        first = queue()
        kill(driver)
        second = held.start()
        until(lambda: queue() and queue() != first, "a pilot of the second driver instead")
    finally:
        subprocess.run(["scontrol", "update", "PartitionName=main", "State=UP"], check=True)
    (tmp_path / "go").touch()
    assert second.wait(60) == 0
    assert_all_is_gone(held)


def test_a_pool_that_sbatch_refuses_is_told_and_tried_again(held, tmp_path):
    (tmp_path / "go").touch()
    subprocess.run(["scontrol", "update", "PartitionName=main", "State=INACTIVE"], check=True)
    try:
        driver = held.start()
        log = held.folder / "driver.log"
        until(lambda: "no pilot of cpu was accepted" in log.read_text(), "a word on the refusal")
    finally:
        subprocess.run(["scontrol", "update", "PartitionName=main", "State=UP"], check=True)
    assert driver.wait(60) == 0
    assert [row["cause"] for row in held.accounts()] == ["done", "done"]


def listening(process: psutil.Process) -> list:
    """Sockets that a process listens at; none where it has ended meanwhile."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return [one for one in process.net_connections("tcp") if one.status == "LISTEN"]
    return []


def test_nothing_of_a_driver_is_open_to_others_while_it_runs(held, tmp_path):
    driver = held.start()
    until(lambda: begun(held) == 2, "the begin of both jobs")
    state = held.folder / ".snakemake/dask-jobqueue"
    assert state.stat().st_mode & 0o777 == 0o700
    assert (state / "tls").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (state / "tls").iterdir()} == {0o600}
    sockets = [one for process in held.processes() for one in listening(process)]
    assert {socket.laddr.ip for socket in sockets} == {"127.0.0.1"}
    (tmp_path / "go").touch()
    assert driver.wait(60) == 0
    assert not (state / "tls").exists()
