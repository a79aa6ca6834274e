"""Write the automatic labels of one patient for a reviewer to correct."""

from pathlib import Path

from twinbeat import exchange, stage, store
from twinbeat.parameters import Imaging

with stage.job(snakemake) as job:
    automatic, imaging = store.open(job.input.automatic), Imaging(**job.params.imaging)
    stack = store.open(job.input.image).attrs["stack"]
    exchange.write_segmentation(Path(job.input.dicom), Path(job.output[0]), automatic, imaging, stack)
