"""Write the report of one patient."""

from pathlib import Path

from twinbeat import report, stage

job = stage.job(snakemake)  # never a verdict in place of a page: a fault here fails the rule
stores = {name: path for name, path in vars(job.input).items() if Path(str(path)).suffix == ".zarr"}
gathered = report.gather(stores, job.input.clinical)
wildcards = snakemake.wildcards
Path(job.output[0]).write_text(report.patient_page(wildcards.patient, wildcards.study, gathered))
