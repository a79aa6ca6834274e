"""Between Snakemake and the controller: who a job is and what it is told, and what a user is told who cannot begin."""

import getpass
import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from executor_samples import MEBI, POOLS, ahead, apart, denied, files, grow
from snakemake.io import flag
from snakemake.iocontainers import InputFiles
from snakemake_interface_common.exceptions import WorkflowError

from snakemake_executor_plugin_dask_jobqueue import front
from snakemake_executor_plugin_dask_jobqueue.front import Front, _paths
from snakemake_executor_plugin_dask_jobqueue.ledger import Ledger
from snakemake_executor_plugin_dask_jobqueue.request import Request, identity
from snakemake_executor_plugin_dask_jobqueue.task import Paths


class Dag(list):
    """The jobs of a workflow."""

    def needrun_jobs(self):
        return list(self)


class Controller:
    """One that notes what it is told."""

    def __init__(self, fleet, state, work, frozen, user):
        self.fleet, self.state, self.work, self.frozen, self.user = fleet, state, work, frozen, user
        self.tasks, self.closed = [], False
        self.attempts = SimpleNamespace(running={})

    def submit(self, task):
        self.tasks.append(task)

    def close(self):
        self.closed = True


class Told(list):
    """A logger."""

    info = list.append


def job(**keys):
    """A job of Snakemake."""
    rule = SimpleNamespace(name="mesh", input=InputFiles(["in.txt"]), script=None, notebook=None, basedir=".")
    about = {
        "rule": rule, "name": "mesh", "wildcards_dict": {"patient": "p1"}, "wildcards": SimpleNamespace(patient="p1"),
        "resources": {"mem_mb": 300, "runtime": 2}, "threads": 2, "input": ["in.txt"], "output": ["out.txt"],
        "log": ["mesh.log"], "params": {}, "shellcmd": "make", "priority": 3, "rules": ["mesh"],
        "is_group": lambda: False,
    }  # fmt: skip
    made = SimpleNamespace(**about | keys)
    made.products = lambda: [*made.output, *made.log]
    return made


def group(*jobs):
    return SimpleNamespace(
        is_group=lambda: True, jobs=jobs, name="group", input=["in.txt"], resources={}, threads=1, priority=2**40
    )


def workflow(*jobs, locked=False, lock=False, ids=(), **keys):
    return SimpleNamespace(
        executor_settings=SimpleNamespace(pools=Path("pools.yaml"), state=Path("state")),
        execution_settings=SimpleNamespace(lock=lock),
        persistence=SimpleNamespace(locked=locked, external_jobids=lambda job: list(ids)),
        configfiles=[Path("config.yaml")], dag=Dag(jobs), **keys,
    )  # fmt: skip


def executor(command="python -m snakemake --cores 1"):
    return SimpleNamespace(format_job_exec=lambda job: command, envvars=lambda: {"TOKEN": "secret"})


def opened(said, monkeypatch, **keys):
    """A front before a controller that notes what it is told."""
    monkeypatch.setattr(front, "Controller", Controller)
    return Front(said, Told(), executor(**keys))


def refused(said) -> str:
    with pytest.raises(WorkflowError) as caught:
        Front(said, Told(), executor())
    return str(caught.value)


def test_a_study_where_snakemake_itself_is_at_work_is_refused(study):
    assert refused(workflow(job(), locked=True)).startswith("Snakemake is at work here without this executor")
    assert not (study / "state").exists()


def test_snakemakes_own_lock_is_its_own_affair(study, monkeypatch):
    """Where it takes one, it has refused by itself."""
    assert opened(workflow(job(), locked=True, lock=True), monkeypatch)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (POOLS + "colour: red", "pools.yaml: colour: Extra inputs are not permitted, found 'red'"),
        (POOLS + "outcome: no_such.module:f", "outcome: expected module:function that can be imported, found no_such"),
        (POOLS + "freeze: [patients.tsv]", "No such file or directory: '{study}/patients.tsv'"),
        (POOLS.replace("local", "slurm"), "pools.yaml: backend slurm: sbatch is not on the PATH of this machine"),
        (None, "No such file or directory: 'pools.yaml'"),
    ],
)
def test_a_pools_file_that_cannot_be_used_is_refused(study, monkeypatch, text, expected):
    """And nothing is left of the attempt to begin."""
    monkeypatch.setenv("PATH", str(study))
    (study / "pools.yaml").write_text(text) if text else (study / "pools.yaml").unlink()
    assert expected.format(study=study) in refused(workflow(job()))
    assert files(study).keys() - {"pools.yaml"} == {"config.yaml", "in.txt"}


def test_a_state_directory_with_a_space_is_refused(study):
    said = workflow(job())
    said.executor_settings.state = Path("my state")
    assert "state: " in (told := refused(said))
    assert "has a space in it" in told


def test_a_second_driver_is_refused_and_leaves_nothing(study):
    book = Ledger(study / "state")
    before = set(study.rglob("*"))
    said = apart(lambda: Front(workflow(job()), Told(), executor()))
    assert said.startswith("WorkflowError: ")
    assert f"this study is held by {getpass.getuser()} on " in said
    assert f"process {os.getpid()}" in said
    assert set(study.rglob("*")) == before
    book.close(settled=True)


