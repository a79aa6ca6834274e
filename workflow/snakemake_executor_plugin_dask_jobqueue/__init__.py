"""Snakemake executor plugin: jobs run in pilots, which dask-jobqueue submits to SLURM and a Dask scheduler feeds.

Every Snakemake process imports every installed executor plugin, so nothing heavy is imported until it is used.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
from snakemake_interface_executor_plugins.jobs import JobExecutorInterface
from snakemake_interface_executor_plugins.logging import LoggerExecutorInterface
from snakemake_interface_executor_plugins.settings import CommonSettings, ExecutorSettingsBase
from snakemake_interface_executor_plugins.workflow import WorkflowExecutorInterface

if TYPE_CHECKING:
    from .task import Task


@dataclass
class ExecutorSettings(ExecutorSettingsBase):
    """The plugin's options; what the pilots are is in the pools file."""

    pools: Path | None = field(
        default=None, metadata={"help": "The pools file: which pilots there may be.", "required": True, "type": Path}
    )
    state: Path = field(
        default=Path(".snakemake/dask-jobqueue"),
        metadata={"help": "Directory for what outlives a driver; one driver at a time.", "type": Path},
    )


common_settings = CommonSettings(
    non_local_exec=True,
    implies_no_shared_fs=False,
    job_deploy_sources=False,
    pass_default_storage_provider_args=True,
    pass_default_resources_args=True,
    pass_envvar_declarations_to_cmd=False,  # they go to the attempt's environment
    auto_deploy_default_storage_provider=False,
)


class Executor(RemoteExecutor):
    """Hands Snakemake's jobs to the controller, and its word on them back."""

    def __init__(self, workflow: WorkflowExecutorInterface, logger: LoggerExecutorInterface) -> None:
        from .front import Front

        self._unsettled: dict[str, SubmittedJobInfo] = {}
        self._guard = threading.Lock()
        self._front = Front(workflow, logger, self)  # before the base class starts threads
        super().__init__(workflow, logger)
        self.next_seconds_between_status_checks = 0.5  # of a list; nobody is asked

    def run_jobs(self, jobs: list[JobExecutorInterface]) -> None:
        """All jobs that are ready, at once: pools are sized by them."""
        for job in jobs:
            self.run_job_pre(job)
            self.run_job(job)

    def run_job(self, job: JobExecutorInterface) -> None:
        """Hand one job over."""
        task = self._front.task(job)
        info = SubmittedJobInfo(job, external_jobid=task.name)
        with self._guard:
            self._unsettled[task.name] = info
        task.done = lambda: self._settle(task)
        task.failed = lambda message, log: self._settle(task, message, log)
        self.report_job_submission(info)
        self._front.submit(task, job)

    def _settle(self, task: Task, message: str | None = None, log: Path | None = None) -> None:
        with self._guard:
            info = self._unsettled.pop(task.name)
        if message is None:
            self.report_job_success(info)
        else:
            self.report_job_error(info, msg=message + ". ", aux_logs=[str(log)] if log else [])
        self._front.settled(info.job, task, failed=message is not None)

    async def check_active_jobs(self, active_jobs: list[SubmittedJobInfo]) -> AsyncGenerator[SubmittedJobInfo, None]:
        """Those that are not settled; the controller calls when one is."""
        for info in active_jobs:
            if info.external_jobid in self._unsettled:
                yield info

    def cancel_jobs(self, active_jobs: list[SubmittedJobInfo]) -> None:
        """Nothing to do one by one: shutting down ends all, with all that they started."""

    def shutdown(self) -> None:
        """End pilots and threads, and let go of the study."""
        self._front.close()
        super().shutdown()
