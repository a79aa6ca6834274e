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
        mechanics=of_equilibria(),
        fibers=section("fibers"),
    message:
        "{wildcards.patient}: make the virtual patient"
    script:
        "../scripts/make_phantom.py"


rule archive_phantom:
    """The DICOM of a virtual patient as one zip, the way studies are handed over."""
    input:
        dicom="data/phantoms/{patient}/dicom",
    output:
        "data/phantoms/{patient}/dicom.zip",
    log:
        "logs/phantoms/{patient}/archive_phantom.log",
    benchmark:
        "benchmarks/results/phantoms/{patient}/archive_phantom.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    message:
        "{wildcards.patient}: zip the DICOM of the virtual patient"
    script:
        "../scripts/archive_phantom.py"
