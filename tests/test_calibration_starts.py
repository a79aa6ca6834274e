"""Calibration from several first guesses: which estimate stays, and what it costs."""

import importlib

import pytest
from ellipsoids import REST, dataset, observed, tissue, ventricle

from twinbeat import calibration
from twinbeat.calibration import fit
from twinbeat.parameters import Calibration, Mechanics
from twinbeat.verdicts import Quarantined


class Starts:
    """A fit from whose starts, by their C, given estimates come; ``begun`` are the C of the starts."""

    def __init__(self, monkeypatch, outcomes: list[fit.Estimate | Quarantined], **options: object) -> None:
        self.calibration, self.problem = Calibration(starts=len(outcomes), **options), None
        self.begun, self._outcomes = [], iter(outcomes)
        self.module = importlib.import_module("twinbeat.calibration.calibrate")
        monkeypatch.setattr(self.module, "first", self._first)

    def _first(self, _: None, stiffness: float, *__: float) -> tuple[float]:
        self.begun.append(stiffness)
        return (stiffness,)

    def run(self, _: float) -> fit.Estimate:
        outcome = next(self._outcomes)
        if isinstance(outcome, Quarantined):
            raise outcome
        return outcome

    def best(self) -> fit.Estimate:
        return self.module._best(self, REST, 100.0)


def test_the_best_of_several_starts_stays(monkeypatch):
    """Three starts divide the prior of C evenly: its quantiles of 1/6, 1/2 and 5/6, 2 kPa exp(-0.967, 0, 0.967), within
    bounds. One diverges; of the others the lesser misfit stays, with the solves of both and of their first estimates:
    (4 + 1) + (6 + 1)."""
    lost = Quarantined("mechanics-diverged", "no equilibrium")
    found = [fit.Estimate("near", [9.0, 5.0], 4.0), lost, fit.Estimate("best", [90.0, 3.0], 6.0)]
    several = Starts(monkeypatch, found)
    best = several.best()
    assert several.begun == pytest.approx([0.760, 2.0, 5.262], abs=1e-3)
    assert (best.evaluation, best.history, best.solves) == ("best", [90.0, 3.0], 12.0)
    within = Starts(monkeypatch, found[::2] + found[:1], stiffness_bounds=("1 kPa", "5 kPa"))
    within.best()
    assert within.begun == pytest.approx([1.0, 2.0, 5.0])


def test_where_no_start_arrives_the_first_reason_counts(monkeypatch):
    lost = [Quarantined("calibration-diverged", "first"), Quarantined("mechanics-diverged", "second")]
    with pytest.raises(Quarantined, match="first") as caught:
        Starts(monkeypatch, lost).best()
    assert caught.value.code == "calibration-diverged"


def test_starts_far_apart_lead_to_one_estimate():
    """From C = 1.0 and 3.9 kPa, half of the prior's probability apart, as from its middle, 2 kPa: the same C within 2 %
    and the same tension within 1 %; the solves of both are counted."""
    problem, anatomy = ventricle(30.0)
    goal = observed(problem)
    aims = dataset(goal[:, 0], goal[:, 1:].T)
    one, two = (
        calibration.calibrate(anatomy, aims, tissue(anatomy), Calibration(starts=starts), Mechanics())
        for starts in (1, 2)
    )
    assert float(two.stiffness) == pytest.approx(float(one.stiffness), rel=0.02)
    assert float(two.tension.max()) == pytest.approx(float(one.tension.max()), rel=0.01)
    assert float(two.forward_solves) > 1.5 * float(one.forward_solves)
