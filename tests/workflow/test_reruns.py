"""The DAG: what reruns after which edit."""

import shutil

import pytest
from dag import ANATOMY, FRONT, REPORTS, STAND_IN, SURROGATE, edited, planned, snakemake, table

WHATIF = {"simulate_whatif", "compare_whatif", "report_whatif"}


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


def test_measured_strains_calibrate_that_patient_again(study):
    (study / "strain.csv").touch()
    first, *rows = table(1, 2).splitlines()
    lines = [f"{first}\tstrain", f"{rows[0]}\t", f"{rows[1]}\tstrain.csv"]
    (study / "patients.tsv").write_text("\n".join(lines) + "\n")
    rules, patients = edited(study, "")
    assert {"extract_targets", "calibrate_heart", "simulate_beat"} <= rules and not rules & (FRONT | ANATOMY)
    assert patients == {"phantom-02"}


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
    assert {"extract_targets", "calibrate_heart"} <= rules
    assert not rules & (FRONT | ANATOMY | {"make_phantom"})


def test_editing_the_fit_leaves_its_targets_alone(study):
    rules, _ = edited(study, "calibration:\n  starts: 3\n")
    assert "calibrate_heart" in rules
    assert not rules & (FRONT | ANATOMY | {"extract_targets"})


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
