"""The DAG: what reruns after which edit, and what is refused before anything starts.

The real rules run here with stand-in scripts that only make the promised files, so that the whole way takes seconds.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STAND_IN = """
import json, sys
from pathlib import Path

given = globals().get("snakemake")
outputs = list(given.output) if given else json.loads(sys.argv[1])["output"]
for output in map(Path, outputs):
    if output.suffix in (".zarr", ""):
        output.mkdir(parents=True, exist_ok=True)
        output /= "content"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text("made")
"""
ANATOMY = {"build_mesh", "assign_fibers"}
FRONT = {"deidentify", "import_image", "segment_heart", "review_labels"}
REPORTS = {"assess_twin", "report_patient", "export_fhir", "export_dicom", "summarise_cohort", "check_cohort"}
SHAPE = {"build_shape_model", "report_shape_model", "synthesise_anatomy"}
WHATIF = {"simulate_whatif", "compare_whatif", "report_whatif"}
SURROGATE = {"sample_ensemble", "simulate_member", "refresh_surrogate"}


def snakemake(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command, environment = (
        ["snakemake", "--cores", "2", *options],
        os.environ | {"TWINBEAT_KEY": "of no worth elsewhere"},
    )
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=500
    )


def planned(folder: Path, *options: str) -> tuple[set[str], set[str]]:
    """The rules that would run, and the patients in whose jobs' messages."""
    dry = snakemake(folder, "--dry-run", *options)
    assert dry.returncode == 0, dry.stdout + dry.stderr
    said = dry.stdout + dry.stderr
    rules = set(re.findall(r"^(\w+) +\d+$", said.split("Job stats:")[-1], re.M)) if "Job stats:" in said else set()
    assert rules or "Nothing to be done" in said
    return rules - {"all", "total"}, set(re.findall(r"^(?:Job|localrule job) \d+: .*?(phantom-\d+)", said, re.M))


def table(*numbers: int) -> str:
    names = [f"phantom-{number:02d}" for number in numbers]
    rows = [f"{name}\tdata/phantoms/{name}/dicom\tdata/phantoms/{name}/clinical.json\t\tphantom\n" for name in names]
    return "patient\tdicom\tclinical\ttruth\tgroup\n" + "".join(rows)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of two patients that has run to its end."""
    folder = tmp_path_factory.mktemp("study")
    for name in ("rules", "workflow", "profiles"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, folder)
    (folder / "scripts").mkdir()
    for script in (ROOT / "scripts").glob("*.py"):
        (folder / "scripts" / script.name).write_text(STAND_IN)
    (folder / "patients.tsv").write_text(table(1, 2))
    (folder / "studies").mkdir()
    (folder / "studies/base.yaml").write_text("surrogate:\n  patients: [phantom-01]\n")
    run = snakemake(folder, "--configfile", "studies/base.yaml")
    assert run.returncode == 0, run.stderr
    return folder


@pytest.fixture
def study(finished: Path):
    """The finished study; whatever a test edits is put back."""
    kept = {path: path.read_bytes() for path in finished.rglob("*") if path.suffix in (".tsv", ".yaml", ".py", ".smk")}
    yield finished
    for path, content in kept.items():
        if path.read_bytes() != content:
            path.write_bytes(content)


def edited(folder: Path, text: str) -> tuple[set[str], set[str]]:
    """What would run after the study's own file says ``text`` besides."""
    (folder / "studies/edit.yaml").write_text("surrogate:\n  patients: [phantom-01]\n" + text)
    return planned(folder, "--configfile", "studies/edit.yaml")


def test_a_second_run_does_nothing(study):
    assert edited(study, "") == (set(), set())


def test_editing_the_surrogate_leaves_the_twin_alone(study):
    rules, patients = edited(study, "  energy: 0.99\n")
    assert "refresh_surrogate" in rules
    assert rules <= SURROGATE | REPORTS
    assert patients == {"phantom-01"}


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("beat: {time_step: 15 ms}\n", {"simulate_beat"}),
        ("electrophysiology: {size: 3 mm}\n", {"simulate_electrophysiology", "simulate_beat"}),
    ],
)
def test_editing_what_a_script_under_mpi_is_told_runs_it_again(study, text, rules):
    made, patients = edited(study, text)
    assert rules <= made <= rules | SURROGATE | REPORTS
    assert patients == {"phantom-01", "phantom-02"}


