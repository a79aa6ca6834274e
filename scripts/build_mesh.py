"""Mesh the labelled heart of one patient."""

from twinbeat import mesh, stage, store
from twinbeat.parameters import Mesh

with stage.job(snakemake) as job:
    labels = store.open(job.input.labels)
    job.publish(mesh.build(labels, Mesh(**job.params.mesh)))
