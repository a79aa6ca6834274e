"""Calibrate the heart of one patient."""

from twinbeat import calibration, stage, store
from twinbeat.intake.clinical import Clinical
from twinbeat.parameters import Calibration, Mechanics

with stage.job(snakemake) as job:
    anatomy, targets = store.open(job.input.anatomy), store.open(job.input.targets)
    scar = Clinical.read(job.input.clinical).scar_segments
    parameters = Calibration(**job.params.calibration), Mechanics(**job.params.mechanics)
    job.publish(calibration.calibrate(anatomy, targets, scar, *parameters))