def test_a_whatif_run_needs_the_finished_twin_and_itself(study):
    (study / "studies/whatif.yaml").write_text(
        "surrogate:\n  patients: [phantom-01]\n"
        "whatif:\n  bled: {blood: 0.9}\n  paced: {electrophysiology: {roots: [[0.1, 0 degree]]}}\n"
        "  fast: {heart_rate: 100 beat/min}\n"
    )
    options = ("--configfile", "studies/whatif.yaml")
    assert planned(study, *options) == (set(), set())
    assert planned(study, "whatif", *options)[0] == WHATIF | {"simulate_whatif_electrophysiology", "whatif"}
    bled, paced, fast = (f"results/study/phantom-01/whatif/{name}/report.html" for name in ("bled", "paced", "fast"))
    assert planned(study, bled, fast, *options)[0] == WHATIF
    assert planned(study, paced, *options)[0] == WHATIF | {"simulate_whatif_electrophysiology"}
    refused = snakemake(study, "--dry-run", bled.replace("bled", "shocked"), *options)
    assert "whatif: expected a run shocked, got bled, paced, fast" in refused.stdout + refused.stderr


def test_a_beat_that_acts_back_makes_the_activation_that_reports_show(study):
    (study / "studies/felt.yaml").write_text(
        "surrogate: {patients: []}\nbeat: {contraction: land_2017}\nelectrophysiology: {feedback: {conduction: true}}\n"
    )
    options = ("--configfile", "studies/felt.yaml")
    made = planned(study, "results/study/phantom-01/feedback.zarr", *options)[0]
    assert made == {"simulate_electrophysiology", "simulate_beat"}
    assert "simulate_beat" in planned(study, "results/study/phantom-02/report.html", *options)[0]


def test_conduction_is_calibrated_where_it_is_configured(study):
    """One rule more, what follows from activation, and no other calibration."""
    rules, _ = edited(study, "calibration:\n  conduction: {fitted: [endocardium]}\n")
    assert {"calibrate_conduction", "simulate_electrophysiology", "simulate_beat"} <= rules
    assert not rules & ({"extract_targets", "calibrate_heart"} | FRONT)


def test_an_activation_map_that_nothing_is_fitted_to_is_refused(study):
    (study / "map.csv").touch()
    first, row = table(1).splitlines()
    (study / "patients.tsv").write_text(f"{first}\tactivation\n{row}\tmap.csv\n")
    refused = snakemake(study, "--dry-run")
    assert refused.returncode != 0
    assert "expected velocities to fit to the activation of phantom-01, got none" in refused.stdout + refused.stderr


def test_measured_strains_calibrate_that_patient_again(study):
    (study / "strain.csv").touch()
    first, *rows = table(1, 2).splitlines()
    lines = [f"{first}\tstrain", f"{rows[0]}\t", f"{rows[1]}\tstrain.csv"]
    (study / "patients.tsv").write_text("\n".join(lines) + "\n")
    rules, patients = edited(study, "")
    assert {"extract_targets", "calibrate_heart", "simulate_beat"} <= rules and not rules & (FRONT | ANATOMY)
    assert patients == {"phantom-02"}


def test_an_unknown_drug_in_tissue_is_named(study):
    (study / "studies/edit.yaml").write_text("electrophysiology:\n  drugs: {aspirin: 1 nmol/L}\n")
    refused = snakemake(study, "--dry-run", "--configfile", "studies/edit.yaml")
    assert "electrophysiology.drugs: aspirin without block; known without: quinidine" in refused.stdout + refused.stderr


@pytest.mark.parametrize(("text", "number"), [("device: auto", "1"), ("{device: auto, method: eikonal}", "0")])
def test_a_gpu_is_asked_for_where_it_can_be_used(finished, tmp_path, text, number):
    """By the rule, whose resource decides on the pool on a cluster; the stand-in is told what it was given."""
    study, store = shutil.copytree(finished, tmp_path / "study"), "results/study/phantom-01/activation.zarr"
    (study / "scripts/simulate_electrophysiology.py").write_text(STAND_IN.replace('"made"', "sys.argv[2]"))
    rules = study / "rules/solve.smk"
    told = "simulate_electrophysiology.py {params.job:q}"
    rules.write_text(rules.read_text().replace(told, told + " {resources.gpu}"))
    (study / "studies/edit.yaml").write_text(f"electrophysiology:\n  {text}\n")
    ran = snakemake(study, "--configfile", "studies/edit.yaml", "--forcerun", "simulate_electrophysiology", "--", store)
    assert ran.returncode == 0, ran.stderr
    assert (study / store / "content").read_text() == number


def test_drugs_are_simulated_where_they_are_configured(study):
    """For the patients who are given them, and nothing but their page follows."""
    drugs = "pharmacology:\n  patients: [phantom-02]\n  drugs: {dofetilide: {dose: 0.5 mg, molar_mass: 441.6 g/mol, "
    rules, patients = edited(study, drugs + "clearance: 20 L/h, central_volume: 200 L}}\n")
    assert rules == {"simulate_drug", "report_patient"}
    assert patients == {"phantom-02"}


def test_forcing_a_stack_imports_only_that_patient_again(study):
    rules, patients = edited(study, "imaging:\n  force: {phantom-02: 2}\n")
    assert {"import_image", "segment_heart"} <= rules and "deidentify" not in rules
    assert patients == {"phantom-02"}


