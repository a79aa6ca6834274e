"""Assign fibres and segments to the mesh of one patient."""

from twinbeat import fibers, mesh, stage, store
from twinbeat.parameters import Fibers

with stage.job(snakemake) as job:
    anatomy = fibers.assign(store.open(job.input.mesh), Fibers(**job.params.fibers))
    mesh.write(anatomy, job.output[1])
    job.publish(anatomy)
