"""Twinbeat: from the raw DICOM of a cohort to calibrated, executable digital twins of each heart."""

from snakemake.utils import min_version

min_version("9.27")


configfile: "config.yaml"


# The software of every rule, made from envs/apptainer.def; used with --software-deployment-method apptainer only.
container: "envs/twinbeat.sif"


include: "rules/common.smk"
include: "rules/phantom.smk"
include: "rules/intake.smk"
include: "rules/segment.smk"
include: "rules/anatomy.smk"
include: "rules/calibrate.smk"
include: "rules/solve.smk"
include: "rules/pharmacology.smk"
include: "rules/surrogate.smk"
include: "rules/whatif.smk"
include: "rules/shape.smk"
include: "rules/report.smk"
include: "rules/exchange.smk"


rule all:
    """Per-patient reports, FHIR bundles and DICOM, the cohort, and the word that every patient is done."""
    default_target: True
    input:
        expand(
            "results/{study}/{patient}/{made}",
            study=study.study,
            patient=patients,
            made=["report.html", "fhir.json", "dicom"],
        ),
        expand("results/{study}/cohort.{form}", study=study.study, form=["zarr", "html"]),
        f"results/{study.study}/complete.txt",
        expand("results/{study}/virtual/{virtual}/mesh.zarr", study=study.study, virtual=study.shape.synthesise.names()),
        branch(study.shape.synthesise.number > 0, then=f"results/{study.study}/shape.html"),


rule shape_model:
    """The statistical shape model of the cohort, and its page."""
    input:
        f"results/{study.study}/shape.html",


rule whatif:
    """All what-if runs of all patients."""
    input:
        expand(
            "results/{study}/{patient}/whatif/{whatif}/report.html",
            study=study.study,
            patient=patients,
            whatif=study.whatif,
        ),