def test_editing_the_calibration_leaves_segmentation_and_mesh_alone(study):
    rules, _ = edited(study, "calibration:\n  volume_sigma: 0.03\n")
    assert "calibrate_heart" in rules
    assert not rules & (FRONT | ANATOMY | {"make_phantom"})


def test_a_review_runs_that_patient_again_from_the_labels_on(finished, tmp_path):
    """When its file appears, when it changes, and when it is taken away again; a hidden file is none."""
    study, labels = tmp_path / "study", ("--", "results/study/phantom-02/labels.zarr")
    shutil.copytree(finished, study)
    base = ("--configfile", "studies/base.yaml")
    drawn = study / "review/phantom-02/r1-ed.nii.gz"
    drawn.parent.mkdir(parents=True)
    (drawn.parent / ".DS_Store").write_text("of another kind")
    assert planned(study, *base) == (set(), set())
    drawn.write_bytes(b"once")
    rules, patients = planned(study, *base)
    assert {"review_labels", "calibrate_heart", "report_patient"} <= rules
    assert not rules & {"deidentify", "import_image", "segment_heart"}
    assert patients == {"phantom-02"}
    run = snakemake(study, *base, *labels)
    assert run.returncode == 0, run.stderr
    assert planned(study, *base, *labels) == (set(), set())
    drawn.write_bytes(b"again, and longer")
    assert planned(study, *base, *labels)[0] == {"review_labels"}
    drawn.unlink()
    assert planned(study, *base, *labels)[0] == {"review_labels"}


def test_editing_a_gate_leaves_the_network_alone(study):
    rules, _ = edited(study, "segmentation:\n  mass_variation: 0.12\n")
    assert "review_labels" in rules and "segment_heart" not in rules
    rules, _ = edited(study, "segmentation:\n  orientations: 1\n")
    assert {"review_labels", "segment_heart"} <= rules


def test_editing_the_mesh_leaves_segmentation_alone(study):
    rules, _ = edited(study, "mesh:\n  size: 5 mm\n")
    assert rules >= ANATOMY
    assert not rules & FRONT


def test_asking_for_both_ventricles_leaves_the_twin_alone(study):
    rules, _ = edited(study, "mesh:\n  ventricles: both\n")
    assert "build_biventricle" in rules
    assert rules <= {"build_biventricle"} | REPORTS


def test_activation_of_both_ventricles_needs_their_mesh_and_no_calibration(study):
    both = "mesh:\n  ventricles: both\nelectrophysiology:\n  ventricles: both\n"
    rules, _ = edited(study, both)
    assert rules >= {"build_biventricle", "simulate_electrophysiology", "simulate_beat"}
    assert rules <= {"build_biventricle", "simulate_electrophysiology", "simulate_beat"} | REPORTS | SURROGATE
    fitted, _ = edited(study, both + "calibration:\n  conduction: {fitted: [endocardium]}\n")
    assert fitted == rules | {"calibrate_conduction"}


def test_how_both_ventricles_are_meshed_does_not_matter_to_the_left_one(study):
    assert edited(study, "mesh:\n  biventricle:\n    size: 2 mm\n") == (set(), set())


def test_a_beat_of_both_ventricles_has_a_mesh_of_its_own(study):
    """Calibration is that of the left one in any case."""
    rules, _ = edited(study, "beat:\n  ventricles: both\n")
    assert rules >= {"build_heart", "simulate_beat"}
    assert rules <= {"build_heart", "simulate_beat"} | REPORTS | SURROGATE


def test_how_both_ventricles_beat_does_not_matter_to_the_left_one(study):
    assert edited(study, "beat:\n  both:\n    size: 9 mm\n") == (set(), set())


def test_respelling_a_unit_reruns_nothing(study):
    assert edited(study, "mesh:\n  size: 0.6 cm\n") == (set(), set())


def test_a_word_about_a_pacs_leaves_folders_alone(study):
    assert edited(study, "retrieval:\n  timeout: 30 s\n") == (set(), set())


def test_a_new_patient_runs_alone(study):
    (study / "patients.tsv").write_text(table(1, 2, 3))
    rules, patients = edited(study, "")
    assert patients == {"phantom-03"}
    assert rules >= {"make_phantom", "calibrate_heart", "summarise_cohort", "check_cohort"}


def test_a_removed_patient_updates_the_summary(study):
    (study / "patients.tsv").write_text(table(1))
    assert edited(study, "") == ({"summarise_cohort", "check_cohort"}, set())


def test_editing_the_code_of_a_stage_reruns_it_and_what_follows(study):
    with (study / "workflow/twinbeat/mesh/quality.py").open("a") as module:
        module.write("# another comment\n")
    rules, _ = edited(study, "")
    assert rules >= ANATOMY | {"calibrate_heart", "simulate_beat"} | REPORTS
    assert not rules & (FRONT | {"make_phantom"})


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
