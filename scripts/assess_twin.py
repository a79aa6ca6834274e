"""Assess the twin of one patient, against the planted truth where there is one."""

from twinbeat import assessment, stage, store

STORES = ("labels", "anatomy", "targets", "posterior", "activation", "beat", "surrogate", "truth")

with stage.job(snakemake) as job:
    if job.input.biventricle:
        store.open(job.input.biventricle)  # where it holds a verdict, that is the patient's
    given = {name: getattr(job.input, name) for name in STORES}
    job.publish(assessment.assess(**{name: store.open(path) for name, path in given.items() if path}))
