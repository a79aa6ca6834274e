"""Simulate the beat of one patient's calibrated heart, or of both ventricles, in its circulation, on all ranks."""

from functools import partial
from pathlib import Path

from mpi4py import MPI

from twinbeat import beat, biventricle, electromechanics, stage, store
from twinbeat.intake.clinical import Clinical
from twinbeat.parameters import Beat, Electrophysiology, Mechanics

with stage.mpi_job(MPI.COMM_WORLD.rank) as job:
    stores = [store.open(getattr(job.input, name)) for name in ("anatomy", "posterior", "activation", "targets")]
    clinical, comm = Clinical.read(job.input.clinical), MPI.COMM_WORLD
    parameters = Beat(**job.params.beat), Mechanics(**job.params.mechanics)
    cells = partial(electromechanics.simulate, electrophysiology=Electrophysiology(**job.params.electrophysiology))
    left = beat.simulate if parameters[0].contraction == "phenomenological" else cells
    cut_off = Path(job.output[0]).with_suffix(".checkpoint")
    heart = [store.open(job.input.heart)] if job.input.heart else []
    simulate = biventricle.simulate if heart else left
    job.publish(simulate(*heart, *stores, clinical, *parameters, comm, checkpoint=cut_off))
