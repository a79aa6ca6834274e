"""Verification: rows, files, exit status, and the planted truths of the demo."""

import json
import sys
import types

import fabricated
import numpy as np
import pytest
from pytest import approx

from twinbeat import assessment, store
from twinbeat.evidence import __main__ as verification
from twinbeat.evidence.row import timed
from twinbeat.verdicts import Rejected


def _topic(monkeypatch, name, rows):
    module = types.ModuleType(f"twinbeat.evidence.{name}")
    module.rows = rows
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(verification, "topics", lambda: [name])


ROW = {"name": "half", "value": 0.5, "reference": 0.5, "deviation": 0.0, "tolerance": 0.1, "passed": True,
       "source": "by hand", "seconds": 0.0}  # fmt: skip


def test_verification_passes_where_all_checks_do(monkeypatch, tmp_path, capsys):
    _topic(monkeypatch, "good", lambda: iter([ROW]))
    assert verification.main(["--folder", str(tmp_path)]) == 0
    assert json.loads((tmp_path / "verification.json").read_text()) == [ROW]
    assert "by hand" in (tmp_path / "verification.html").read_text()
    assert capsys.readouterr().out.startswith("ok   half: 0.5 (reference 0.5")


def test_rows_of_numpy_numbers_are_written(monkeypatch, tmp_path):
    """A reference that comes out of an array is a numpy number, and so is whether it was met: JSON knows neither."""
    row = timed("third", np.float64(0.25), np.float64(0.1), "by hand", lambda: np.float32(0.5))
    _topic(monkeypatch, "numbers", lambda: iter([row]))
    assert verification.main(["--folder", str(tmp_path)]) == 1
    (written,) = json.loads((tmp_path / "verification.json").read_text())
    assert (written["deviation"], written["passed"]) == (0.25, False)


def test_a_long_topic_is_left_out_and_said_so(monkeypatch, tmp_path, capsys):
    _topic(monkeypatch, "slow", lambda: iter([ROW]))
    _topic(monkeypatch, "good", lambda: iter([ROW]))
    monkeypatch.setattr(verification, "topics", lambda: ["good", "slow"])
    monkeypatch.setattr(verification, "LONG", {"slow": "hours"})
    assert verification.main(["--folder", str(tmp_path)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "not run: slow (hours); python -m twinbeat.evidence slow runs it"
    assert len(said) == 2
    assert verification.main(["slow", "--folder", str(tmp_path)]) == 0
    assert "not run" not in capsys.readouterr().out


def test_verification_fails_where_one_check_does(monkeypatch, tmp_path):
    _topic(monkeypatch, "wrong", lambda: iter([ROW, ROW | {"passed": False}]))
    assert verification.main(["--folder", str(tmp_path)]) == 1


def test_a_topic_that_raises_is_a_failed_row(monkeypatch, tmp_path):
    """What it found before stays; numbers that do not exist are null, for NaN is no JSON."""

    def rows():
        yield ROW
        raise ArithmeticError("diverged")

    _topic(monkeypatch, "broken", rows)
    assert verification.main(["broken", "--folder", str(tmp_path)]) == 1
    good, bad = json.loads((tmp_path / "verification.json").read_text())
    assert good == ROW
    assert (bad["name"], bad["passed"], bad["value"]) == ("broken: stopped", False, None)
    assert bad["source"] == "ArithmeticError: diverged"


def test_recovery_is_held_against_the_tolerances(tmp_path, monkeypatch):
    """The fabricated twin misses the stiffness by 20 % where 15 % are accepted, and meets the rest."""
    monkeypatch.chdir(tmp_path)
    twin = {name: dataset for name, dataset in fabricated.twin().items() if name != "image"}
    found = assessment.assess(**twin, truth=fabricated.truth(twin["labels"]))
    rejected = Rejected("slice-missing", "slice 7 of 12 is missing", "import_image")
    store.publish(store.verdict(rejected), "results/demo/phantom-01/assessment.zarr")
    store.publish(found, "results/demo/phantom-02/assessment.zarr")
    rows = list(verification.collect(["recovery"]))
    assert [row["passed"] for row in rows] == [False, True, True, True, True, False]
    assert rows[0]["value"] == approx(20.0)
    assert "slice-missing" in rows[-1]["source"]


def test_recovery_needs_the_demo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (row,) = verification.collect(["recovery"])
    assert not row["passed"] and "make demo" in row["source"]


def test_no_check_at_all_is_no_pass(monkeypatch, tmp_path):
    _topic(monkeypatch, "empty", lambda: iter([]))
    assert verification.main(["--folder", str(tmp_path)]) == 1


def test_unknown_topic_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        verification.main(["astrology", "--folder", str(tmp_path)])
    assert stop.value.code == 2
    assert "no such topic: astrology" in capsys.readouterr().err
