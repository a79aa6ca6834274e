"""Pilots: batch jobs of SLURM, or processes of this machine, that dask-jobqueue submits and that run our jobs."""

import asyncio
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from dask_jobqueue.local import LocalJob
from dask_jobqueue.slurm import SLURMJob
from distributed.security import Security

from .settings import Fleet, Pool

PILOT = "snakemake_executor_plugin_dask_jobqueue.pilot"
REPLACED = ("#SBATCH -n 1", "#SBATCH --cpus-per-task", "#SBATCH --mem", "#SBATCH -t")  # said per node below


class LocalPilot(LocalJob):
    """A pilot that is a process of this machine, in a session of its own: like others, it outlives its driver."""

    async def _submit_job(self, script_filename: str) -> str:
        with (Path(self.log_directory) / f"{self.name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                "bash",
                "-c",
                self.job_script(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.reaping = asyncio.create_task(process.wait())
        return str(process.pid)

    @classmethod
    async def _close_job(cls, job_id: str | None, cancel_command: str | None) -> None:
        if job_id:
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(int(job_id))
                if _is_pilot(process.cmdline()):  # and not another process, which has its number now
                    process.terminate()


def _is_pilot(command: Sequence[str] | None) -> bool:
    """Whether a process is a pilot, or the shell that is about to become one."""
    return any(PILOT in word for word in command or ())


def directives(pool: Pool) -> list[str]:
    """What sbatch is told of a pool beyond dask-jobqueue's own words."""
    seconds = int(pool.walltime.total_seconds())
    told = [
        f"--nodes={pool.nodes}",
        f"--ntasks-per-node={pool.cpus}",
        f"--mem={pool.memory // 2**20}M",
        f"--time={seconds // 60}:{seconds % 60:02d}",
        "--no-requeue",  # a retry is ours to decide
        "--signal=B:TERM@30",
        "--open-mode=append",
    ]
    told += [f"--gres={pool.gres or f'gpu:{pool.gpus}'}"] if pool.gpus else []
    told += [f"--qos={pool.qos}"] if pool.qos else []
    told += [f"--constraint={pool.constraint}"] if pool.constraint else []
    return [*told, *pool.options]


def pilot_job(fleet: Fleet, pool: Pool, name: str, scheduler: str, security: Security | None, logs: Path) -> Any:
    """The batch job of a pilot, not yet submitted; ``start`` and ``close`` are dask-jobqueue's."""
    local = fleet.backend == "local"
    common: dict[str, Any] = {
        "scheduler": scheduler,
        "name": name,
        "cores": pool.cpus,
        "memory": f"{pool.memory}B",
        "processes": 1,
        "nanny": False,
        "interface": fleet.interface,
        "protocol": "tls://" if security else "tcp://",
        "security": security,
        "log_directory": str(logs),
        "worker_command": PILOT,
        "worker_extra_args": [word for module in fleet.preload for word in ("--preload", module)],
        "python": f"exec {sys.executable}",  # so that SLURM's signals reach the pilot itself
        "job_script_prologue": list(pool.prologue),
        "local_directory": None,
    }
    if local:
        return LocalPilot(**common)
    return SLURMJob(
        **common,
        job_name="pilot",
        queue=pool.partition,
        account=pool.account,
        walltime=None,
        job_directives_skip=REPLACED,
        job_extra_directives=directives(pool),
    )


async def living(fleet: Fleet) -> dict[str, str] | None:
    """State of every batch job of ours that has not ended, by its id; nothing where SLURM does not answer."""
    if fleet.backend == "local":
        return {str(one.pid): "RUNNING" for one in psutil.process_iter(["cmdline"]) if _is_pilot(one.info["cmdline"])}
    command = ["squeue", "--me", "--noheader", "--format=%i %T"]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    said, _ = await process.communicate()
    if process.returncode:
        return None
    jobs = dict(line.split() for line in said.decode().splitlines())
    return {name: state for name, state in jobs.items() if state != "COMPLETING"}


async def cancel(fleet: Fleet, jobs: Iterable[str]) -> None:
    """End batch jobs of ours, if they have not ended."""
    backend = LocalPilot if fleet.backend == "local" else SLURMJob
    for job in jobs:
        await backend._close_job(job, SLURMJob.cancel_command)  # dask-jobqueue has no other way by id
