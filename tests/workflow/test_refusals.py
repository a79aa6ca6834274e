"""What is refused before anything starts, and what Snakemake tells."""

import re

import pytest
from dag import ROOT, snakemake, table


def test_an_activation_map_that_nothing_is_fitted_to_is_refused(study):
    (study / "map.csv").touch()
    first, row = table(1).splitlines()
    (study / "patients.tsv").write_text(f"{first}\tactivation\n{row}\tmap.csv\n")
    refused = snakemake(study, "--dry-run")
    assert refused.returncode != 0
    assert "expected velocities to fit to the activation of phantom-01, got none" in refused.stdout + refused.stderr


def test_an_unknown_drug_in_tissue_is_named(study):
    (study / "studies/edit.yaml").write_text("electrophysiology:\n  drugs: {aspirin: 1 nmol/L}\n")
    refused = snakemake(study, "--dry-run", "--configfile", "studies/edit.yaml")
    assert "electrophysiology.drugs: aspirin without block; known without: quinidine" in refused.stdout + refused.stderr


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("mesh:\n  size: 2 ms\n", 'mesh.size: expected a length such as "2 mm", got "2 ms"'),
        ("mesh:\n  sise: 2 mm\n", "mesh.sise: unknown key"),
        ("patients: nowhere.tsv\n", "nowhere.tsv"),
        (
            "electrophysiology:\n  ventricles: both\n",
            "electrophysiology.ventricles: both: expected mesh.ventricles both, got left",
        ),
        ("surrogate:\n  patients: [stranger]\n", "surrogate.patients: stranger not in patients.tsv"),
        ("imaging:\n  force: {stranger: 2}\n", "imaging.force: stranger not in patients.tsv"),
        ("pharmacology:\n  patients: [stranger]\n", "pharmacology.patients: stranger not in patients.tsv"),
        (
            "pharmacology: {drugs: {aspirin: {dose: 1 g, molar_mass: 180 g/mol, clearance: 40 L/h, "
            "central_volume: 10 L}}}\n",
            "pharmacology.drugs: aspirin without block; known without: quinidine",
        ),
        ("deidentification:\n  key_file: nowhere\n", "deidentification.key_file nowhere: cannot be read"),
    ],
)
def test_a_fault_in_the_configuration_starts_nothing(study, text, line):
    (study / "studies/wrong.yaml").write_text(text)
    run = snakemake(study, "--configfile", "studies/wrong.yaml")
    said = [found for found in run.stderr.splitlines() if line in found]
    assert run.returncode == 1
    assert len(said) == 1
    assert "Finished jobid" not in run.stdout + run.stderr


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (table(1, 1), "phantom-01"),
        (table(1) + "real-01\tno/such/folder\t\t\treal\n", "no/such/folder"),
        (table(1).replace("dicom\tclinical", "dycom\tclinical"), "dycom"),
    ],
)
def test_a_fault_in_the_patient_table_starts_nothing(study, rows, line):
    (study / "patients.tsv").write_text(rows)
    run = snakemake(study)
    assert run.returncode == 1
    assert len([found for found in run.stderr.splitlines() if line in found]) == 1
    assert "rule " not in run.stdout + run.stderr


@pytest.mark.parametrize("options", [["--dag"], ["--rulegraph"], ["--lint"], ["--summary"]])
def test_snakemake_tells_about_the_workflow(study, options):
    run = snakemake(study, "--configfile", "studies/base.yaml", *options)
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_rule_has_log_benchmark_message_and_resources():
    """And its script, where it has one, carries the rule's own name."""
    for file in (ROOT / "rules").glob("*.smk"):
        for name, body in re.findall(r"\nrule (\w+):\n(.*?)(?=\n\S|\Z)", file.read_text(), re.S):
            for directive in ("message", "log", "benchmark", "resources"):
                assert f"\n    {directive}:" in body, f"{file.name}: rule {name} has no {directive}"
            assert f"scripts/{name}.py" in body, f"{file.name}: rule {name} does not run scripts/{name}.py"
