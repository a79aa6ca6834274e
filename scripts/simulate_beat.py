"""Simulate the beat of one patient's calibrated heart, or of both ventricles, in its circulation, on all ranks."""

from functools import partial
from pathlib import Path

from mpi4py import MPI

from twinbeat import beat, biventricle, electromechanics, electrophysiology, stage, store
from twinbeat.intake.clinical import Clinical
from twinbeat.parameters import Beat, Electrophysiology, Fibers, Mechanics

with stage.mpi_job(MPI.COMM_WORLD.rank) as job:
    stores = [store.open(getattr(job.input, name)) for name in ("anatomy", "posterior", "activation", "targets")]
    clinical, comm, feedback = Clinical.read(job.input.clinical), MPI.COMM_WORLD, None
    parameters = Beat(**job.params.beat), Mechanics(**job.params.mechanics)
    wave = Electrophysiology(**job.params.electrophysiology)
    if wave.feedback.active:
        scar = (store.open(job.input.labels), clinical.scar_segments) if job.input.labels else None
        if job.input.conduction:
            wave = electrophysiology.fitted(wave, store.open(job.input.conduction))
        electrics = electromechanics.Electrics(wave, Fibers(**job.params.fibers), scar)
        feedback = electromechanics.Feedback(electrics, *stores[:3])
    cells = partial(electromechanics.simulate, electrophysiology=wave, feedback=feedback)
    left = beat.simulate if parameters[0].contraction == "phenomenological" else cells
    cut_off = Path(job.output[0]).with_suffix(".checkpoint")
    heart = [store.open(job.input.heart)] if job.input.heart else []
    simulate = biventricle.simulate if heart else left
    job.publish(simulate(*heart, *stores, clinical, *parameters, comm, checkpoint=cut_off))
    if feedback:
        job.publish(feedback.wave().assign_attrs(kind="activation"), output=1)
