rule make_phantom:
    """A virtual patient: DICOM and clinical file as a hospital has them, and the truth that only the assessment reads."""
    input:
        code=modules("phantom", "mechanics", "circulation", "activation", "kinematics", "materials", "fibers"),
    output:
        truth=directory("data/phantoms/{patient}/truth.zarr"),
        dicom=directory("data/phantoms/{patient}/dicom"),
        clinical="data/phantoms/{patient}/clinical.json",
    log:
        "logs/phantoms/{patient}/make_phantom.log",
    benchmark:
        "benchmarks/results/phantoms/{patient}/make_phantom.tsv"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        phantom=section("phantom"),
        mechanics=section("mechanics"),
        fibers=section("fibers"),
    message:
        "{wildcards.patient}: make the virtual patient"
    script:
        "../scripts/make_phantom.py"
