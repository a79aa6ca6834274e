"""Zip the DICOM of one virtual patient."""

import shutil

from twinbeat import stage

with stage.job(snakemake) as job:
    shutil.make_archive(job.output[0].removesuffix(".zip"), "zip", job.input.dicom)
