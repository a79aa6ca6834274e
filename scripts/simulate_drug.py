"""Simulate what a patient's drugs do: concentrations in plasma and the action potential of a cell."""

from twinbeat import pharmacology, stage, store
from twinbeat.parameters import Pharmacology

with stage.job(snakemake) as job:
    image = store.open(job.input.image)
    job.publish(pharmacology.simulate(image, Pharmacology(**job.params.pharmacology)))
