"""Write the report of one patient."""

from pathlib import Path

from twinbeat import report

wildcards, code = snakemake.wildcards, ("code", "templates")
paths = {name: path for name, path in snakemake.input.items() if path and name not in code}
page = report.patient_page(wildcards.patient, wildcards.study, report.gather(paths))
Path(snakemake.output[0]).write_text(page)
