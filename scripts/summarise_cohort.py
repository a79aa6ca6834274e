"""Put all patients of a study side by side."""

from pathlib import Path

from twinbeat import report, stage

job = stage.job(snakemake)  # a cohort has no verdict of its own: a fault here fails the rule
found = report.assessments(job.input.assessments)
cohort = report.summarise(found, job.params.groups)
job.publish(cohort)
Path(job.output[1]).write_text(report.cohort_page(snakemake.wildcards.study, cohort, found))
