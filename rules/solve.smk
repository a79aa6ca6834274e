CELLS = ("tentusscher_panfilov_2006_epi", "bueno_orovio_2008", "torord_dyncl")
KERNELS = ("ionic/kernel.c", "electrophysiology/diffusion.c", "electrophysiology/eikonal.c")
ELECTRICAL = {
    "anatomy": "results/{study}/{patient}/anatomy.zarr",
    "kernels": [library(name) for name in KERNELS],
    "cells": [library(f"ionic/{name}.ode") for name in CELLS],
    "drugs": library("pharmacology/drugs.csv"),
    "code": modules("electrophysiology", "ionic", "pharmacology/drugs", "fibers/scar.py"),
}
BY_CELLS = study.beat.contraction != "phenomenological"
HEEDS_SCAR = study.electrophysiology.scar.kind != "muscle"


rule simulate_electrophysiology:
    """Activation of the left ventricle from its early sites."""
    input:
        **ELECTRICAL,
        labels=branch(HEEDS_SCAR, then="results/{study}/{patient}/labels.zarr"),
        clinical=branch(HEEDS_SCAR, then="results/{study}/{patient}/clinical.json"),
    output:
        directory("results/{study}/{patient}/activation.zarr"),
    log:
        "logs/{study}/{patient}/simulate_electrophysiology.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/simulate_electrophysiology.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=15,
    params:
        electrophysiology=section("electrophysiology"),
        fibers=section("fibers"),
    message:
        "{wildcards.patient}: simulate activation"
    script:
        "../scripts/simulate_electrophysiology.py"


rule simulate_beat:
    """The calibrated heart beating in its circulation."""
    input:
        anatomy="results/{study}/{patient}/anatomy.zarr",
        posterior="results/{study}/{patient}/posterior.zarr",
        activation="results/{study}/{patient}/activation.zarr",
        targets="results/{study}/{patient}/targets.zarr",
        clinical="results/{study}/{patient}/clinical.json",
        code=modules(
            *("beat", "circulation", "activation", "mechanics", "kinematics", "materials", "electromechanics"),
            *(("contraction", "ionic", "electrophysiology/block") if BY_CELLS else ()),
        ),
    output:
        directory("results/{study}/{patient}/beat.zarr"),
    log:
        "logs/{study}/{patient}/simulate_beat.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/simulate_beat.tsv"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        job=arguments("simulate_beat", "beat", "mechanics", "electrophysiology"),
    message:
        "{wildcards.patient}: simulate the beat"
    shell:
        "{resources.mpi} -n {resources.tasks} python scripts/simulate_beat.py {params.job:q}"
