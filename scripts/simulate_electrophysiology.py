"""Simulate the activation of one patient's left ventricle, or of both, on all ranks."""

from mpi4py import MPI

from twinbeat import electrophysiology, stage, store
from twinbeat.intake.clinical import Clinical
from twinbeat.parameters import Electrophysiology, Fibers

with stage.mpi_job(MPI.COMM_WORLD.rank) as job:
    anatomy, scar = store.open(job.input.anatomy), None
    if job.input.labels:
        scar = store.open(job.input.labels), Clinical.read(job.input.clinical).scar_segments
    both = store.open(job.input.biventricle) if job.input.biventricle else None
    parameters, angles = Electrophysiology(**job.params.electrophysiology), Fibers(**job.params.fibers)
    if job.input.conduction:
        parameters = electrophysiology.fitted(parameters, store.open(job.input.conduction), job.params.named)
    job.publish(electrophysiology.activate(anatomy, parameters, angles, scar, MPI.COMM_WORLD, both=both))
