"""Pages of patients that were stopped, or whose stores are not all current."""

import json
from pathlib import Path

import fabricated
import xarray as xr
from report_pages import CLINICAL, NEEDS_REVIEW, QUARANTINED, REJECTED, Elements, rows_of

from twinbeat import report, store
from twinbeat.intake.clinical import Trace
from twinbeat.report import sources


def test_page_of_a_patient_that_needs_review(paths, stores):
    """The labels are a verdict; what the reviewer has to look at are the automatic ones."""
    store.publish(stores["labels"].assign_attrs(kind="labels"), "results/study/p-01/automatic.zarr")
    store.publish(store.verdict(NEEDS_REVIEW), paths["labels"])
    shown = {"image": paths["image"], "automatic": "results/study/p-01/automatic.zarr", "labels": paths["labels"]}
    text = report.patient_page("p-01", "study", report.gather(shown, CLINICAL))
    elements = Elements(text)
    assert "Needs review" in text and "unstable-myocardium" in text and "departs by 23 %" in text
    assert "snakemake results/study/p-01/draft" in text
    assert len(elements.of("img")) == 1 and "No person has looked" in text
    assert "verdict needs-review" in [tag.get("class") for tag in elements.of("div")]
    assert not elements.open


def test_an_old_trace_flags_the_report(paths):
    trace = Trace(time=(0, 1), pressure=(1, 2), sigma=0.1, taken_by="catheter", age_days=300.0, flags=("more than 9",))
    Path(CLINICAL).write_text(fabricated.clinical().model_copy(update={"lv_pressure": trace}).model_dump_json())
    text = report.patient_page("p", "s", report.gather({"assessment": paths["assessment"]}, CLINICAL))
    assert "Old clinical data were used: LV pressure over time (more than 9)" in text
    assert any("LV pressure" in row and "|catheter|" in row and "|300.0|" in row for row in rows_of(text))


def test_verdict_of_the_clinical_file_stops_the_patient(paths):
    found = {"kind": "rejected", "code": "clinical-value", "message": "heart_rate: found 7", "stage": "import_clinical"}
    Path(CLINICAL).write_text(json.dumps({"verdict": found}))
    gathered = report.gather({name: paths[name] for name in ("image", "labels")}, CLINICAL)
    assert (gathered.verdict.kind, gathered.verdict.stage) == ("rejected", "import_clinical")
    assert gathered.clinical is None and gathered.has("image", "labels")


def test_page_of_a_patient_that_was_stopped_midway(paths):
    """Calibration gave a verdict: image, labels, mesh and heart are shown, and no figure of a twin."""
    for name in ("posterior", "beat", "surrogate", "drug", "assessment"):
        store.publish(store.verdict(QUARANTINED), paths[name])
    gathered = report.gather(paths, CLINICAL)
    text = report.patient_page("p-01", "study", gathered)
    assert gathered.verdict.code == "no-convergence"
    assert "Quarantined" in text and "calibrate_twin" in text and QUARANTINED.message in text
    assert len(Elements(text).of("img")) == 5
    assert "Posterior of the calibrated parameters" not in text


def test_page_of_a_patient_that_was_rejected_at_the_door(paths):
    """Nothing was reached; the message cannot smuggle markup into the page."""
    for path in paths.values():
        store.publish(store.verdict(REJECTED), path)
    text = report.patient_page("p-01", "study", report.gather(paths, CLINICAL))
    assert "Rejected" in text and "No stage gave a result" in text
    assert "&lt;gap of 16.0 mm&gt;" in text
    assert not Elements(text).of("img")


def test_a_store_made_again_makes_what_follows_stale(paths, stores):
    """Labels that change after the anatomy was made from them: anatomy and targets are no longer current."""
    store.publish(stores["labels"].assign(end_systole=4), paths["labels"], inputs=[paths["image"]])
    gathered = report.gather(
        {name: path for name, path in paths.items() if name not in ("image", "posterior")}, CLINICAL
    )
    current = {origin.name: origin.current for origin in sources.origins(gathered)}
    assert [name for name, fresh in current.items() if not fresh] == ["anatomy", "targets"]
    assert "Some results are older" in report.patient_page("p-01", "study", gathered)


def test_a_wave_that_the_beat_acted_back_on_takes_the_place_of_the_activation(paths, stores):
    """The page has its pictures, and names the file that they are from."""
    felt = stores["activation"].assign_attrs(kind="activation")
    store.publish(felt, "results/study/p-01/feedback.zarr", inputs=[paths["anatomy"]])
    there = paths | {"activation": "results/study/p-01/feedback.zarr"}
    page = report.patient_page("p-01", "study", report.gather(there, CLINICAL))
    assert any(row.startswith("|feedback|") for row in rows_of(page))
    assert not any(row.startswith("|activation|") for row in rows_of(page))


def test_assessments_by_patient(paths, tmp_path):
    store.publish(store.verdict(REJECTED), "results/study/p-02/assessment.zarr")
    found = report.assessments([paths["assessment"], "results/study/p-02/assessment.zarr"])
    assert isinstance(found["p-01"], xr.Dataset)
    assert found["p-02"].code == "slice-missing"
