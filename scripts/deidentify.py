"""De-identify the DICOM of one patient, from a folder, a zip or a PACS."""

from pathlib import Path

from twinbeat import stage
from twinbeat.intake import sources
from twinbeat.intake.deidentification.deidentify import deidentify
from twinbeat.intake.deidentification.pseudonyms import secret
from twinbeat.parameters import Deidentification, Retrieval

with stage.job(snakemake) as job:
    retrieval = Retrieval(**vars(job.params).pop("retrieval"))  # the hospital's machines stay out of the store
    parameters = Deidentification(**job.params.deidentification)
    with sources.opened(Path(job.input.dicom), retrieval) as folder:
        output, key = Path(job.output[1]), secret(parameters)
        record, certificate = deidentify(folder, output, key, parameters, job.params.patient)
    certificate.write(Path(job.output[2]))
    job.publish(record)
