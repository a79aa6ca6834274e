rule build_shape_model:
    """Principal components of the hearts of all patients that have a mesh, and how good a model they are."""
    input:
        meshes=collect("results/{{study}}/{patient}/mesh.zarr", patient=patients),
        code=modules("shapes/build", "shapes/correspondence", "shapes/model", "mesh/template", "mesh/surfaces"),
    output:
        directory("results/{study}/shape.zarr"),
    log:
        "logs/{study}/build_shape_model.log",
    benchmark:
        "benchmarks/results/{study}/build_shape_model.tsv"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        shape=section("shape", without=["synthesise"]),
    message:
        "{wildcards.study}: build the shape model"
    script:
        "../scripts/build_shape_model.py"


rule report_shape_model:
    """One self-contained page about the shape model."""
    input:
        shape="results/{study}/shape.zarr",
        code=modules("report/shape", "report/frames", "report/rendering", "report/theme", "page"),
        templates=collect(
            "workflow/report/templates/{name}", name=["page.html", "macros.html", "shape.html", "style.css"]
        ),
    output:
        report(
            "results/{study}/shape.html",
            caption="../workflow/report/captions/shape.rst",
            category="Cohort",
        ),
    log:
        "logs/{study}/report_shape_model.log",
    benchmark:
        "benchmarks/results/{study}/report_shape_model.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    message:
        "{wildcards.study}: write the page of the shape model"
    script:
        "../scripts/report_shape_model.py"


rule synthesise_anatomy:
    """The mesh of a virtual anatomy that is drawn from the shape model."""
    input:
        shape="results/{study}/shape.zarr",
        code=modules(
            "shapes",
            "mesh/generate",
            "mesh/template",
            "mesh/surfaces",
            "mesh/measures",
            "mesh/quality",
            "mesh/boundary",
        ),
    output:
        directory("results/{study}/virtual/{virtual}/mesh.zarr"),
    log:
        "logs/{study}/virtual/{virtual}/synthesise_anatomy.log",
    benchmark:
        "benchmarks/results/{study}/virtual/{virtual}/synthesise_anatomy.tsv"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        shape=study.shape.model_dump(mode="json", exclude={"synthesise": {"number"}}),
        mesh=section("mesh", without=["ventricles", "biventricle"]),
    message:
        "{wildcards.virtual}: synthesise an anatomy"
    script:
        "../scripts/synthesise_anatomy.py"


use rule assign_fibers as assign_virtual_fibers with:
    input:
        mesh="results/{study}/virtual/{virtual}/mesh.zarr",
        code=modules("fibers"),
    output:
        directory("results/{study}/virtual/{virtual}/anatomy.zarr"),
        "results/{study}/virtual/{virtual}/anatomy.vtu",
    log:
        "logs/{study}/virtual/{virtual}/assign_fibers.log",
    benchmark:
        "benchmarks/results/{study}/virtual/{virtual}/assign_fibers.tsv"
    message:
        "{wildcards.virtual}: assign fibres and segments"
