"""Calibrate the conduction velocities of one patient."""

from twinbeat import stage, store
from twinbeat.calibration import conduction
from twinbeat.intake import activation_map
from twinbeat.intake.clinical import Clinical
from twinbeat.parameters import Electrophysiology, Fibers
from twinbeat.parameters.calibration import Conduction

with stage.job(snakemake) as job:
    anatomy, clinical = store.open(job.input.anatomy), Clinical.read(job.input.clinical)
    scar = (store.open(job.input.labels), clinical.scar_segments) if job.input.labels else None
    found = activation_map.read(job.input.activation) if job.input.activation else None
    own, electrical = Conduction(**job.params.conduction), Electrophysiology(**job.params.electrophysiology)
    parameters = own, electrical, Fibers(**job.params.fibers)
    job.publish(conduction.calibrate(anatomy, parameters, clinical.measured("qrs_duration"), found, scar))
