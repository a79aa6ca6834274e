"""Make one virtual patient."""

from pathlib import Path

from twinbeat import stage
from twinbeat.parameters import Fibers, Mechanics, Phantom
from twinbeat.phantom import making

with stage.job(snakemake) as job:
    sections = Phantom(**job.params.phantom), Mechanics(**job.params.mechanics), Fibers(**job.params.fibers)
    made = making.make(making.number(snakemake.wildcards.patient), *sections)
    made.write(Path(job.output[1]), Path(job.output[2]))
    job.publish(made.truth)
