"""The whole way on a tiny cohort: DICOM in; a calibrated heart, four patients stopped and a cohort report out."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from twinbeat import fhir, store
from twinbeat.intake.clinical import Clinical
from twinbeat.report import cohort as report
from twinbeat.units import KPA_PER_MMHG
from twinbeat.verdicts import Rejected

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.end_to_end

STUDY = """
study: tiny
deidentification:
  key_file: key
pharmacology:
  patients: [phantom-01]
  beats: 2
  moments: 2
  drugs: {dofetilide: {dose: 0.5 mg, molar_mass: 441.6 g/mol, clearance: 21 L/h, central_volume: 250 L}}
phantom: {along: 4, layers: 1, around: 12}
mesh: {size: 14 mm, layers: 1}
electrophysiology: {size: 3 mm}
surrogate: {patients: []}
whatif: {bled: {blood: 0.9}}
"""
HEADER = "patient\tdicom\tclinical\ttruth\tgroup\n"
FOLDER = "data/phantoms/phantom-01"
TWO_RANKS = "simulate_electrophysiology", "simulate_beat"
STOPPED = {
    "gap": ("rejected", "import_image", "missing-slice"),
    "damaged": ("rejected", "deidentify", "corrupt-file"),
    "shuffled": ("needs review", "review_labels"),  # at which of its gates hangs on single pixels
    "miscalibrated": ("quarantined", "calibrate_heart", "-diverged"),  # the solver at once, or the fit after some steps
}
"""How, where and why each patient but the phantom stops."""
SAMPLED = {"origin": {"value": 0, "code": "mm[Hg]"}, "period": 150, "dimensions": 1, "data": "60 300 350 -20 -20 -20"}
LV_PRESSURE = {"coding": [{"system": "http://snomed.info/sct", "code": "276769008"}]}
TRANSDUCER = {
    "resourceType": "Bundle",
    "entry": [{"resource": {"resourceType": "Observation", "code": LV_PRESSURE, "valueSampledData": SAMPLED}}],
}
"""A wrong scale and zero: a full heart at 60 mmHg and then such suction, which no stiffness explains."""

CUFF = """code,value,unit,time,source
8480-6,118,mm[Hg],2020-01-31,cuff
8480-6,1180,mm[Hg],2020-01-31,cuff
"""
"""A pressure, and one that cannot be."""


def snakemake(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = ["snakemake", *options, "--cores", "2", "--configfile", "tiny.yaml"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=1500)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A phantom, and the same phantom in four ways that stop it; and how the run ended."""
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
    for name, spoil in {"gap": _without_a_slice, "damaged": _damaged, "shuffled": _shuffled}.items():
        shutil.copytree(folder / FOLDER / "dicom", folder / "data" / name)
        spoil(folder / "data" / name)
        clinical = "data/shuffled.csv" if name == "shuffled" else ""
        whole += f"{name}\tdata/{name}\t{clinical}\t\t\n"
    (folder / "data/miscalibrated.json").write_text(json.dumps(TRANSDUCER))
    (folder / "data/shuffled.csv").write_text(CUFF)
    whole += f"miscalibrated\t{FOLDER}/dicom\tdata/miscalibrated.json\t\t\n"
    (folder / "patients.tsv").write_text(HEADER + whole)
    return folder, snakemake(folder, "--set-resources", *(f"{rule}:tasks=2" for rule in TWO_RANKS))


def _by_slice(dicom: Path) -> list[list[Path]]:
    """The files of each slice, in the order of their frames."""
    pydicom = pytest.importorskip("pydicom", reason="pydicom comes with the environment")
    slices: dict[tuple[float, ...], list[tuple[float, Path]]] = {}
    for path in dicom.rglob("*.dcm"):
        header = pydicom.dcmread(path, stop_before_pixels=True)
        slices.setdefault(tuple(header.ImagePositionPatient), []).append((header.TriggerTime, path))
    return [[path for _, path in sorted(frames)] for _, frames in sorted(slices.items())]


