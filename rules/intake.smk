rule deidentify:
    """Images without identifiers (DICOM PS3.15 basic profile), behind a gate that fails closed."""
    input:
        dicom=of_patient("dicom"),
        code=modules("intake/files", "intake/private", "intake/record", "intake/sources", "intake/deidentification"),
    output:
        record=directory("results/{study}/{patient}/deid/record.zarr"),
        dicom=directory("results/{study}/{patient}/deid/dicom"),
        certificate="results/{study}/{patient}/deid/certificate.json",
    log:
        "logs/{study}/{patient}/deidentify.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/deidentify.tsv"
    resources:
        mem_mb=2000,
        runtime=15,
    params:
        patient="{patient}",
        retrieval=retrieval,
        deidentification=section("deidentification"),
    message:
        "{wildcards.patient}: take out identifiers"
    script:
        "../scripts/deidentify.py"


rule import_image:
    """The short-axis cine (or a cardiac CT): slices sorted by geometry, on one grid and one heart cycle."""
    input:
        record="results/{study}/{patient}/deid/record.zarr",
        dicom="results/{study}/{patient}/deid/dicom",
        code=modules("intake/files", "intake/record", "intake/imaging"),
    output:
        directory("results/{study}/{patient}/image.zarr"),
    log:
        "logs/{study}/{patient}/import_image.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/import_image.tsv"
    resources:
        mem_mb=3000,
        runtime=15,
    params:
        imaging=section("imaging", without=["force"]),
        forced=lambda wildcards: study.imaging.force.get(wildcards.patient),
    message:
        "{wildcards.patient}: import the short-axis cine"
    script:
        "../scripts/import_image.py"


rule import_clinical:
    """Clinical figures with their uncertainty; unknown ones are assumed from the population."""
    input:
        image="results/{study}/{patient}/image.zarr",
        clinical=of_patient("clinical"),
        mapping=library("intake/clinical/mapping.toml"),
        code=modules("intake/clinical"),
    output:
        "results/{study}/{patient}/clinical.json",
    log:
        "logs/{study}/{patient}/import_clinical.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/import_clinical.tsv"
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        clinical=section("clinical"),
        end_diastolic_pressure=section("calibration")["end_diastolic_pressure"],
        systolic_pressure=section("calibration")["systolic_pressure"],
    message:
        "{wildcards.patient}: clean the clinical figures"
    script:
        "../scripts/import_clinical.py"
