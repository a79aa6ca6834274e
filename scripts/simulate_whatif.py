"""Simulate the beat of one patient's calibrated heart with something changed, on all ranks."""

from functools import partial
from pathlib import Path

from mpi4py import MPI

from twinbeat import electromechanics, stage, store, whatif
from twinbeat.parameters import Beat, Electrophysiology, Mechanics, WhatIf

with stage.mpi_job(MPI.COMM_WORLD.rank) as job:
    names = ("anatomy", "posterior", "activation", "beat", "targets")
    stores = {name: store.open(getattr(job.input, name)) for name in names}
    run = WhatIf(**job.params.run)
    settings, mechanics = Beat(**job.params.beat), Mechanics(**job.params.mechanics)
    changed = store.open(job.input.changed)
    cut_off = Path(job.output[0]).with_suffix(".checkpoint")
    cells = partial(electromechanics.vary, electrophysiology=Electrophysiology(**job.params.electrophysiology))
    simulate = whatif.simulate if settings.contraction == "phenomenological" else cells
    job.publish(simulate(stores, changed, run, settings, mechanics, MPI.COMM_WORLD, cut_off))
