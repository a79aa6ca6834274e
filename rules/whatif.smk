use rule simulate_electrophysiology as simulate_whatif_electrophysiology with:
    input:
        **ELECTRICAL,
        labels="results/{study}/{patient}/labels.zarr",
        clinical="results/{study}/{patient}/clinical.json",
    output:
        directory("results/{study}/{patient}/whatif/{whatif}/activation.zarr"),
    log:
        "logs/{study}/{patient}/whatif/{whatif}/simulate_electrophysiology.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/whatif/{whatif}/simulate_electrophysiology.tsv"
    params:
        **arguments(
            "simulate_whatif_electrophysiology",
            "fibers",
            log="logs/{study}/{patient}/whatif/{whatif}/simulate_electrophysiology.log",
            electrophysiology=lambda wildcards: of_whatif(wildcards)
            .activated_by(study.electrophysiology)
            .model_dump(mode="json"),
            named=lambda wildcards: sorted(of_whatif(wildcards).electrophysiology),
        ),
    message:
        "{wildcards.patient}: simulate activation, {wildcards.whatif}"


rule simulate_whatif:
    """The beat of the calibrated heart with something changed."""
    input:
        anatomy="results/{study}/{patient}/anatomy.zarr",
        posterior="results/{study}/{patient}/posterior.zarr",
        activation="results/{study}/{patient}/activation.zarr",
        beat="results/{study}/{patient}/beat.zarr",
        targets="results/{study}/{patient}/targets.zarr",
        changed=whatif_activation,
        code=modules("whatif", "beat", "circulation", "activation", "mechanics", "kinematics", "materials")
        + (modules("electromechanics", "contraction", "ionic", "electrophysiology/block") if BY_CELLS else []),
    output:
        directory("results/{study}/{patient}/whatif/{whatif}/beat.zarr"),
    log:
        "logs/{study}/{patient}/whatif/{whatif}/simulate_whatif.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/whatif/{whatif}/simulate_whatif.tsv"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        **arguments(
            "simulate_whatif",
            "mechanics",
            beat=of_beat,
            log="logs/{study}/{patient}/whatif/{whatif}/{rule}.log",
            run=lambda wildcards: of_whatif(wildcards).model_dump(mode="json"),
            electrophysiology=lambda wildcards: of_whatif(wildcards)
            .activated_by(study.electrophysiology)
            .model_dump(mode="json"),
        ),
    message:
        "{wildcards.patient}: simulate the beat, {wildcards.whatif}"
    shell:
        "{resources.mpi} -n {resources.tasks} python scripts/simulate_whatif.py {params.job:q}"


rule compare_whatif:
    """What changed against the calibrated twin, in figures."""
    input:
        activation="results/{study}/{patient}/activation.zarr",
        beat="results/{study}/{patient}/beat.zarr",
        changed_activation=whatif_activation,
        changed_beat="results/{study}/{patient}/whatif/{whatif}/beat.zarr",
        code=modules("whatif"),
    output:
        directory("results/{study}/{patient}/whatif/{whatif}/changes.zarr"),
    log:
        "logs/{study}/{patient}/whatif/{whatif}/compare_whatif.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/whatif/{whatif}/compare_whatif.tsv"
    resources:
        mem_mb=500,
        runtime=5,
    message:
        "{wildcards.patient}: compare {wildcards.whatif} with the twin"
    script:
        "../scripts/compare_whatif.py"


rule report_whatif:
    """One self-contained page about what changed."""
    input:
        activation="results/{study}/{patient}/activation.zarr",
        beat="results/{study}/{patient}/beat.zarr",
        changed_activation=whatif_activation,
        changed_beat="results/{study}/{patient}/whatif/{whatif}/beat.zarr",
        changes="results/{study}/{patient}/whatif/{whatif}/changes.zarr",
        code=modules("report", "page"),
        templates=collect(
            "workflow/report/templates/{name}", name=["page.html", "macros.html", "whatif.html", "style.css"]
        ),
    output:
        report(
            "results/{study}/{patient}/whatif/{whatif}/report.html",
            caption="../workflow/report/captions/whatif.rst",
            category="What if",
            labels={"patient": "{patient}", "run": "{whatif}"},
        ),
    log:
        "logs/{study}/{patient}/whatif/{whatif}/report_whatif.log",
    benchmark:
        "benchmarks/results/{study}/{patient}/whatif/{whatif}/report_whatif.tsv"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        run=lambda wildcards: of_whatif(wildcards).model_dump(mode="json", exclude_defaults=True),
    message:
        "{wildcards.patient}: write the page of {wildcards.whatif}"
    script:
        "../scripts/report_whatif.py"
