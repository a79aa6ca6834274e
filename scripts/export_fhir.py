"""Write the finished twin of one patient as a FHIR R4 bundle."""

import json
from pathlib import Path

from twinbeat import fhir, stage, store
from twinbeat.intake import references

STORES = ("image", "labels", "anatomy", "targets", "posterior", "activation", "beat", "assessment")

with stage.job(snakemake) as job:
    paths = [Path(getattr(job.input, name)) for name in STORES]
    assessment, targets = store.open(job.input.assessment), store.open(job.input.targets)
    checksums = {path.name: store.checksum(path) for path in paths}
    images = references.studies(Path(job.input.dicom))
    name = snakemake.wildcards.study, snakemake.wildcards.patient
    bundle = fhir.export(name, assessment, targets, images, checksums)
    fhir.check(bundle)
    Path(job.output[0]).write_text(json.dumps(bundle, indent=2) + "\n", "utf-8")
