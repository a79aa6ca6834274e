"""Between Snakemake and the controller: what a job is, in the controller's words, and what to tell the user."""

import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pydantic import ImportString, TypeAdapter, ValidationError
from snakemake.io import is_flagged
from snakemake_interface_common.exceptions import WorkflowError

from .controller import Controller
from .ledger import Held
from .progress import Progress
from .request import Request, arguments, identity, members, request_of, with_old_inputs, with_resources
from .sandbox import own
from .settings import PoolsError, read_fleet
from .task import Paths, Task

AHEAD = 2.0  # seconds by which a file's time may be ahead of the clock


class Front:
    """One workflow's way to the controller.

    Raises
    ------
    WorkflowError
        If the pools file cannot be used, or another driver works on this study.
    """

    def __init__(self, workflow: Any, logger: Any, executor: Any) -> None:
        self._workflow, self._logger, self._executor = workflow, logger, executor
        settings = workflow.executor_settings
        self._controller: Controller | None = None
        self._copies: dict[str, str] = {}
        if not workflow.execution_settings.lock and workflow.persistence.locked:
            raise WorkflowError("Snakemake is at work here without this executor, or was killed: see --unlock")
        try:
            self._fleet = read_fleet(settings.pools)
            if self._fleet.backend == "slurm" and not shutil.which("sbatch"):
                raise PoolsError(f"{settings.pools}: backend slurm: sbatch is not on the PATH of this machine")
            if len(str(settings.state.absolute()).split()) > 1:
                raise PoolsError(
                    f"state: {settings.state.absolute()} has a space in it, which scripts of pilots cannot have"
                )
            outcome = _outcome(self._fleet.outcome)
            if len(workflow.dag):  # otherwise Snakemake says so, and does not call again
                self._frozen, self._copies = _freeze(workflow, self._fleet.freeze, settings.state)
                self._controller = Controller(self._fleet, settings.state, Path.cwd(), self._frozen, self)
        except (ValueError, Held, OSError) as error:
            self._thaw()
            raise WorkflowError(str(error)) from error
        self._progress = Progress(workflow.dag.needrun_jobs(), self._fleet.subject, self.tell, outcome)

    def task(self, job: Any) -> Task:
        """The job, for the controller; what becomes of it is not yet anybody's business."""
        name = identity(job)
        return Task(
            name=name,
            rule=job.name,
            wildcards={} if job.is_group() else dict(job.wildcards_dict),
            request=request_of(job.resources, job.threads, self._fleet),
            words=lambda tries, request: self._words(job, tries, request),
            paths=_paths(job),
            env=dict(self._executor.envvars()),
            done=lambda: None,
            failed=lambda message, log: None,
            priority=min(int(job.priority), 2**31),
            adoptable=name in self._workflow.persistence.external_jobids(job),
        )

    def _words(self, job: Any, tries: int, request: Request) -> list[str]:
        words = [self._copies.get(word, word) for word in arguments(self._executor.format_job_exec(job))]
        words = with_old_inputs(words, [one.rule for one in members(job)])
        return with_resources(words, job.rules, request) if tries > 1 else words

    def tell(self, line: str) -> None:
        """Say something to the user."""
        self._logger.info(line)

    def fail(self, error: BaseException) -> None:
        """End the run: the controller met an error of its own."""
        self._workflow.scheduler.executor_error_callback(error)

    def submit(self, task: Task, job: Any) -> None:
        """Hand a task over, unless its inputs come from the future."""
        if ahead := _put_back(job.input):
            task.failed(ahead, None)
        else:
            self._controller.submit(task)

    def settled(self, job: Any, task: Task, *, failed: bool) -> None:
        """A job is done, or has failed."""
        self._progress.note(members(job), task.wall, failed=failed)
        running = list(self._controller.attempts.running.values())
        self._progress.show({one.wildcards.get(self._fleet.subject, "") for one in running}, len(running))

    def close(self) -> None:
        """End it all."""
        if self._controller is None:
            return
        self._controller.close()
        self._thaw()

    def _thaw(self) -> None:
        for folder in {Path(copy).parent for copy in self._copies.values()}:
            shutil.rmtree(folder, ignore_errors=True)


def _outcome(name: str | None) -> Callable[[list[str]], str | None]:
    if name is None:
        return lambda paths: None
    try:
        return TypeAdapter(ImportString).validate_python(name)
    except ValidationError as error:
        raise PoolsError(f"outcome: expected module:function that can be imported, found {name}") from error


def _paths(job: Any) -> Paths:
    jobs = members(job)
    products = [path for one in jobs for path in one.products()]
    updated = [str(path) for path in products if is_flagged(path, "update")]
    logs = [str(path) for one in jobs for path in one.log]
    return Paths([str(path) for path in job.input], list(map(str, products)), logs, updated)


def _freeze(workflow: Any, more: Iterable[Path], state: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Copy the files that rules are parsed from, as jobs that start after an edit would otherwise see another study.

    Returns the copies by path in the working directory, and by the absolute path that a command line may hold.
    """
    folder = state.absolute() / f"frozen-{secrets.token_hex(3)}"
    copies = {}
    paths = {Path(one).absolute() for one in [*workflow.configfiles, *more]}
    for path in paths:
        path.stat()  # what is missing is missed before anything is copied
    for path in paths:
        copy = folder / f"{len(copies)}-{path.name}"
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copy2(path, copy)
        copies[str(path)] = str(copy)
    inside = {os.path.relpath(path): copy for path, copy in copies.items()}
    return {path: copy for path, copy in inside.items() if own([path])}, copies


def _put_back(inputs: Iterable[str]) -> str | None:
    """Give inputs that are ahead of the clock the time of now, as ``touch`` would.

    Snakemake throws away what is older than its input. Says what is in the way where a time cannot be set.
    """
    now = time.time()
    for path in (Path(one) for one in inputs):
        for dated in (path, path / ".snakemake_timestamp"):
            ahead = dated.stat().st_mtime - now if dated.exists() else 0
            try:
                if ahead > AHEAD:
                    os.utime(dated)
            except OSError as error:
                return f"cause: clock; {dated} is {ahead:.0f} s ahead of the clock, expected a time past ({error})"
    return None
