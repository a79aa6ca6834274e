"""Simulate the activation of one patient's left ventricle."""

from twinbeat import electrophysiology, stage, store
from twinbeat.parameters import Electrophysiology, Fibers

with stage.job(snakemake) as job:
    anatomy = store.open(job.input.anatomy)
    parameters, angles = Electrophysiology(**job.params.electrophysiology), Fibers(**job.params.fibers)
    job.publish(electrophysiology.activate(anatomy, parameters, angles))
