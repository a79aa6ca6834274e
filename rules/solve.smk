rule simulate_electrophysiology:
    """Activation of the left ventricle from its early sites."""
    input:
        anatomy="results/{study}/{patient}/anatomy.zarr",
        cell=f"{os.path.relpath(workflow.basedir)}/workflow/twinbeat/ionic/tentusscher_panfilov_2006_epi.ode",
        code=modules("electrophysiology", "ionic"),
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
