"""Batch jobs: the whole text that SLURM is given, and that no process is ended which is not ours."""

import asyncio
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from executor_samples import fleet, pool, until

from snakemake_executor_plugin_dask_jobqueue import pilot
from snakemake_executor_plugin_dask_jobqueue.fleet import PILOT, cancel, directives, living, pilot_job
from snakemake_executor_plugin_dask_jobqueue.security import certificates

FULL = {
    "cpus": "16", "memory": "64 GiB", "nodes": "2", "gpus": "4", "gres": "gpu:a100:4", "walltime": "1-02:03:04",
    "partition": "long", "account": "heart", "qos": "high", "constraint": "ib", "prologue": ["module load a", "b"],
    "options": ["--exclusive", "--exclude=n9"],
}  # fmt: skip
SCRIPT = f"""#!/usr/bin/env bash

#SBATCH -J pilot
#SBATCH -e {{logs}}/pilot-%J.err
#SBATCH -o {{logs}}/pilot-%J.out
#SBATCH -p long
#SBATCH -A heart
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=16
#SBATCH --mem=65536M
#SBATCH --time=1563:04
#SBATCH --no-requeue
#SBATCH --signal=B:TERM@30
#SBATCH --open-mode=append
#SBATCH --gres=gpu:a100:4
#SBATCH --qos=high
#SBATCH --constraint=ib
#SBATCH --exclusive
#SBATCH --exclude=n9
module load a
b
exec {sys.executable} -m snakemake_executor_plugin_dask_jobqueue.pilot tls://10.0.0.1:5 --name big-a1b2c3-1 \
--nthreads 16 --memory-limit 64.00GiB --death-timeout 60 --preload one --preload two.three --interface ib0 \
--protocol tls:// --tls-ca-file {{tls}}/certificate.pem --tls-cert {{tls}}/certificate.pem --tls-key {{tls}}/key.pem
"""
SMALL = f"""#!/usr/bin/env bash

#SBATCH -J pilot
#SBATCH -e {{logs}}/pilot-%J.err
#SBATCH -o {{logs}}/pilot-%J.out
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=4
#SBATCH --mem=8192M
#SBATCH --time=60:00
#SBATCH --no-requeue
#SBATCH --signal=B:TERM@30
#SBATCH --open-mode=append

exec {sys.executable} -m snakemake_executor_plugin_dask_jobqueue.pilot tcp://127.0.0.1:5 --name small-a1b2c3-1 \
--nthreads 4 --memory-limit 8.00GiB --death-timeout 60 --interface lo --protocol tcp://
"""


@pytest.fixture
def big(tmp_path):
    """The job of a pilot of which everything is said."""
    said = fleet(interface="ib0", preload=["one", "two.three"], pools={"big": FULL})
    security = certificates(tmp_path / "tls")
    return pilot_job(said, said.pools["big"], "big-a1b2c3-1", "tls://10.0.0.1:5", security, tmp_path / "logs")


def small(tmp_path, **keys):
    """The job of a pilot of which nothing is said."""
    said = fleet(tls=False, **keys)
    (kind,) = said.pools.values()
    return pilot_job(said, kind, "small-a1b2c3-1", "tcp://127.0.0.1:5", None, tmp_path / "logs")


def test_slurm_is_told_what_the_pool_says_and_no_more(tmp_path, big):
    """26 h 3 min 4 s are 1563 min 4 s; the job's name says nothing of a study or a patient."""
    assert big.job_script().rstrip() == SCRIPT.format(logs=tmp_path / "logs", tls=tmp_path / "tls").rstrip()


def test_a_small_pool_asks_for_little(tmp_path):
    assert small(tmp_path).job_script().rstrip() == SMALL.format(logs=tmp_path / "logs").rstrip()


def test_a_pilot_of_this_machine_is_the_same_without_slurm(tmp_path):
    assert small(tmp_path, backend="local").job_script().split() == SMALL.rpartition("\n\n")[2].split()


