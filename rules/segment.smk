rule segment_heart:
    """Left ventricle and right ventricular blood in every frame."""
    input:
        image="results/{study}/{patient}/image.zarr",
        network=network(),
        code=modules("segmentation"),
    output:
        directory("results/{study}/{patient}/labels.zarr"),
    log:
        "logs/{study}/{patient}/segment_heart.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/segment_heart.tsv"
    threads: 2
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        segmentation=section("segmentation"),
    message:
        "{wildcards.patient}: segment the heart"
    script:
        "../scripts/segment_heart.py"
