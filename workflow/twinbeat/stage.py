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
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any, Self

import xarray as xr

from . import store
from .verdicts import PatientStopped, Quarantined

MACHINE_FAULTS = (MemoryError, OSError, KeyboardInterrupt, SystemExit)
log = logging.getLogger("twinbeat")


class Job:
    """One run of one rule. ``input``, ``output`` and ``params`` hold what the rule names."""

    def __init__(self, rule: str, input: Mapping[str, Any], output: list[str], params: Mapping[str, Any], rank: int) -> None:
        self.rule, self.output, self.rank = rule, output, rank
        self.input, self.params = SimpleNamespace(**input), SimpleNamespace(**params)

    def publish(self, dataset: xr.Dataset) -> None:
        """Publish the result as the rule's first output, with the checksums and parameters it was made from."""
        if self.rank == 0:
            store.publish(dataset, self.output[0], inputs=_stores(self.input), parameters=vars(self.params))

    def __enter__(self) -> Self:
        os.umask(0o077)
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if error is None or isinstance(error, MACHINE_FAULTS):
            return False
        if not isinstance(error, PatientStopped):
            log.error("".join(traceback.format_exception(error)))
            error = Quarantined("internal-error", f"{type(error).__name__} in {self.rule}; its log has the details", self.rule)
        error.stage = error.stage or self.rule
        log.error("%s at %s: %s", error.kind, error.stage, error)
        self.publish(store.verdict(error))
        return True


def job(snakemake: Any) -> Job:
    """The job of a rule with a ``script:`` directive; progress goes to the rule's log."""
    _log_to(snakemake.log[0])
    return Job(snakemake.rule, dict(snakemake.input.items()), list(snakemake.output), dict(snakemake.params.items()), 0)


def mpi_job(rank: int) -> Job:
    """The job of a rule that starts its script under MPI: the first argument is JSON (see ``arguments`` in common.smk)."""
    request = json.loads(sys.argv[1])
    _log_to(request["log"] if rank == 0 else os.devnull)
    return Job(request["rule"], request["input"], request["output"], request["params"], rank)


def _stores(names: SimpleNamespace) -> list[str]:
    paths = [path for value in vars(names).values() for path in ([value] if isinstance(value, str) else value)]
    return [path for path in paths if Path(path).suffix != ".py"]


def _log_to(path: str) -> None:
    logging.basicConfig(filename=path, level=logging.INFO, format="%(asctime)s %(message)s", force=True)
