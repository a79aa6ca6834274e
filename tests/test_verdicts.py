"""Verdicts: the two ways in which a patient's way ends early."""

import pytest

from twinbeat.verdicts import KINDS, PatientStopped, Quarantined, Rejected


@pytest.mark.parametrize(("kind", "name"), [(Rejected, "rejected"), (Quarantined, "quarantined")])
def test_a_verdict_says_what_and_why(kind, name):
    verdict = kind("missing-slice", "slice 7 is missing", "import_image")
    assert isinstance(verdict, PatientStopped)
    assert verdict.kind == name
    assert KINDS[name] is kind
    assert str(verdict) == "missing-slice: slice 7 is missing"
    assert (verdict.code, verdict.message, verdict.stage) == ("missing-slice", "slice 7 is missing", "import_image")


def test_a_verdict_need_not_know_its_stage():
    assert Rejected("code", "message").stage == ""
