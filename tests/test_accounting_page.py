"""The page of what a study took on the cluster: sums that can be checked by hand."""

import csv
import json

import pytest

from twinbeat.report import accounting

COLUMNS = (
    "attempt rule wildcards subject pool pilot slurm_job hosts cause submitted waited wall cpu memory cores gpus cost "
    "currency"
)


def row(rule: str, patient: str, cause: str = "done", study: str = "demo", **more: object) -> dict[str, object]:
    about = {
        "rule": rule,
        "subject": patient,
        "cause": cause,
        "wildcards": json.dumps({"study": study, "patient": patient}),
    }
    base = {
        "wall": 1800,
        "cpu": 900,
        "cores": 2,
        "memory": 10**9,
        "gpus": 0,
        "cost": 0.5,
        "waited": 4,
        "currency": "EUR",
    }
    return dict.fromkeys(COLUMNS.split(), "x") | base | about | more


@pytest.fixture
def table(tmp_path):
    """Two attempts for one patient, one for another with a GPU, one of another study."""
    rows = [
        row("calibrate_heart", "one", "memory", waited=10),
        row("calibrate_heart", "one", memory=3 * 10**9),
        row("simulate_beat", "two", gpus=1, cost=2),
        row("simulate_beat", "three", study="other"),
    ]
    with (tmp_path / "table.tsv").open("w") as file:
        writer = csv.DictWriter(file, COLUMNS.split(), delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return tmp_path / "table.tsv"


def test_the_sums_of_a_patient_are_those_of_its_attempts(table):
    rows = accounting.attempts(table, "demo")
    one, two = accounting._by(rows, lambda row: row["subject"])
    sums = {"held": 2.0, "used": 0.25, "memory": 3.0, "gpu": 0.0, "cost": 1.0}
    assert one == {"name": "one", "attempts": 2, "failed": 1, "waited": 7.0, **sums}
    assert (two["name"], two["gpu"], two["cost"]) == ("two", 0.5, 2.0)  # half an hour of one GPU


def test_the_page_names_what_was_not_done_and_no_other_study(table, tmp_path):
    accounting.write(tmp_path / "demo", "demo", table)
    page = (tmp_path / "demo/accounting.html").read_text()
    assert "3 attempts at jobs, 1 of them not done; 3.00 core hours held, 0.50 GPU hours; 3.00 EUR" in page
    assert "<td>memory</td>" in page
    assert "three" not in page
    assert len((tmp_path / "demo/accounting.tsv").read_text().splitlines()) == 4


def test_a_study_without_pilots_is_told_so(tmp_path):
    accounting.write(tmp_path / "demo", "demo", tmp_path / "absent.tsv")
    assert "No job of this study has run in pilots" in (tmp_path / "demo/accounting.html").read_text()
    assert not (tmp_path / "demo/accounting.tsv").exists()
