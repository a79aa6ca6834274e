"""The DAG of the shape model and of virtual anatomies."""

from pathlib import Path

import pytest
from dag import FRONT, edited, planned, snakemake, table

SHAPE = {"build_shape_model", "report_shape_model", "synthesise_anatomy"}
VIRTUAL = "shape:\n  synthesise:\n    number: 2\n"


@pytest.fixture(scope="module")
def shaped(finished: Path) -> Path:
    """The finished study with a shape model and two virtual anatomies."""
    (finished / "studies/shape.yaml").write_text("surrogate:\n  patients: [phantom-01]\n" + VIRTUAL)
    run = snakemake(finished, "--configfile", "studies/shape.yaml")
    assert run.returncode == 0, run.stderr
    assert len([*finished.glob("results/study/virtual/v-*/mesh.zarr")]) == 2
    return finished


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("", set()),
        ("  variance: 0.9\n", SHAPE),
        ("    nearest: 2 mm\n", {"synthesise_anatomy"}),
        ("    nearest: 0.1 cm\n", set()),
    ],
)
def test_editing_the_shape_model_reruns_it_and_nothing_of_the_twins(shaped, study, text, rules):
    assert edited(study, VIRTUAL + text) == (rules, set())


def test_more_virtual_anatomies_leave_the_earlier_ones_alone(shaped, study):
    assert edited(study, VIRTUAL.replace("2", "3")) == ({"synthesise_anatomy"}, set())
    assert edited(study, VIRTUAL.replace("2", "0")) == (set(), set())


def test_a_virtual_anatomy_can_have_fibres(shaped, study):
    wanted = "results/study/virtual/v-00002/anatomy.zarr"
    assert planned(study, wanted, "--configfile", "studies/shape.yaml") == ({"assign_virtual_fibers"}, set())


def test_the_shape_model_asks_for_meshes_alone(shaped, study):
    """The goal of `make shape-model`, after a patient was added: what leads to its mesh, and the model."""
    (study / "patients.tsv").write_text(table(1, 2, 3))
    rules, patients = planned(study, "shape_model", "--configfile", "studies/base.yaml")
    assert rules == FRONT | {"make_phantom", "build_mesh", "build_shape_model", "report_shape_model", "shape_model"}
    assert patients == {"phantom-03"}
