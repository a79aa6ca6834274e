"""Decide on the labels of one patient: by the gates, or by what reviewers drew."""

from pathlib import Path

from twinbeat import segmentation, stage, store
from twinbeat.intake import drawings
from twinbeat.parameters import Segmentation

with stage.job(snakemake) as job:
    automatic, patient = store.open(job.input.automatic), snakemake.wildcards.patient
    review = drawings.of_patient(job.input.review, patient, Path(job.input.dicom), automatic.sizes["time"])
    job.publish(segmentation.decide(automatic, review, Segmentation(**job.params.segmentation)))
