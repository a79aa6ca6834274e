"""Choose the members of one patient's ensemble."""

from twinbeat import stage, store, surrogate
from twinbeat.parameters import Surrogate

with stage.job(snakemake) as job:
    store.open(job.input.beat)  # no ensemble around a heart that could not be made to beat
    posterior = store.open(job.input.posterior)
    job.publish(surrogate.sample(posterior, Surrogate(**job.params.surrogate)))