def _without_a_slice(dicom: Path) -> None:
    slices = _by_slice(dicom)
    for path in slices[len(slices) // 2]:
        path.unlink()


def _damaged(dicom: Path) -> None:
    victim = min(dicom.rglob("*.dcm"))
    content = victim.read_bytes()
    victim.write_bytes(content[: len(content) // 2])


def _shuffled(dicom: Path) -> None:
    """The pictures of the slices in another order than their positions: labels of no heart."""
    pydicom = pytest.importorskip("pydicom", reason="pydicom comes with the environment")
    slices = [[pydicom.dcmread(path) for path in frames] for frames in _by_slice(dicom)]
    order = np.random.default_rng(0).permutation(len(slices))
    pictures = [[dataset.PixelData for dataset in frames] for frames in slices]
    for frames, other in zip(slices, order, strict=True):
        for dataset, picture in zip(frames, pictures[other], strict=True):
            dataset.PixelData = picture
            dataset.save_as(dataset.filename)


def test_the_others_finish_and_the_exit_code_says_so(cohort):
    folder, run = cohort
    summary = store.open(folder / "results/tiny/cohort.zarr")
    status = {
        name: report.STATUS[i] for name, i in zip(summary["patient"].values, summary["status"].values, strict=True)
    }
    assert status == {"phantom-01": "done"} | {name: kind for name, (kind, *_) in STOPPED.items()}
    assert run.returncode != 0
    assert all(word in run.stderr for words in STOPPED.values() for word in words)


def test_every_patient_has_a_report_that_says_how_it_ended(cohort):
    folder, _ = cohort
    pages = {name: (folder / f"results/tiny/{name}/report.html").read_text() for name in ("phantom-01", *STOPPED)}
    assert all(word in pages[name].lower() for name, words in STOPPED.items() for word in words)
    assert all(not re.search(r"""(src|href)=["']?http""", page) for page in pages.values())


def test_the_drug_of_the_phantom_is_in_its_report(cohort):
    """And in no other: the others are not given it. Moments are both ends of the course and the peak, after 2.7 h:
    ln(k/ka)/(k - ka) with k = 21/250 and ka = 1 per h."""
    results = cohort[0] / "results/tiny"
    assert store.open(results / "phantom-01/drug.zarr").moment.values == pytest.approx([0, 2.7, 24], abs=0.05)
    with_drug = [
        name for name in ("phantom-01", *STOPPED) if 'id="drug"' in (results / name / "report.html").read_text()
    ]
    assert with_drug == ["phantom-01"]


def test_the_planted_ejection_fraction_is_recovered(cohort):
    """Within 5 points on this mesh of 14 mm; the finer mesh of the demo is held to the 3 points of the issue."""
    folder, _ = cohort
    assessment = store.open(folder / "results/tiny/phantom-01/assessment.zarr")
    truth = store.open(folder / FOLDER / "truth.zarr")
    planted = 100 * (1 - float(truth["volume"].min() / truth["volume"].max()))
    assert float(assessment["ejection_fraction"]) == pytest.approx(planted, abs=5)


def test_the_results_leave_as_dicom(cohort):
    """Segmentation and measurements of the phantom; the verdict in their place where a patient was stopped."""
    results = cohort[0] / "results/tiny"
    made = sorted(path.name for path in (results / "phantom-01/dicom").glob("*.dcm"))
    assert made == ["measurements.dcm", "segmentation.dcm"]
    with pytest.raises(Rejected, match="missing-slice"):
        store.open(results / "gap/dicom")


def test_clinical_data_of_every_kind_come_in(cohort):
    """The short file of the phantom, a FHIR bundle, and a table of which one value is set aside."""
    folder, _ = cohort
    names = ("phantom-01", "miscalibrated", "shuffled")
    short, bundle, table = (Clinical.read(folder / f"results/tiny/{name}/clinical.json") for name in names)
    assert short.lv_pressure.source == "measured"
    assert bundle.lv_pressure.pressure[2] == pytest.approx(350 * KPA_PER_MMHG)
    assert table.systolic.value == pytest.approx(118 * KPA_PER_MMHG)
    assert [one.value for one in table.set_aside] == [1180]


def test_the_finished_twin_leaves_as_fhir(cohort):
    """A valid bundle; that of a patient who was stopped is the verdict."""
    folder, _ = cohort
    bundle = json.loads((folder / "results/tiny/phantom-01/fhir.json").read_text())
    fhir.check(bundle)
    stopped = json.loads((folder / "results/tiny/gap/fhir.json").read_text())
    assert stopped["verdict"]["code"] == "missing-slice"


def test_a_bleeding_twin_fills_less(cohort):
    """A tenth of the stressed blood less: the ventricle of the same twin is smaller at the end of diastole."""
    folder, _ = cohort
    run = snakemake(folder, "results/tiny/phantom-01/whatif/bled/report.html")
    assert run.returncode == 0, run.stderr
    changes = store.open(folder / "results/tiny/phantom-01/whatif/bled/changes.zarr").to_dataframe()
    full = changes.loc["end-diastolic volume (mL)"]
    assert full.changed < 0.97 * full.baseline


def _of_the_hospital(folder: Path) -> set[str]:
    """Who and where, as the DICOM and the clinical file of the hospital have it."""
    pydicom = pytest.importorskip("pydicom", reason="pydicom comes with the environment")
    header = pydicom.dcmread(next((folder / FOLDER / "dicom").rglob("*.dcm")), stop_before_pixels=True)
    keys = (
        "PatientID AccessionNumber InstitutionName InstitutionAddress StationName DeviceSerialNumber StudyInstanceUID"
    )
    persons = [element for element in header.iterall() if element.VR == "PN"]
    several = [element.value if element.VM > 1 else [element.value] for element in persons]
    names = [part for found in several for name in found for part in str(name).split("^")]
    clinical = json.loads((folder / FOLDER / "clinical.json").read_text())
    written = [value for key, value in clinical.items() if key in ("name", "mrn") and isinstance(value, str)]
    return {text for text in [*names, *written, *(str(header[key].value) for key in keys.split())] if len(text) > 4}


def test_no_identifier_of_the_hospital_is_in_the_results(cohort):
    """Each is in the bytes of what came in, and in none of what lies behind intake, logs included."""
    folder, _ = cohort
    planted = _of_the_hospital(folder)
    raw = b"".join(path.read_bytes() for path in (folder / FOLDER).rglob("*") if path.suffix in (".dcm", ".json"))
    assert len(planted) > 8
    assert all(text.encode() in raw or text.encode("latin-1") in raw for text in planted)
    for path in [*(folder / "results").rglob("*"), *(folder / "logs/tiny").rglob("*")]:
        if path.is_file():
            content = path.read_bytes()
            assert not any(text.encode() in content or text.encode("latin-1") in content for text in planted), path


def test_a_second_run_does_only_what_failed(cohort):
    folder, _ = cohort
    dry = snakemake(folder, "--dry-run")
    assert "check_cohort" in dry.stdout
    assert not any(rule in dry.stdout for rule in ("make_phantom", "calibrate_heart", "report_patient"))
