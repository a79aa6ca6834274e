"""Assess the twin of one patient, against the planted truth where there is one."""

from twinbeat import assessment, stage, store

with stage.job(snakemake) as job:
    names = ("labels", "anatomy", "targets", "posterior", "activation", "beat")
    stores = {name: store.open(getattr(job.input, name)) for name in names}
    truth = store.open(job.input.truth) if job.input.truth else None
    job.publish(assessment.assess(**stores, truth=truth))
