"""Write the page of a what-if run of one patient."""

from pathlib import Path

from twinbeat import report, stage

job = stage.job(snakemake)  # never a verdict in place of a page: a fault here fails the rule
wildcards, names = snakemake.wildcards, ("activation", "beat", "changed_activation", "changed_beat", "changes")
paths = {name: getattr(job.input, name) for name in names}
page = report.whatif_page(wildcards.patient, wildcards.study, wildcards.whatif, job.params.run, paths)
Path(job.output[0]).write_text(page)
