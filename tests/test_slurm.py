"""The SLURM of two nodes that tests and benchmarks run beside: jobs start on both, and nothing of it is left."""

import json
import subprocess
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
RANK = """
import json, os
from mpi4py import MPI
found = MPI.COMM_WORLD.gather([MPI.COMM_WORLD.rank, os.environ["SLURMD_NODENAME"]])
if found:
    print(json.dumps(found))
"""


def beside_slurm(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """What a command prints beside a SLURM that lives in ``folder``."""
    start = ["env", f"TMPDIR={folder}", str(ROOT / "envs/slurm"), *command]
    return subprocess.run(start, capture_output=True, text=True, check=False, timeout=120)


def daemons() -> set[int]:
    names = ("munged", "slurmctld", "slurmd", "slurmstepd")
    return {process.pid for process in psutil.process_iter(["name"]) if process.info["name"] in names}


def test_an_mpi_job_spans_both_nodes_and_nothing_is_left(tmp_path):
    before = daemons()
    ran = beside_slurm(tmp_path, "srun", "--nodes=2", "--ntasks-per-node=1", "python", "-c", RANK)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == [[0, "n1"], [1, "n2"]]
    assert not list(tmp_path.iterdir())
    assert daemons() <= before


def test_a_failed_command_is_heard_and_nothing_is_left(tmp_path):
    ran = beside_slurm(tmp_path, "bash", "-c", "sbatch --wrap 'sleep 600' && exit 7")
    assert ran.returncode == 7, ran.stderr
    assert not list(tmp_path.iterdir())


def test_a_job_gets_the_gpu_that_it_asks_for(tmp_path):
    ran = beside_slurm(tmp_path, "srun", "--gres=gpu:1", "printenv", "CUDA_VISIBLE_DEVICES")
    assert ran.stdout == "0\n", ran.stderr
