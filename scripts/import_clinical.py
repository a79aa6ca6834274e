"""Clean the clinical data of one patient."""

from pathlib import Path

from twinbeat import stage, store
from twinbeat.intake import clinical
from twinbeat.parameters import Calibration, ClinicalData

with stage.job(snakemake) as job:
    image = store.open(job.input.image)
    content = clinical.read(job.input.clinical) if job.input.clinical else clinical.Content()
    params = vars(job.params)
    accuracy = ClinicalData(**params.pop("clinical"))
    figures = clinical.clean(content, float(image.cycle), accuracy, Calibration(**params))
    Path(job.output[0]).write_text(figures.model_dump_json(indent=2) + "\n", "utf-8")
