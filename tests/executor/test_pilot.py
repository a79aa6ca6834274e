"""A pilot: what it says of where it is, and that it goes when it is of no use."""

import asyncio
import os
import sys

import psutil
import pytest
from distributed import Client, Scheduler
from executor_samples import until

from snakemake_executor_plugin_dask_jobqueue.fleet import PILOT
from snakemake_executor_plugin_dask_jobqueue.pilot import describe, hosts


@pytest.fixture
def outside(monkeypatch):
    """No SLURM around."""
    for name in [name for name in os.environ if name.startswith(("SLURM", "CUDA"))]:
        monkeypatch.delenv(name)
    return monkeypatch


def test_outside_of_slurm_it_knows_its_machine(outside):
    assert asyncio.run(describe()) == {"hosts": [os.uname().nodename], "gpus": [], "job": None, "ends": None}


def test_of_slurm_it_knows_its_allocation(outside):
    for name, value in {
        "SLURMD_NODENAME": "n3", "SLURM_JOB_NUM_NODES": "1", "SLURM_JOB_ID": "17", "SLURM_JOB_END_TIME": "1700000000",
        "CUDA_VISIBLE_DEVICES": "2,GPU-5e7",
    }.items():  # fmt: skip
        outside.setenv(name, value)
    assert asyncio.run(describe()) == {"hosts": ["n3"], "gpus": ["2", "GPU-5e7"], "job": "17", "ends": 1.7e9}


def test_slurm_spells_out_the_names_of_several_nodes(outside, tmp_path):
    (tmp_path / "scontrol").write_text('#!/bin/sh\necho "$@" > $0.said; printf "n1\\nn2\\n"\n')
    (tmp_path / "scontrol").chmod(0o755)
    outside.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    outside.setenv("SLURM_JOB_NUM_NODES", "2")
    outside.setenv("SLURM_JOB_NODELIST", "n[1-2]")
    assert hosts() == ["n1", "n2"]
    assert (tmp_path / "scontrol.said").read_text() == "show hostnames n[1-2]\n"


@pytest.mark.parametrize("kill", ["server", "scheduler", "pilot"])
def test_a_pilot_goes_without_its_fork_server_or_its_driver_or_on_request(outside, tmp_path, kill):
    """Without the one it could start nothing, without the other there is nothing to start; nothing of it is left."""
    outside.setenv("TMPDIR", str(tmp_path))

    async def scene():
        async with Scheduler(interface="lo", port=0, dashboard=False, dashboard_address="127.0.0.1:0") as scheduler:
            command = [sys.executable, "-m", PILOT, scheduler.address, "--name", "p", "--interface", "lo"]
            process = await asyncio.create_subprocess_exec(*command, "--protocol", "tcp://", stderr=-1)
            try:
                async with Client(scheduler.address, asynchronous=True) as client:
                    await client.wait_for_workers(1, timeout=60)
                (server,) = await asyncio.to_thread(until, psutil.Process(process.pid).children)
                if kill == "scheduler":
                    await scheduler.close()
                elif kill == "server":
                    server.kill()
                else:
                    process.terminate()
                said = (await asyncio.wait_for(process.communicate(), 60))[1].decode()
                return said, process.returncode, server
            finally:
                if process.returncode is None:
                    process.kill()

    said, status, server = asyncio.run(scene())
    assert "Registered to: tcp://127.0.0.1" in said
    assert status == 0, said
    until(lambda: not server.is_running())
    assert not list(tmp_path.iterdir())