def test_where_nothing_is_to_be_done_nothing_is_begun(study):
    made = Front(workflow(), Told(), executor())
    made.close()
    assert set(files(study)) == {"pools.yaml", "config.yaml", "in.txt"}


def test_a_controller_is_told_where_it_is(study, monkeypatch):
    made = opened(workflow(job()), monkeypatch)._controller
    assert (made.work, made.state, made.fleet.backend) == (study, Path("state"), "local")
    assert {path: Path(copy).read_text() for path, copy in made.frozen.items()} == {"config.yaml": "dose: 1"}


def test_a_task_is_the_job_in_the_controllers_words(study, monkeypatch):
    made = opened(workflow(job()), monkeypatch).task(job())
    assert (made.name, made.rule, made.wildcards) == (identity(job()), "mesh", {"patient": "p1"})
    assert made.request == Request(cores=2, memory=300 * MEBI, seconds=120)
    assert made.paths == Paths(["in.txt"], ["out.txt", "mesh.log"], ["mesh.log"], [])
    assert (made.env, made.priority, made.adoptable, made.tries) == ({"TOKEN": "secret"}, 3, False, 0)


def test_a_job_that_snakemake_knows_by_its_name_may_be_adopted(study, monkeypatch):
    ids = ["of an earlier executor", identity(job())]
    assert opened(workflow(job(), ids=ids), monkeypatch).task(job()).adoptable


def test_a_group_is_one_task(study, monkeypatch):
    """Of the most urgent priority that Snakemake gives, which is more than an integer of C holds."""
    made = opened(workflow(job()), monkeypatch)
    both = group(job(), job(output=[flag("table.tsv", "update")], log=[]))
    task = made.task(both)
    assert (task.rule, task.wildcards, task.priority) == ("group", {}, 2**31)
    assert task.paths == Paths(["in.txt"], ["out.txt", "mesh.log", "table.tsv"], ["mesh.log"], ["table.tsv"])


def test_a_job_that_is_updated_begins_with_what_is_there():
    assert _paths(job(output=["a", flag("b", "update"), flag("c", "temp")])).updated == ["b"]


def test_a_job_reads_its_configuration_as_it_was(study, monkeypatch):
    """Wherever its command line names the file by its whole path; a retry is told its resources too."""
    command = f"python -m snakemake --configfiles {study}/config.yaml --cores 1"
    made = opened(workflow(job()), monkeypatch, command=command)
    task, copy = made.task(job()), made._controller.frozen["config.yaml"]
    words = ["--configfiles", copy, "--cores", "1", "--consider-ancient", "mesh=0"]
    assert task.words(1, task.request) == words
    more = Request(memory=600 * MEBI)
    assert task.words(2, more) == [*words, "--set-resources", "mesh:mem_mb=600"]


def test_a_task_goes_to_the_controller(study, monkeypatch):
    made = opened(workflow(job()), monkeypatch)
    task = made.task(job())
    made.submit(task, job())
    assert made._controller.tasks == [task]


def test_a_job_whose_input_stays_in_the_future_fails_with_a_word(study, monkeypatch):
    """Snakemake would throw away what it makes; where the file is another's, its time cannot be set."""
    made = opened(workflow(job()), monkeypatch)
    task, said = made.task(job()), []
    task.failed = lambda message, log: said.append((message, log))
    ahead(study / "in.txt", 7200)
    monkeypatch.setattr(os, "utime", denied)
    made.submit(task, job())
    ((message, log),) = said
    assert message.startswith("cause: clock; in.txt is 7200 s ahead of the clock, expected a time past (")
    assert (log, made._controller.tasks) == (None, [])


def test_the_time_left_is_told_from_what_jobs_took(study, monkeypatch):
    """An attempt of 10 min at the first of two equal jobs; that it had waited for hours says nothing of the second."""
    made = opened(workflow(job(), job()), monkeypatch)
    task = made.task(job())
    task.submitted, task.wall = time.time() - 7200, 600.0
    made.settled(job(), task, failed=False)
    assert made._progress.line([], 1).endswith("; about 10 min left")


def test_what_is_settled_is_counted(study, monkeypatch):
    made = opened(workflow(job()), monkeypatch)
    made.settled(job(), made.task(job()), failed=False)
    assert made._progress.line([], 1).startswith("patients: 1 done, 0 running, 0 waiting;")
    made.settled(group(job(), job()), made.task(job()), failed=True)
    assert made._progress.stopped == {"p1": "failed"}


def test_words_and_errors_reach_snakemake(study, monkeypatch):
    errors = []
    made = opened(workflow(job(), scheduler=SimpleNamespace(executor_error_callback=errors.append)), monkeypatch)
    made.tell("a line")
    made.fail(RuntimeError("broken"))
    assert made._logger == ["a line"]
    assert [str(error) for error in errors] == ["broken"]


def test_the_end_leaves_nothing_frozen(study, tmp_path, monkeypatch):
    """Not even of a configuration that lies elsewhere."""
    grow(tmp_path, {"shared/site.yaml": "site"})
    said = workflow(job())
    said.configfiles = [tmp_path / "shared/site.yaml"]
    made = opened(said, monkeypatch)
    assert list((study / "state").iterdir())
    made.close()
    assert made._controller.closed
    assert not list((study / "state").iterdir())
