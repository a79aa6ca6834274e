"""Verdicts: the three ways in which a patient's way ends early."""

import pytest

from twinbeat import store
from twinbeat.verdicts import KINDS, NeedsReview, PatientStopped, Quarantined, Rejected, outcome


@pytest.mark.parametrize(
    ("kind", "name"), [(Rejected, "rejected"), (Quarantined, "quarantined"), (NeedsReview, "needs review")]
)
def test_a_verdict_says_what_and_why(kind, name):
    verdict = kind("missing-slice", "slice 7 is missing", "import_image")
    assert isinstance(verdict, PatientStopped)
    assert verdict.kind == name
    assert KINDS[name] is kind
    assert str(verdict) == "missing-slice: slice 7 is missing"
    assert (verdict.code, verdict.message, verdict.stage) == ("missing-slice", "slice 7 is missing", "import_image")


def test_a_verdict_need_not_know_its_stage():
    assert Rejected("code", "message").stage == ""


def test_an_outcome_is_read_off_the_stores_that_a_job_has_made(tmp_path):
    store.publish(store.verdict(Rejected("missing-slice", "slice 7 of 12 is missing")), tmp_path / "image.zarr")
    (tmp_path / "clinical.json").write_text("{}")
    assert outcome([str(tmp_path / "clinical.json"), str(tmp_path / "image.zarr")]) == "rejected"
    assert outcome([str(tmp_path / "clinical.json")]) is None
