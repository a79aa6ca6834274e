"""The seam between a rule and the library: what a script is given, and how its job may end.

    with stage.job(snakemake) as job:
        labels = store.open(job.input.labels)
        job.publish(mesh.build(labels, Mesh(**job.params.mesh)))

A ``PatientStopped`` (also one met in an input store) is published as the verdict of this patient, so that the stages
behind it pass it on and the cohort report names it. What the machine did wrong (memory, disk) fails the job instead.
"""

import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, Self

import xarray as xr

from . import store
from .verdicts import PatientStopped, Quarantined

MACHINE_FAULTS = (MemoryError, OSError, KeyboardInterrupt, SystemExit)
PATIENCE = 60.0
"""Seconds for which a rank that met an error waits for the others to meet theirs."""
log = logging.getLogger("twinbeat")


class Alone:
    """The only rank of a job."""

    rank = 0

    def agree(self) -> None:
        """All ranks have met an error."""

    def abort(self) -> None:
        """There is nobody else to stop."""


class Ranks:
    """The ranks of a job under MPI, on a communicator of their own that no solver waits on."""

    def __init__(self) -> None:
        from mpi4py import MPI

        self.comm = MPI.COMM_WORLD.Dup()
        self.rank = self.comm.rank

    def agree(self) -> None:
        """Return once all ranks are here; where one is not (it waits for this one in a solver), the job fails."""
        request, deadline = self.comm.Ibarrier(), time.monotonic() + PATIENCE
        while not request.Test():
            if time.monotonic() > deadline:
                log.error("rank %d met an error that the others did not", self.rank)
                self.abort()
            time.sleep(0.01)

    def abort(self) -> None:
        """End all ranks: one that only went away would leave the others waiting for ever."""
        if self.comm.size > 1:
            self.comm.Abort(1)


class Job:
    """One run of one rule. ``input``, ``output`` and ``params`` hold what the rule names."""

    def __init__(
        self,
        rule: str,
        input: Mapping[str, Any],
        output: list[str],
        params: Mapping[str, Any],
        ranks: Alone | Ranks,
    ) -> None:
        self.rule, self.output, self.ranks = rule, output, ranks
        self.input, self.params = SimpleNamespace(**input), SimpleNamespace(**params)

    def publish(self, dataset: xr.Dataset, output: int = 0) -> None:
        """Publish a result as one of the rule's outputs, with the checksums and parameters it was made from."""
        if self.ranks.rank == 0:
            self._publish(dataset, self.output[output])

    def _publish(self, dataset: xr.Dataset, path: str) -> None:
        store.publish(dataset, path, inputs=_stores(self.input), parameters=vars(self.params))

    def __enter__(self) -> Self:
        os.umask(0o077)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if error is None:
            return False
        if not isinstance(error, PatientStopped):
            log.error("".join(traceback.format_exception(error)))
        if isinstance(error, MACHINE_FAULTS):
            self.ranks.abort()
            return False
        if not isinstance(error, PatientStopped):
            error = Quarantined("internal-error", f"{type(error).__name__} in {self.rule}; its log has the details")
        self.ranks.agree()
        self._stop(error)
        return True

    def _stop(self, stopped: PatientStopped) -> None:
        """Publish the verdict in the place of every output."""
        if self.ranks.rank > 0:
            return
        stopped.stage = stopped.stage or self.rule
        log.error("%s at %s: %s", stopped.kind, stopped.stage, stopped)
        verdict = store.verdict(stopped)
        for path in self.output:
            if Path(path).suffix in ("", ".zarr"):
                self._publish(verdict, path)
            else:
                Path(path).write_text(json.dumps(verdict.attrs) + "\n")


def job(snakemake: Any) -> Job:
    """The job of a rule with a ``script:`` directive; progress goes to the rule's log."""
    _log_to(snakemake.log[0], logging.INFO)
    return Job(
        snakemake.rule, dict(snakemake.input.items()), list(snakemake.output), dict(snakemake.params.items()), Alone()
    )


@contextmanager
def joint_job(snakemake: Any) -> Iterator[Job]:
    """The job of a rule that is about no single patient: there is nobody to give a verdict to, so a coded reason ends
    the rule, in its log and as the last words of its script."""
    one = job(snakemake)
    os.umask(0o077)
    try:
        yield one
    except PatientStopped as stopped:
        log.error("%s: %s", one.rule, stopped)
        sys.exit(f"{one.rule}: {stopped}")


def mpi_job(rank: int) -> Job:
    """The job of a rule that starts its script under MPI, from the JSON that ``arguments`` in common.smk made."""
    request = json.loads(sys.argv[1])
    _log_to(request["log"], logging.INFO if rank == 0 else logging.ERROR)
    return Job(request["rule"], request["input"], request["output"], request["params"], Ranks())


def _stores(names: SimpleNamespace) -> list[str]:
    paths = [path for value in vars(names).values() for path in ([value] if isinstance(value, str) else value)]
    return [path for path in paths if Path(path).suffix != ".py"]


def _log_to(path: str, level: int) -> None:
    logging.basicConfig(filename=path, level=level, format="%(asctime)s %(message)s", force=True)
