rule segment_heart:
    """Left ventricle and right ventricular blood in every frame, as the network sees them."""
    input:
        image="results/{study}/{patient}/image.zarr",
        network=network(),
        code=modules("segmentation", "overlap"),
    output:
        directory("results/{study}/{patient}/automatic.zarr"),
    log:
        "logs/{study}/{patient}/segment_heart.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/segment_heart.tsv"
    threads: 2
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        segmentation=section("segmentation", without=study.segmentation.DECISIONS),
    message:
        "{wildcards.patient}: segment the heart"
    script:
        "../scripts/segment_heart.py"


rule review_labels:
    """The labels that a twin is made of: gates decide, or the reviewer whose files lie in the folder of the patient."""
    input:
        automatic="results/{study}/{patient}/automatic.zarr",
        dicom="results/{study}/{patient}/deid/dicom",
        review=drawn,
        code=modules("segmentation", "overlap", "intake/drawings"),
    output:
        directory("results/{study}/{patient}/labels.zarr"),
    log:
        "logs/{study}/{patient}/review_labels.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/review_labels.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=5,
    params:
        segmentation=section("segmentation", without=["network", "review"]),
    message:
        "{wildcards.patient}: review the labels"
    script:
        "../scripts/review_labels.py"
