rule export_fhir:
    """The finished twin as a FHIR R4 bundle, for the systems of a hospital."""
    input:
        dicom="results/{study}/{patient}/deid/dicom",
        image="results/{study}/{patient}/image.zarr",
        labels="results/{study}/{patient}/labels.zarr",
        anatomy="results/{study}/{patient}/anatomy.zarr",
        targets="results/{study}/{patient}/targets.zarr",
        posterior="results/{study}/{patient}/posterior.zarr",
        activation=FELT,
        beat="results/{study}/{patient}/beat.zarr",
        assessment="results/{study}/{patient}/assessment.zarr",
        schema=library("fhir/schema.json"),
        code=modules("fhir", "intake/references", "assessment"),
    output:
        "results/{study}/{patient}/fhir.json",
    log:
        "logs/{study}/{patient}/export_fhir.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/export_fhir.tsv"
    resources:
        mem_mb=1000,
        runtime=5,
    message:
        "{wildcards.patient}: write the FHIR bundle"
    script:
        "../scripts/export_fhir.py"


rule export_dicom:
    """Segmentation (SEG) and measurements (TID 1500) about the de-identified images, for archives and viewers."""
    input:
        dicom="results/{study}/{patient}/deid/dicom",
        image="results/{study}/{patient}/image.zarr",
        labels="results/{study}/{patient}/labels.zarr",
        targets="results/{study}/{patient}/targets.zarr",
        assessment="results/{study}/{patient}/assessment.zarr",
        code=modules("exchange", "intake/imaging", "assessment"),
    output:
        directory("results/{study}/{patient}/dicom"),
    log:
        "logs/{study}/{patient}/export_dicom.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/export_dicom.tsv"
    resources:
        mem_mb=2000,
        runtime=5,
    params:
        imaging=section("imaging", without=["force"]),
    message:
        "{wildcards.patient}: write the results as DICOM"
    script:
        "../scripts/export_dicom.py"


rule export_draft:
    """The automatic labels as a segmentation (SEG), for a reviewer to correct; made on request, whatever the gates say."""
    input:
        dicom="results/{study}/{patient}/deid/dicom",
        image="results/{study}/{patient}/image.zarr",
        automatic="results/{study}/{patient}/automatic.zarr",
        code=modules("exchange", "intake/imaging"),
    output:
        directory("results/{study}/{patient}/draft"),
    log:
        "logs/{study}/{patient}/export_draft.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/export_draft.tsv"
    resources:
        mem_mb=2000,
        runtime=5,
    params:
        imaging=section("imaging", without=["force"]),
    message:
        "{wildcards.patient}: write the draft for a reviewer"
    script:
        "../scripts/export_draft.py"