def test_a_pilot_understands_how_it_is_started(tmp_path, big):
    words = shlex.split(big.job_script().splitlines()[-1])
    assert words[:4] == ["exec", sys.executable, "-m", PILOT]
    said = pilot._parsed(words[4:])
    files = {"tls_ca_file": "certificate.pem", "tls_cert": "certificate.pem", "tls_key": "key.pem"}
    assert vars(said) == {
        "scheduler": "tls://10.0.0.1:5", "name": "big-a1b2c3-1", "interface": "ib0", "protocol": "tls://",
        "local_directory": None, "nthreads": 16, "memory_limit": "64.00GiB", "death_timeout": 60.0,
        "preload": ["one", "two.three"], **{key: f"{tmp_path}/tls/{name}" for key, name in files.items()},
    }  # fmt: skip


def test_gpus_without_a_type_are_asked_for_by_number():
    assert "--gres=gpu:2" in directives(pool(gpus="2"))
    assert not [one for one in directives(pool()) if "gres" in one]


def program(folder: Path, name: str, text: str) -> None:
    """A command of SLURM's, first in the path."""
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A folder of commands."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def test_jobs_that_are_as_good_as_ended_do_not_live(slurm):
    program(slurm, "squeue", 'echo "$@" > $0.said; printf "17 RUNNING\\n18 PENDING\\n19 COMPLETING\\n"')
    assert asyncio.run(living(fleet())) == {"17": "RUNNING", "18": "PENDING"}
    assert (slurm / "squeue.said").read_text() == "--me --noheader --format=%i %T\n"


def test_a_slurm_that_does_not_answer_says_nothing_of_our_jobs(slurm):
    """No answer is not an empty one: nobody is dead because slurmctld is."""
    program(slurm, "squeue", "echo 17 RUNNING; exit 1")
    assert asyncio.run(living(fleet())) is None
    program(slurm, "squeue", "exit 0")
    assert asyncio.run(living(fleet())) == {}


def test_jobs_are_cancelled_by_their_id_whether_they_live_or_not(slurm):
    program(slurm, "scancel", 'echo "$@" >> $0.said; exit 1')
    asyncio.run(cancel(fleet(), ["17", "18"]))
    assert (slurm / "scancel.said").read_text() == "17\n18\n"


def test_a_pilot_of_this_machine_lives_from_its_prologue_on_until_it_is_ended(tmp_path):
    """It has a session of its own, so that what ends its driver does not end it, and its log."""
    wait = f"echo begun; touch {tmp_path}/begun; while :; do sleep 0.1; done"
    said = fleet(backend="local", tls=False, pools={"small": {"cpus": "1", "memory": "1 GiB", "prologue": [wait]}})

    async def scene():
        job = pilot_job(said, said.pools["small"], "small-1", "tcp://127.0.0.1:5", None, tmp_path / "logs")
        await job.start()
        await asyncio.to_thread(until, (tmp_path / "begun").exists)
        assert os.getsid(int(job.job_id)) == int(job.job_id)
        assert (await living(said))[job.job_id] == "RUNNING"
        await cancel(said, [job.job_id])
        await asyncio.wait_for(job.reaping, 10)
        assert job.job_id not in await living(said)
        await job.close()  # of one that has gone
        return job

    asyncio.run(scene())
    assert (tmp_path / "logs/small-1.log").read_text() == "begun\n"


def test_a_process_that_is_no_pilot_is_not_ended():
    """A number of an earlier driver's ledger may be another's after a restart of the machine."""
    innocent = subprocess.Popen(["sleep", "60"])
    try:
        asyncio.run(cancel(fleet(backend="local"), [str(innocent.pid), "4194305"]))  # above the largest there can be
        assert innocent.poll() is None
    finally:
        innocent.kill()
    assert innocent.wait() == -9  # by us, and not by SIGTERM before
