"""Import the short-axis cine of one patient."""

from pathlib import Path

from twinbeat import stage, store
from twinbeat.intake.imaging import image
from twinbeat.parameters import Imaging

with stage.job(snakemake) as job:
    record = store.open(job.input.record)
    job.publish(image.read(Path(job.input.dicom), record, Imaging(**job.params.imaging), job.params.forced))
