"""Publishing an attempt, and where it sits: the parts that need neither a scheduler nor a pilot."""

import asyncio
import errno
from types import SimpleNamespace

import pytest
from executor_samples import files, fleet, grow, pool, task

from snakemake_executor_plugin_dask_jobqueue import attempts, sandbox
from snakemake_executor_plugin_dask_jobqueue.attempts import Attempts, placed
from snakemake_executor_plugin_dask_jobqueue.ledger import Ledger
from snakemake_executor_plugin_dask_jobqueue.pilots import Pilot, Seat
from snakemake_executor_plugin_dask_jobqueue.request import Request
from snakemake_executor_plugin_dask_jobqueue.task import Paths


@pytest.fixture
def controller(tmp_path):
    made = SimpleNamespace(state=tmp_path / "state", fleet=fleet(), ledger=Ledger(tmp_path / "state"))
    yield made
    made.ledger.close(settled=False)


def facts(controller):
    return [(one["fact"], one["name"]) for one in controller.ledger._read()]


MADE = task("a", paths=Paths([], ["out"], [], []))


def test_publishing_waits_for_room_on_the_disk_and_is_written_down(controller, tmp_path, monkeypatch):
    """Twice there is none; the fact comes after the product, and not before."""
    publish, refusals, pauses = sandbox.publish, [errno.ENOSPC, errno.EDQUOT], []

    def full(*args):
        assert facts(controller) == []
        if refusals:
            raise OSError(refusals.pop(), "full")
        publish(*args)

    async def sleep(seconds):
        pauses.append(seconds)

    monkeypatch.setattr(sandbox, "publish", full)
    monkeypatch.setattr(attempts.asyncio, "sleep", sleep)
    made = Attempts(controller, tmp_path / "real", {})
    grow(tmp_path / "state/attempts/a-1/work", {"out": "made"})
    asyncio.run(made._publish(MADE, "a-1"))
    assert pauses == [1, 1]
    assert files(tmp_path / "real") == {"out": "made"}
    assert facts(controller) == [("published", "a-1")]


def test_another_error_of_publishing_is_raised_and_nothing_is_written_down(controller, tmp_path, monkeypatch):
    def broken(*args):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(sandbox, "publish", broken)
    with pytest.raises(OSError, match="Input/output error"):
        asyncio.run(Attempts(controller, tmp_path / "real", {})._publish(MADE, "a-1"))
    assert facts(controller) == []


def test_what_no_ledger_knows_is_removed(tmp_path):
    """An attempt that an earlier driver began is kept, whatever else is left of it."""
    state = tmp_path / "state"
    book = Ledger(state)
    book.write("began", name="a-1", task="a", number=1)
    book.close(settled=False)
    grow(state / "attempts", {"a-1/log": "known", "b-1/log": "unknown"})
    book = Ledger(state)
    Attempts(SimpleNamespace(state=state, ledger=book), tmp_path, {})
    book.close(settled=False)
    assert files(state / "attempts") == {"a-1/log": "known"}


GPUS = pool(cpus="4", nodes="2", gpus="2")


def test_a_seat_on_this_machine_is_told_its_gpus_only():
    seat = Seat((0,), ("here",), ("1",))
    assert placed(MADE, Pilot("p", "p", GPUS), seat, local=True) == {"CUDA_VISIBLE_DEVICES": "1"}
    assert placed(MADE, Pilot("p", "p", GPUS), Seat((0,), ("here",), ()), local=True) == {"CUDA_VISIBLE_DEVICES": ""}
    assert placed(MADE, Pilot("p", "p", pool()), seat, local=True) == {}


@pytest.mark.parametrize(
    ("hosts", "tasks", "expected"),
    [
        (("n1",), 3, {"SLURM_NNODES": "1", "SLURM_NTASKS": "3", "SLURM_TASKS_PER_NODE": "3"}),
        (("n2", "n1"), 4, {"SLURM_NNODES": "2", "SLURM_NTASKS": "4", "SLURM_TASKS_PER_NODE": "2(x2)"}),
        (("n1", "n2"), 3, {"SLURM_NNODES": "2", "SLURM_NTASKS": "3", "SLURM_TASKS_PER_NODE": "2(x2)"}),  # room for four
    ],
)
def test_launchers_find_the_nodes_of_the_seat_and_not_those_of_the_pilot(hosts, tasks, expected):
    one = task(request=Request(nodes=len(hosts), tasks=tasks))
    env = placed(one, Pilot("p", "p", pool()), Seat(tuple(range(len(hosts))), hosts, ()), local=False)
    assert expected.items() <= env.items()
    assert env["SLURM_JOB_NODELIST"] == env["SLURM_NODELIST"] == ",".join(hosts)
    assert env["SLURM_JOB_NUM_NODES"] == env["SLURM_NNODES"]
    assert env["SLURM_NPROCS"] == env["SLURM_NTASKS"]
    assert env["SLURM_NTASKS_PER_NODE"] == env["SLURM_TASKS_PER_NODE"].partition("(")[0]
