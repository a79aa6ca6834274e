"""De-identify the DICOM folder of one patient."""

from pathlib import Path

from twinbeat import stage
from twinbeat.intake.deidentification.deidentify import deidentify
from twinbeat.intake.deidentification.pseudonyms import secret
from twinbeat.parameters import Deidentification

with stage.job(snakemake) as job:
    parameters = Deidentification(**job.params.deidentification)
    folder, output = Path(job.input.dicom), Path(job.output[1])
    record, certificate = deidentify(folder, output, secret(parameters), parameters, job.params.patient)
    certificate.write(Path(job.output[2]))
    job.publish(record)
