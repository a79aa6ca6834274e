"""Draw one virtual anatomy from the shape model."""

from twinbeat import shapes, stage, store
from twinbeat.parameters import Mesh, Shape

with stage.joint_job(snakemake) as job:
    shape, number = store.open(job.input.shape), int(snakemake.wildcards.virtual.removeprefix("v-"))
    job.publish(shapes.synthesise(shape, number, Shape(**job.params.shape), Mesh(**job.params.mesh)))
