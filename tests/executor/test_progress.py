"""The line of progress: numbers that can be counted by hand, whatever belongs to nobody."""

from types import SimpleNamespace

import pytest

from snakemake_executor_plugin_dask_jobqueue import progress
from snakemake_executor_plugin_dask_jobqueue.progress import EVERY, Progress


def job(rule, patient=None, output=()):
    wildcards = {"patient": patient} if patient else {}
    return SimpleNamespace(rule=SimpleNamespace(name=rule), wildcards=SimpleNamespace(**wildcards), output=list(output))


STUDY = [job(rule, patient) for patient in ("p1", "p2", "p3") for rule in ("mesh", "beat")] + [job("report")]


def following(jobs=STUDY, **more):
    said = []
    return Progress(jobs, "patient", said.append, **more), said


def test_before_anything_all_wait():
    found, _ = following()
    assert found.line([], 0) == "patients: 0 done, 0 running, 3 waiting; time left not yet known"


def test_a_patient_is_done_with_its_last_job():
    found, _ = following()
    found.note([STUDY[0]], 60, failed=False)
    assert found.line(["p1"], 1).startswith("patients: 0 done, 1 running, 2 waiting;")
    found.note([STUDY[1]], 60, failed=False)
    assert found.line(["p2"], 1).startswith("patients: 1 done, 1 running, 1 waiting;")


def test_what_belongs_to_nobody_is_no_patient():
    found, _ = following()
    found.note([STUDY[-1]], 60, failed=False)
    assert found.line(["", "p1"], 1).startswith("patients: 0 done, 1 running, 2 waiting;")


def test_who_is_stopped_is_neither_done_nor_waiting():
    """By a failure or by a verdict, which its own jobs tell; the first word stays, though more jobs report on it."""
    found, _ = following(outcome=lambda paths: "rejected" if "verdict" in paths else None)
    found.note([job("mesh", "p1", ["verdict"])], 60, failed=False)
    found.note([job("mesh", "p2")], 60, failed=True)
    assert found.line([], 1).startswith("patients: 0 done, 0 running, 1 waiting, 1 rejected, 1 failed;")
    found.note([job("beat", "p1")], 60, failed=True)
    assert found.stopped == {"p1": "rejected", "p2": "failed"}
    assert found.line(["p1"], 1).startswith("patients: 0 done, 0 running, 1 waiting, 1 rejected, 1 failed;")


def test_a_job_that_failed_is_not_asked_for_its_outcome():
    found, _ = following(outcome=lambda paths: pytest.fail("it has made nothing"))
    found.note([STUDY[0]], 60, failed=True)


def test_a_job_of_nobody_stops_nobody():
    found, _ = following(outcome=lambda paths: "rejected")
    found.note([STUDY[-1]], 60, failed=True)
    assert found.stopped == {}


def left(found, slots):
    return found.line([], slots).partition("; ")[2]


def test_the_time_left_is_that_of_each_rule_over_what_runs_at_once():
    """Meshes took 10 and 20 min; one mesh of 15 min is left, and four jobs whose rules nobody knows, of 15 min each."""
    found, _ = following()
    found.note([STUDY[0]], 600, failed=False)
    found.note([STUDY[2]], 1200, failed=False)
    assert left(found, 1) == "about 1 h 15 min left"
    assert left(found, 5) == "about 15 min left"
    assert left(found, 0) == "about 1 h 15 min left"  # between two jobs, as if one ran


def test_the_time_left_knows_long_rules_from_short_ones():
    """A mesh took 1 min, a beat 2 h: two of each and the report, of the mean of 60.5 min, are 302.5 min."""
    found, _ = following()
    found.note([STUDY[0]], 60, failed=False)
    found.note([STUDY[1]], 7200, failed=False)
    assert left(found, 1) == "about 5 h 2 min left"


def test_at_the_end_a_minute_is_left():
    found, _ = following()
    found.note(STUDY, 60, failed=False)
    assert found.line([], 1) == "patients: 3 done, 0 running, 0 waiting; about 1 min left"


def test_it_is_said_now_and_then_and_not_at_every_job(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    found, said = following()
    for now[0] in (100.0, 100 + EVERY - 0.1, 100 + EVERY, 100 + EVERY + 1, 100 + 2 * EVERY):
        found.show(["p1"], 1)
    assert said == ["patients: 0 done, 1 running, 2 waiting; time left not yet known"] * 2
