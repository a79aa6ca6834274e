"""Extract the targets of calibration of one patient."""

from twinbeat import calibration, stage, store
from twinbeat.intake import strain
from twinbeat.intake.clinical import Clinical
from twinbeat.parameters import Calibration

with stage.job(snakemake) as job:
    labels, anatomy = store.open(job.input.labels), store.open(job.input.anatomy)
    clinical, strains = Clinical.read(job.input.clinical), strain.read(job.input.strain) if job.input.strain else ()
    job.publish(calibration.extract(labels, anatomy, clinical, Calibration(**job.params.calibration), strains))
