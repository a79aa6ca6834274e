rule extract_targets:
    """Volumes, radii and pressures over time, with their uncertainty."""
    input:
        labels="results/{study}/{patient}/labels.zarr",
        anatomy="results/{study}/{patient}/anatomy.zarr",
        clinical="results/{study}/{patient}/clinical.json",
        strain=of_patient("strain"),
        code=modules(
            "calibration/targets.py",
            "calibration/curves.py",
            "calibration/pressure.py",
            "calibration/windows.py",
            "intake/strain.py",
            "intake/spreadsheet.py",
        ),
    output:
        directory("results/{study}/{patient}/targets.zarr"),
    log:
        "logs/{study}/{patient}/extract_targets.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/extract_targets.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=5,
    params:
        calibration=section("calibration", without=study.calibration.FIT),
    message:
        "{wildcards.patient}: extract targets of calibration"
    script:
        "../scripts/extract_targets.py"


rule calibrate_heart:
    """Passive stiffness and active tension by adjoint Gauss-Newton, with their posterior."""
    input:
        labels="results/{study}/{patient}/labels.zarr",
        anatomy="results/{study}/{patient}/anatomy.zarr",
        targets="results/{study}/{patient}/targets.zarr",
        clinical="results/{study}/{patient}/clinical.json",
        code=modules("calibration", "fibers/scar.py", "mechanics", "kinematics", "materials"),
    output:
        directory("results/{study}/{patient}/posterior.zarr"),
    log:
        "logs/{study}/{patient}/calibrate_heart.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/calibrate_heart.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        calibration=section("calibration", without=["conduction"]),
        mechanics=of_equilibria(),
        fibers=section("fibers"),
    message:
        "{wildcards.patient}: calibrate stiffness and tension"
    script:
        "../scripts/calibrate_heart.py"


rule calibrate_conduction:
    """Conduction velocities from the QRS duration and an activation map, with their posterior."""
    input:
        anatomy=branch(
            BOTH_ACTIVATED,
            then="results/{study}/{patient}/biventricle.zarr",
            otherwise="results/{study}/{patient}/anatomy.zarr",
        ),
        clinical="results/{study}/{patient}/clinical.json",
        activation=of_patient("activation"),
        labels=branch(HEEDS_SCAR, then="results/{study}/{patient}/labels.zarr"),
        kernels=library("electrophysiology/eikonal.c"),
        code=modules(
            "calibration/conduction",
            "electrophysiology/eikonal",
            "electrophysiology/sites",
            "electrophysiology/substrate",
            "electrophysiology/wavefront",
            "intake/activation_map",
            "intake/spreadsheet.py",
        ),
    output:
        directory("results/{study}/{patient}/conduction.zarr"),
    log:
        "logs/{study}/{patient}/calibrate_conduction.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/calibrate_conduction.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=15,
    params:
        conduction=section("calibration")["conduction"],
        electrophysiology=section("electrophysiology"),
        fibers=section("fibers"),
    message:
        "{wildcards.patient}: calibrate conduction velocities"
    script:
        "../scripts/calibrate_conduction.py"
