rule simulate_drug:
    """What the configured drugs do to a cell at the patient's heart rate, over their course."""
    input:
        image="results/{study}/{patient}/image.zarr",
        kernel=library("ionic/kernel.c"),
        cell=library("ionic/ohara_rudy_cipa.ode"),
        drugs=library("pharmacology/drugs.csv"),
        code=modules("pharmacology", "ionic"),
    output:
        directory("results/{study}/{patient}/drug.zarr"),
    log:
        "logs/{study}/{patient}/simulate_drug.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/simulate_drug.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=15,
    params:
        pharmacology=section("pharmacology", without=["patients"]),
    message:
        "{wildcards.patient}: simulate the drugs"
    script:
        "../scripts/simulate_drug.py"
