"""The SLURM of two nodes that tests and benchmarks run beside: jobs start on both, its faults can be made, and nothing
of it is left."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.skipif(shutil.which("slurmctld") is None, reason="this environment has no SLURM")

ROOT = Path(__file__).parents[1]
RANK = """
import json, os
from mpi4py import MPI
found = MPI.COMM_WORLD.gather([MPI.COMM_WORLD.rank, os.environ["SLURMD_NODENAME"]])
if found:
    print(json.dumps(found))
"""


def beside_slurm(*command: str) -> subprocess.CompletedProcess[str]:
    start = [str(ROOT / "envs/slurm"), *command]
    return subprocess.run(start, capture_output=True, text=True, check=False, timeout=120)


def test_an_mpi_job_spans_both_nodes():
    ran = beside_slurm("srun", "--nodes=2", "--ntasks-per-node=1", "python", "-c", RANK)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == [[0, "n1"], [1, "n2"]]


def test_a_job_gets_the_gpu_that_it_asks_for():
    ran = beside_slurm("srun", "--gres=gpu:1", "printenv", "CUDA_VISIBLE_DEVICES")
    assert ran.stdout == "0\n", ran.stderr


def test_a_failed_command_is_heard():
    assert beside_slurm("bash", "-c", "exit 7").returncode == 7


def end(bed: subprocess.Popen) -> None:
    bed.stdin.close()


@pytest.mark.parametrize("how", [end, subprocess.Popen.terminate, subprocess.Popen.kill])
def test_nothing_outlives_it(how, tmp_path):
    """Neither its daemons, nor the steps of a running job, nor a file, however it ends."""
    job = "sbatch --output=/dev/null --wrap 'sleep 600' && read"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "env": os.environ | {"TMPDIR": str(tmp_path)}}
    with subprocess.Popen([ROOT / "envs/slurm", "bash", "-c", job], **pipes) as bed:
        processes = within(bed, "sleep")
        assert {"munged", "slurmctld", "slurmd", "sleep"} <= set(processes.values())
        how(bed)
    _, alive = psutil.wait_procs(processes, timeout=5)
    assert not alive
    assert not list(tmp_path.iterdir())


def within(bed: subprocess.Popen, name: str) -> dict[psutil.Process, str]:
    """Every process of a bed by its name, once one of that name is there."""
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        found = psutil.Process(bed.pid).children(recursive=True)
        names = {process: process.name() for process in found if process.is_running()}
        if name in names.values() and "slurmctld" in names.values():
            return names
        time.sleep(0.1)
    raise TimeoutError(name)


FAULTS = """
set -eu
job=$(sbatch --parsable --output=/dev/null --wrap 'touch $SLURM_BED/runs; sleep 600')
until [ -e $SLURM_BED/runs ]; do sleep 0.2; done
kill -9 $(cat $SLURM_BED/n1.pid)
controller=$(cat $SLURM_BED/slurmctld.pid)
scontrol shutdown slurmctld
while kill -0 $controller 2>/dev/null; do sleep 0.1; done
slurmctld
slurmd -N n1
until scontrol show job $job | grep -o JobState=RUNNING; do sleep 0.2; done
until [ $(sinfo --noheader --Node --responding | wc -l) = 2 ]; do sleep 0.2; done
scontrol update PartitionName=main State=INACTIVE
sbatch --output=/dev/null --wrap true && exit 1
scontrol update PartitionName=main State=UP
srun true
scontrol update JobId=$job EndTime=now
until scontrol show job $job | grep -o JobState=TIMEOUT; do sleep 0.5; done
"""


def test_the_faults_of_a_cluster_can_be_made():
    """A node's and the controller's death and return under a running job, a refusal, the end of its walltime."""
    ran = beside_slurm("bash", "-c", FAULTS)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["JobState=RUNNING", "JobState=TIMEOUT"]
