rule sample_ensemble:
    """Which hearts around the calibrated one are simulated; more members leave the earlier ones as they are."""
    input:
        beat="results/{study}/{patient}/beat.zarr",
        posterior="results/{study}/{patient}/posterior.zarr",
        code=modules("surrogate/design"),
    output:
        directory("results/{study}/{patient}/ensemble.zarr"),
    log:
        "logs/{study}/{patient}/sample_ensemble.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/sample_ensemble.tsv"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        surrogate=study.surrogate.model_dump(mode="json", exclude={"energy", "usable", "patients"}),
    message:
        "{wildcards.patient}: sample the ensemble"
    script:
        "../scripts/sample_ensemble.py"


rule simulate_member:
    """The beat of one member. A longer ensemble has the same members and more, so its age does not count."""
    input:
        ensemble=ancient("results/{study}/{patient}/ensemble.zarr"),
        anatomy="results/{study}/{patient}/anatomy.zarr",
        posterior="results/{study}/{patient}/posterior.zarr",
        activation="results/{study}/{patient}/activation.zarr",
        targets="results/{study}/{patient}/targets.zarr",
        clinical="results/{study}/{patient}/clinical.json",
        code=modules("beat", "activation", "circulation", "mechanics", "surrogate/member"),
    output:
        directory("results/{study}/{patient}/members/{member}.zarr"),
    log:
        "logs/{study}/{patient}/simulate_member/{member}.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/simulate_member/{member}.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        ensemble=section("surrogate")["ensemble"],
        beat=section("beat", without=["ventricles", "both"]),
        mechanics=section("mechanics"),
    message:
        "{wildcards.patient}: simulate member {wildcards.member} of the ensemble"
    script:
        "../scripts/simulate_member.py"


rule refresh_surrogate:
    """POD and Gaussian processes of the members; the earlier surrogate is where it starts, so it is not removed."""
    input:
        ensemble="results/{study}/{patient}/ensemble.zarr",
        members=collect("results/{{study}}/{{patient}}/members/{member}.zarr", member=study.surrogate.numbers()),
        code=modules("surrogate"),
    output:
        update(directory("results/{study}/{patient}/surrogate.zarr")),
    log:
        "logs/{study}/{patient}/refresh_surrogate.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/refresh_surrogate.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=15,
    params:
        surrogate=study.surrogate.model_dump(mode="json", exclude={"patients"}),
    message:
        "{wildcards.patient}: refresh the surrogate"
    script:
        "../scripts/refresh_surrogate.py"
