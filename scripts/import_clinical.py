"""Clean the clinical figures of one patient."""

from pathlib import Path

from twinbeat import stage, store
from twinbeat.intake import clinical
from twinbeat.parameters import Calibration, ClinicalData

with stage.job(snakemake) as job:
    image = store.open(job.input.image)
    content = clinical.parse(Path(job.input.clinical).read_text("utf-8")) if job.input.clinical else {}
    params = vars(job.params)
    accuracy = ClinicalData(**params.pop("clinical"))
    figures = clinical.clean(content, float(image.cycle), accuracy, Calibration(**params))
    Path(job.output[0]).write_text(figures.model_dump_json(indent=2) + "\n", "utf-8")
