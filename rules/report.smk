REPORT_TEMPLATES = collect(
    "workflow/report/templates/{name}", name=["page.html", "macros.html", "patient.html", "cohort.html", "style.css"]
)


rule assess_twin:
    """Figures of the finished twin; the only rule that sees a planted truth."""
    input:
        labels="results/{study}/{patient}/labels.zarr",
        anatomy="results/{study}/{patient}/anatomy.zarr",
        biventricle=branch(study.mesh.ventricles == "both", then="results/{study}/{patient}/biventricle.zarr"),
        targets="results/{study}/{patient}/targets.zarr",
        posterior="results/{study}/{patient}/posterior.zarr",
        activation=FELT,
        beat="results/{study}/{patient}/beat.zarr",
        surrogate=branch(
            lambda wildcards: study.surrogate.patients is None or wildcards.patient in study.surrogate.patients,
            then="results/{study}/{patient}/surrogate.zarr",
        ),
        truth=of_patient("truth"),
        code=modules("assessment", "overlap"),
    output:
        directory("results/{study}/{patient}/assessment.zarr"),
    log:
        "logs/{study}/{patient}/assess_twin.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/assess_twin.tsv"
    resources:
        mem_mb=1000,
        runtime=5,
    message:
        "{wildcards.patient}: assess the twin"
    script:
        "../scripts/assess_twin.py"


rule report_patient:
    """One self-contained page about the patient, finished or stopped."""
    input:
        clinical="results/{study}/{patient}/clinical.json",
        image="results/{study}/{patient}/image.zarr",
        automatic="results/{study}/{patient}/automatic.zarr",
        labels="results/{study}/{patient}/labels.zarr",
        anatomy="results/{study}/{patient}/anatomy.zarr",
        biventricle=branch(study.mesh.ventricles == "both", then="results/{study}/{patient}/biventricle.zarr"),
        heart=branch(BOTH_BEAT, then="results/{study}/{patient}/heart.zarr"),
        targets="results/{study}/{patient}/targets.zarr",
        posterior="results/{study}/{patient}/posterior.zarr",
        conduction=branch(FITS_CONDUCTION, then="results/{study}/{patient}/conduction.zarr"),
        activation=FELT,
        beat="results/{study}/{patient}/beat.zarr",
        surrogate=branch(
            lambda wildcards: study.surrogate.patients is None or wildcards.patient in study.surrogate.patients,
            then="results/{study}/{patient}/surrogate.zarr",
        ),
        drug=branch(
            lambda wildcards: study.pharmacology.given_to(wildcards.patient),
            then="results/{study}/{patient}/drug.zarr",
        ),
        assessment="results/{study}/{patient}/assessment.zarr",
        code=modules("report", "page"),
        templates=REPORT_TEMPLATES,
    output:
        report(
            "results/{study}/{patient}/report.html",
            caption="../workflow/report/captions/patient.rst",
            category="Patients",
            labels={"patient": "{patient}"},
        ),
    log:
        "logs/{study}/{patient}/report_patient.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/report_patient.tsv"
    resources:
        mem_mb=2000,
        runtime=10,
    message:
        "{wildcards.patient}: write the report"
    script:
        "../scripts/report_patient.py"


rule summarise_cohort:
    """All patients of the study side by side, whatever became of them."""
    input:
        assessments=collect("results/{{study}}/{patient}/assessment.zarr", patient=patients),
        code=modules("report", "page"),
        templates=REPORT_TEMPLATES,
    output:
        directory("results/{study}/cohort.zarr"),
        report(
            "results/{study}/cohort.html",
            caption="../workflow/report/captions/cohort.rst",
            category="Cohort",
        ),
    log:
        "logs/{study}/summarise_cohort.log",
    benchmark:
        "benchmarks/results/{study}/summarise_cohort.tsv"
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        groups={patient: row["group"] for patient, row in patients.items()},
    message:
        "{wildcards.study}: summarise the cohort"
    script:
        "../scripts/summarise_cohort.py"


rule check_cohort:
    """The word that every patient is done; it fails, naming the others, where one is not."""
    input:
        cohort="results/{study}/cohort.zarr",
    output:
        "results/{study}/complete.txt",
    log:
        "logs/{study}/check_cohort.log",
    benchmark:
        "benchmarks/results/{study}/check_cohort.tsv"
    resources:
        mem_mb=500,
        runtime=5,
    message:
        "{wildcards.study}: check that every patient is done"
    script:
        "../scripts/check_cohort.py"
