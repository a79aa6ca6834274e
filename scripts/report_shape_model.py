"""Write the page of the shape model."""

from pathlib import Path

from twinbeat import report, stage, store

job = stage.job(snakemake)  # a fault here fails the rule
shape = store.open(job.input.shape)
Path(job.output[0]).write_text(report.shape_page(snakemake.wildcards.study, shape))
