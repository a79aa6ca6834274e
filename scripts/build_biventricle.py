"""Mesh both ventricles of one patient."""

import numpy as np

from twinbeat import mesh, stage, store
from twinbeat.intake.clinical import Clinical
from twinbeat.parameters import Mesh

with stage.job(snakemake) as job:
    labels, anatomy = store.open(job.input.labels), store.open(job.input.anatomy)
    scar = np.isin(anatomy["segment"].values, Clinical.read(job.input.clinical).scar_segments)
    middles = anatomy["points"].values[anatomy["cells"].values[scar]].mean(axis=1)
    job.publish(mesh.build_biventricle(labels, Mesh(**job.params.mesh), middles))
