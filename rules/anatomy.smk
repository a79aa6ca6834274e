rule build_mesh:
    """Tetrahedra of the left ventricle at end-diastole, with tagged surfaces."""
    input:
        labels="results/{study}/{patient}/labels.zarr",
        code=modules("mesh"),
    output:
        directory("results/{study}/{patient}/mesh.zarr"),
    log:
        "logs/{study}/{patient}/build_mesh.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/build_mesh.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        mesh=section("mesh", without=["ventricles", "biventricle"]),
    message:
        "{wildcards.patient}: mesh the left ventricle"
    script:
        "../scripts/build_mesh.py"


rule build_biventricle:
    """Tetrahedra of both ventricles at end-diastole, finer in scar, with fibres; made where mesh.ventricles is both."""
    input:
        labels="results/{study}/{patient}/labels.zarr",
        anatomy="results/{study}/{patient}/anatomy.zarr",
        clinical="results/{study}/{patient}/clinical.json",
        code=modules("mesh", "fibers"),
    output:
        directory("results/{study}/{patient}/biventricle.zarr"),
        "results/{study}/{patient}/biventricle.vtu",
    log:
        "logs/{study}/{patient}/build_biventricle.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/build_biventricle.tsv"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        mesh=section("mesh", without=["ventricles"]),
        fibers=section("fibers"),
    message:
        "{wildcards.patient}: mesh both ventricles"
    script:
        "../scripts/build_biventricle.py"


use rule build_biventricle as build_heart with:
    output:
        directory("results/{study}/{patient}/heart.zarr"),
        "results/{study}/{patient}/heart.vtu",
    log:
        "logs/{study}/{patient}/build_heart.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/build_heart.tsv"
    params:
        mesh=study.heart_mesh().model_dump(mode="json", exclude={"ventricles"}),
        fibers=section("fibers"),
    message:
        "{wildcards.patient}: mesh both ventricles for their beat"


rule assign_fibers:
    """Fibre directions and AHA segments on the mesh, also as a file for ParaView."""
    input:
        mesh="results/{study}/{patient}/mesh.zarr",
        code=modules("fibers"),
    output:
        directory("results/{study}/{patient}/anatomy.zarr"),
        "results/{study}/{patient}/anatomy.vtu",
    log:
        "logs/{study}/{patient}/assign_fibers.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/assign_fibers.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        fibers=section("fibers"),
    message:
        "{wildcards.patient}: assign fibres and segments"
    script:
        "../scripts/assign_fibers.py"
