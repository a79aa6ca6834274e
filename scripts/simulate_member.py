"""Simulate the beat of one member of a patient's ensemble."""

from mpi4py import MPI

from twinbeat import stage, store
from twinbeat.intake.clinical import Clinical
from twinbeat.parameters import Beat, Mechanics
from twinbeat.surrogate import member

with stage.job(snakemake) as job:
    names = ("ensemble", "anatomy", "posterior", "activation", "targets")
    stores = {name: store.open(getattr(job.input, name)) for name in names}
    clinical = Clinical.read(job.input.clinical)
    parameters, mechanics = Beat(**job.params.beat), Mechanics(**job.params.mechanics)
    job.publish(
        member.simulate(
            int(snakemake.wildcards.member), **stores, clinical=clinical, parameters=parameters, mechanics=mechanics,
            frames=job.params.ensemble["frames"], comm=MPI.COMM_SELF,
        )
    )  # fmt: skip
