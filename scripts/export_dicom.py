"""Write the segmentation and the measurements of one patient as DICOM."""

from pathlib import Path

from twinbeat import exchange, stage, store
from twinbeat.parameters import Imaging

with stage.job(snakemake) as job:
    labels, targets, assessment = (store.open(vars(job.input)[name]) for name in ("labels", "targets", "assessment"))
    imaging = Imaging(**job.params.imaging)
    stack = store.open(job.input.image).attrs["stack"]
    exchange.write(Path(job.input.dicom), Path(job.output[0]), labels, targets, assessment, imaging, stack)
