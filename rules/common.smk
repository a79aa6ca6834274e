"""Reads and validates config.yaml and patients.tsv; the only rule file with Python in it."""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "workflow"))

from twinbeat import cohort
from twinbeat.intake.deidentification import linkage
from twinbeat.intake.deidentification.pseudonyms import secret
from twinbeat.intake.private import SecretRefused
from twinbeat.parameters import ConfigurationError, read

try:
    study = read(config)
    patients = cohort.read_patients(study.patients)
    for key, named in {
        "surrogate.patients": study.surrogate.patients or (),
        "imaging.force": study.imaging.force,
        "pharmacology.patients": study.pharmacology.patients or (),
    }.items():
        if strangers := ", ".join(sorted(set(named) - set(patients))):
            raise ConfigurationError(f"config.yaml: {key}: {strangers} not in {study.patients}")
    mapped = ", ".join(name for name, row in patients.items() if row.get("activation"))
    if mapped and not study.calibration.conduction.fitted:
        raise ConfigurationError(
            f"config.yaml: calibration.conduction.fitted: expected velocities to fit to the activation of {mapped}, got none"
        )
    runs = [study.electrophysiology, *(run.activated_by(study.electrophysiology) for run in study.whatif.values())]
    if study.pharmacology.drugs or any(run.drugs for run in runs):
        from twinbeat.pharmacology import dosed

        study = dosed(study)
except ConfigurationError as error:
    sys.exit(str(error))


onstart:
    try:
        secret(study.deidentification)
        linkage.check(study.deidentification)
    except SecretRefused as refusal:
        sys.exit(str(refusal))


def account():
    """What the study has taken so far, where its jobs ran in pilots: accounting.tsv and .html beside the cohort report."""
    from twinbeat.report import accounting

    state = getattr(workflow.executor_settings, "state", ".snakemake/dask-jobqueue")
    accounting.write(Path("results") / study.study, study.study, Path(state) / "accounting.tsv")


onsuccess:
    account()


onerror:
    account()


wildcard_constraints:
    study=study.study,
    patient="[A-Za-z0-9][A-Za-z0-9-]*",
    member="[0-9]+",
    virtual="v-[0-9]{5}",
    whatif="[a-z0-9][a-z0-9-]*",


HEEDS_SCAR = study.electrophysiology.scar.kind != "muscle"
BOTH_ACTIVATED = study.electrophysiology.ventricles == "both"
FITS_CONDUCTION = bool(study.calibration.conduction.fitted)


def library(name):
    """The path of a part of the library, relative to where the workflow runs."""
    return str(Path(os.path.relpath(workflow.basedir)) / "workflow/twinbeat" / name)


def network():
    """The networks of segmentation with their cards: those of the configuration or of the library."""
    if study.segmentation.network:
        path = Path(study.segmentation.network)
        cards = [path.with_suffix(suffix) for suffix in (".toml", ".json")]
        return [str(path), str(next((card for card in cards if card.is_file()), cards[0]))]
    return [library(f"segmentation/unet{part}") for part in ("2d.onnx", "2d.toml", "3d.onnx", "3d.toml")]


def modules(*names):
    """The library modules of a stage as inputs: editing one reruns that stage and what follows, and nothing else."""
    files = [Path(library(name)) for name in names]
    return sorted(str(path) for file in files for path in ([*file.rglob("*.py")] or [file.with_suffix(".py")]))


def section(name, without=()):
    """A section of the configuration as canonical text: tracked by Snakemake, blind to the spelling of a unit."""
    return getattr(study, name).model_dump(mode="json", exclude=set(without))


def of_beat(wildcards=None):
    """What the configuration says of the beat: nothing of both ventricles where the left one beats alone."""
    return section("beat", without=[] if study.beat.ventricles == "both" else ["both"])


def of_equilibria(wildcards=None):
    """What the configuration says of mechanics that stands still, as in a calibration and in a phantom."""
    return section("mechanics", without=["density", "viscosity"])


def of_patient(column):
    """An input function: what patients.tsv says of the patient in this column, or nothing."""
    return lambda wildcards: patients[wildcards.patient].get(column) or []


def drawn(wildcards):
    """An input function: the files that reviewers put into the folder of the patient."""
    folder = Path(study.segmentation.review) / wildcards.patient
    return sorted(str(path) for path in folder.glob("*") if path.is_file() and not path.name.startswith("."))


def retrieval(wildcards):
    """What fetching needs to know; nothing where DICOM lies in a folder, so that a word about a PACS reruns none of it."""
    source = Path(patients[wildcards.patient]["dicom"])
    return section("retrieval") if source.suffix.lower() in cohort.FETCHED else {}


def of_whatif(wildcards):
    """What the configuration says of this run."""
    if wildcards.whatif not in study.whatif:
        sys.exit(f"config.yaml: whatif: expected a run {wildcards.whatif}, got {', '.join(study.whatif) or 'none'}")
    return study.whatif[wildcards.whatif]


def whatif_activation(wildcards):
    """The activation of a run: the twin's own where nothing of it is changed."""
    own = "results/{study}/{patient}/whatif/{whatif}/activation.zarr"
    changed = of_whatif(wildcards).activated_by(study.electrophysiology) != study.electrophysiology
    return own if changed else "results/{study}/{patient}/activation.zarr"


def arguments(rule, *sections, log="logs/{study}/{patient}/{rule}.log", **more):
    """The params of a script under MPI: ``job``, the JSON of what Snakemake would hand to a ``script:``, and ``chosen``,
    what it is told of the configuration: Snakemake sees no change in params that depend on input and output.

    ``more`` are functions of the wildcards that give further params.
    """

    def chosen(wildcards):
        return {name: section(name) for name in sections} | {name: value(wildcards) for name, value in more.items()}

    def job(wildcards, input, output):
        return json.dumps(
            {
                "rule": rule,
                "input": dict(input.items()),
                "output": list(output),
                "params": chosen(wildcards),
                "log": log.format(rule=rule, **wildcards),
            }
        )

    return {"chosen": chosen, "job": job}
