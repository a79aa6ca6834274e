"""The whole way on a tiny cohort: DICOM in; a calibrated heart, two refused patients and a cohort report out."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from twinbeat import store
from twinbeat.report import cohort as report

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.end_to_end

STUDY = """
study: tiny
intake:
  key_file: key
phantom: {along: 4, layers: 1, around: 12}
mesh: {size: 14 mm, layers: 1}
electrophysiology: {size: 3 mm}
surrogate: {patients: []}
"""
HEADER = "patient\tdicom\tclinical\ttruth\tgroup\n"
FOLDER = "data/phantoms/phantom-01"


def snakemake(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = ["snakemake", *options, "--cores", "2", "--configfile", "tiny.yaml"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=1500)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A phantom, the same phantom without one of its slices, and with a damaged file; and how the run ended."""
    folder = tmp_path_factory.mktemp("tiny")
    for name in ("rules", "scripts", "workflow", "profiles"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, folder)
    (folder / "tiny.yaml").write_text(STUDY)
    (folder / "key").write_text("a key for tests only, of no worth elsewhere")
    (folder / "key").chmod(0o600)
    whole = f"phantom-01\t{FOLDER}/dicom\t{FOLDER}/clinical.json\t{FOLDER}/truth.zarr\tphantom\n"
    (folder / "patients.tsv").write_text(HEADER + whole)
    made = snakemake(folder, f"{FOLDER}/dicom")
    assert made.returncode == 0, made.stderr
    _without_a_slice(folder / FOLDER / "dicom", folder / "data/gap")
    _damaged(folder / FOLDER / "dicom", folder / "data/damaged")
    (folder / "patients.tsv").write_text(HEADER + whole + "gap\tdata/gap\t\t\t\ndamaged\tdata/damaged\t\t\t\n")
    return folder, snakemake(folder)


def _without_a_slice(dicom: Path, target: Path) -> None:
    pydicom = pytest.importorskip("pydicom", reason="pydicom comes with the environment")
    shutil.copytree(dicom, target)
    files = [path for path in target.rglob("*") if path.is_file() and path.name != ".snakemake_timestamp"]
    position = {path: tuple(pydicom.dcmread(path, stop_before_pixels=True).ImagePositionPatient) for path in files}
    ordered = sorted(set(position.values()))
    for path, place in position.items():
        if place == ordered[len(ordered) // 2]:
            path.unlink()


def _damaged(dicom: Path, target: Path) -> None:
    shutil.copytree(dicom, target)
    victim = max(target.rglob("*"), key=lambda path: path.stat().st_size if path.is_file() else 0)
    content = victim.read_bytes()
    victim.write_bytes(content[: len(content) // 2])


def test_the_others_finish_and_the_exit_code_says_so(cohort):
    folder, run = cohort
    summary = store.open(folder / "results/tiny/cohort.zarr")
    done, rejected = report.STATUS.index("done"), report.STATUS.index("rejected")
    status = dict(zip(summary["patient"].values.tolist(), summary["status"].values.tolist(), strict=True))
    assert status == {"phantom-01": done, "gap": rejected, "damaged": rejected}
    assert run.returncode != 0
    assert "missing-slice" in run.stderr


def test_every_patient_has_a_report_that_says_how_it_ended(cohort):
    folder, _ = cohort
    names = ("phantom-01", "gap", "damaged")
    pages = {name: (folder / f"results/tiny/{name}/report.html").read_text() for name in names}
    assert "missing-slice" in pages["gap"]
    assert "corrupt-file" in pages["damaged"]
    assert all(not re.search(r"""(src|href)=["']?http""", page) for page in pages.values())


def test_the_planted_ejection_fraction_is_recovered(cohort):
    """Within 5 points on this mesh of 14 mm; the finer mesh of the demo is held to the 3 points of the issue."""
    folder, _ = cohort
    assessment = store.open(folder / "results/tiny/phantom-01/assessment.zarr")
    truth = store.open(folder / FOLDER / "truth.zarr")
    planted = 100 * (1 - float(truth["volume"].min() / truth["volume"].max()))
    assert float(assessment["ejection_fraction"]) == pytest.approx(planted, abs=5)


def test_no_identifier_of_the_hospital_is_in_the_results(cohort):
    """Every identifying text of the clinical file is looked for in every byte behind intake, logs included."""
    folder, _ = cohort
    clinical = json.loads((folder / FOLDER / "clinical.json").read_text())
    planted = [value for key, value in clinical.items() if key in ("name", "mrn") and isinstance(value, str)]
    assert planted
    for path in [*(folder / "results").rglob("*"), *(folder / "logs/tiny").rglob("*")]:
        if path.is_file():
            content = path.read_bytes()
            assert not any(value.encode() in content for value in planted), path


def test_a_second_run_does_only_what_failed(cohort):
    folder, _ = cohort
    dry = snakemake(folder, "--dry-run")
    assert "check_cohort" in dry.stdout
    assert not any(rule in dry.stdout for rule in ("make_phantom", "calibrate_heart", "report_patient"))
