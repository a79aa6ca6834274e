CELLS = ("tentusscher_panfilov_2006_epi", "bueno_orovio_2008", "torord_dyncl")
KERNELS = (
    "ionic/kernel.c",
    "ionic/kernel.cu",
    "electrophysiology/diffusion.c",
    "electrophysiology/eikonal.c",
    "device/tissue.cu",
)
ELECTRICAL = {
    "anatomy": "results/{study}/{patient}/anatomy.zarr",
    "biventricle": branch(BOTH_ACTIVATED, then="results/{study}/{patient}/biventricle.zarr"),
    "kernels": [library(name) for name in KERNELS],
    "cells": [library(f"ionic/{name}.ode") for name in CELLS],
    "drugs": library("pharmacology/drugs.csv"),
    "conduction": branch(FITS_CONDUCTION, then="results/{study}/{patient}/conduction.zarr"),
    "code": modules("electrophysiology", "ionic", "device", "pharmacology/drugs", "fibers/scar.py"),
}
BY_CELLS = study.beat.contraction != "phenomenological"
BOTH_BEAT = study.beat.ventricles == "both"
ACTS_BACK = study.electrophysiology.feedback.active
FELT = "results/{study}/{patient}/feedback.zarr" if ACTS_BACK else "results/{study}/{patient}/activation.zarr"
ON_GPU = study.electrophysiology.device != "cpu" and study.electrophysiology.method == "monodomain"


rule simulate_electrophysiology:
    """Activation of the left ventricle, or of both, from early sites."""
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
        gpu=int(ON_GPU),
    params:
        **arguments("simulate_electrophysiology", "electrophysiology", "fibers", named=lambda wildcards: []),
    message:
        "{wildcards.patient}: simulate activation"
    shell:
        "{resources.mpi} -n {resources.tasks} python scripts/simulate_electrophysiology.py {params.job:q}"


rule simulate_beat:
    """The calibrated heart, or both ventricles with its muscle, beating in its circulation."""
    input:
        heart=branch(BOTH_BEAT, then="results/{study}/{patient}/heart.zarr"),
        anatomy="results/{study}/{patient}/anatomy.zarr",
        posterior="results/{study}/{patient}/posterior.zarr",
        activation="results/{study}/{patient}/activation.zarr",
        targets="results/{study}/{patient}/targets.zarr",
        clinical="results/{study}/{patient}/clinical.json",
        conduction=branch(ACTS_BACK and FITS_CONDUCTION, then="results/{study}/{patient}/conduction.zarr"),
        labels=branch(ACTS_BACK and HEEDS_SCAR, then="results/{study}/{patient}/labels.zarr"),
        code=modules("beat", "circulation", "activation", "mechanics", "kinematics", "materials", "electromechanics")
        + (modules("contraction", "ionic") if BY_CELLS else [])
        + (modules("electrophysiology" if ACTS_BACK else "electrophysiology/block") if BY_CELLS else [])
        + (modules("biventricle") if BOTH_BEAT else []),
    output:
        directory("results/{study}/{patient}/beat.zarr"),
        [directory(FELT)] if ACTS_BACK else [],
    log:
        "logs/{study}/{patient}/simulate_beat.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/simulate_beat.tsv"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        **arguments("simulate_beat", "mechanics", "electrophysiology", *(["fibers"] if ACTS_BACK else []), beat=of_beat),
    message:
        "{wildcards.patient}: simulate the beat"
    shell:
        "{resources.mpi} -n {resources.tasks} python scripts/simulate_beat.py {params.job:q}"
