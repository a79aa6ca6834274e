"""Build the shape model of a cohort."""

from twinbeat import shapes, stage, store
from twinbeat.parameters import Shape

with stage.joint_job(snakemake) as job:
    meshes = store.finished(job.input.meshes)
    job.publish(shapes.build(meshes, Shape(**job.params.shape)))
