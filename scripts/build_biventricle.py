"""Mesh both ventricles of one patient, with their fibres."""

import numpy as np

from twinbeat import fibers, mesh, stage, store
from twinbeat.intake.clinical import Clinical
from twinbeat.parameters import Fibers, Mesh

with stage.job(snakemake) as job:
    labels, anatomy = store.open(job.input.labels), store.open(job.input.anatomy)
    scar = np.isin(anatomy["segment"].values, Clinical.read(job.input.clinical).scar_segments)
    middles = anatomy["points"].values[anatomy["cells"].values[scar]].mean(axis=1)
    both = mesh.build_biventricle(labels, Mesh(**job.params.mesh), middles)
    both = fibers.assign(both, Fibers(**job.params.fibers))
    mesh.write(both, job.output[1])
    job.publish(both)
