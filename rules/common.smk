"""Reads and validates config.yaml and patients.tsv; the only rule file with Python in it."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "workflow"))

from twinbeat import cohort
from twinbeat.parameters import ConfigurationError, read

try:
    study = read(config)
    patients = cohort.read_patients(study.patients)
except ConfigurationError as error:
    sys.exit(str(error))


def modules(*names):
    """The library modules of a stage as inputs, so that editing them reruns it (and what follows), and nothing else."""
    files = [Path(workflow.basedir) / "workflow/twinbeat" / name for name in names]
    return sorted(str(f) for file in files for f in ([*file.rglob("*.py")] or [file.with_suffix(".py")]))


def section(name):
    """The canonical text of a section of the configuration: tracked by Snakemake, blind to the spelling of a unit."""
    return getattr(study, name).model_dump(mode="json")


def of_patient(column):
    """An input function: the patient's entry in this column of patients.tsv, or nothing."""
    return lambda wildcards: patients[wildcards.patient].get(column) or []


def arguments(rule, *names):
    """The JSON argument of a script under MPI: what Snakemake would hand to a ``script:``."""

    def of_job(wildcards, input, output):
        log = f"logs/{wildcards.study}/{wildcards.patient}/{rule}.log"
        params = {name: section(name) for name in names}
        return json.dumps({"rule": rule, "input": dict(input.items()), "output": list(output), "params": params, "log": log})

    return of_job
