"""Train the surrogate of one patient on the members of the ensemble."""

from twinbeat import stage, store, surrogate
from twinbeat.parameters import Surrogate

with stage.job(snakemake) as job:
    ensemble = store.open(job.input.ensemble)
    members = store.finished(job.input.members)
    earlier = store.earlier(job.output[0])
    job.publish(surrogate.refresh(ensemble, members, Surrogate(**job.params.surrogate), earlier))
