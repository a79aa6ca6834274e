"""Calibrate the heart of one patient."""

from twinbeat import calibration, fibers, stage, store
from twinbeat.intake.clinical import Clinical
from twinbeat.parameters import Calibration, Fibers, Mechanics

with stage.job(snakemake) as job:
    anatomy, targets = store.open(job.input.anatomy), store.open(job.input.targets)
    segments = Clinical.read(job.input.clinical).scar_segments
    scar = fibers.scarred(anatomy, store.open(job.input.labels), segments)
    tissue = fibers.tissue(anatomy, scar, Fibers(**job.params.fibers).border_zone)
    parameters = Calibration(**job.params.calibration), Mechanics(**job.params.mechanics)
    job.publish(calibration.calibrate(anatomy, targets, tissue, *parameters))
