"""Trains of beats and an early one: what a cable and a ventricle make of the coupling interval."""

import electrical_samples as samples
import numpy as np
import pytest
from pytest import approx

from twinbeat import electrophysiology
from twinbeat.electrophysiology import sites
from twinbeat.electrophysiology.propagation import Stimulus, Train
from twinbeat.evidence import activation as evidence
from twinbeat.parameters import Electrophysiology, Fibers
from twinbeat.parameters.electrophysiology import Pacing
from twinbeat.verdicts import Quarantined

CYCLE = 600.0


def test_train_repeats_its_stimuli():
    """One from 1 ms on for 2 ms, at 0 and at 100 ms; another point early, at 150 ms."""
    regular, early = (Stimulus(np.array(start), 50.0, 2.0) for start in ([1.0, np.inf], [np.inf, 0.0]))
    train = Train(((0.0, regular), (100.0, regular), (150.0, early)))
    assert train.last == 150
    on = {time: train(time) for time in (0.0, 1.0, 2.9, 3.0, 100.0, 101.0, 104.0, 150.0, 151.9, 152.0)}
    shown = {time: current.tolist() for time, current in on.items() if current is not None}
    assert shown == {1.0: [50, 0], 2.9: [50, 0], 101.0: [50, 0], 150.0: [0, 50], 151.9: [0, 50]}


def test_beats_start_where_the_study_says():
    """Two regular beats 600 ms apart from root and lead, and an early one 350 ms later from the lead alone."""
    pacing = {"beats": 2, "cycle": "600 ms", "coupling": "350 ms"}
    parameters = Electrophysiology(
        roots=[[0.0, "0 degree"]], leads=[[1.0, "0 degree", 1.0, "5 ms"]], pacing=pacing, size="1 mm"
    )
    train = sites.train(samples.slab((8.0, 1.0, 1.0), 1.0), parameters)
    assert [since for since, _ in train.stimuli] == [0, 600, 950]
    ends = [np.unique(stimulus.start[np.isfinite(stimulus.start)]).tolist() for _, stimulus in train.stimuli]
    assert ends == [[0, 5], [0, 5], [5]]


@pytest.fixture(scope="module")
def restitution():
    """Velocity in mm/ms of an early beat on a cable by its coupling interval in ms, after beats 600 ms apart; and the
    duration of the last of those in ms."""
    velocities = {
        coupling: evidence.early_velocity(CYCLE, coupling, beats=2) for coupling in (600.0, 400.0, 340.0, 280.0)
    }
    return velocities, evidence.regular_duration(CYCLE, beats=2)


def test_regular_beat_conducts_as_matched(restitution):
    """An S2 that comes a cycle after S1 is one of the train: the 0.6 mm/ms that the cable's conductivity is matched to
    at rest."""
    velocities, _ = restitution
    assert velocities[600] == approx(0.6, rel=0.02)


def test_early_beats_are_slow_until_they_are_blocked(restitution):
    """Sodium channels recover with the voltage: the shorter the interval, the slower; before 90 % repolarisation of
    the last beat, about 297 ms after it began (293.5 in a cell alone by a separate program), nothing is conducted."""
    velocities, duration = restitution
    assert duration == approx(293.5, abs=5)
    assert 280 < duration < 340
    assert 0.6 > velocities[400] > velocities[340] > 0.4
    assert velocities[280] == 0


def test_early_beat_of_a_ventricle_starts_at_its_lead():
    """Its times count from the early beat: the lead fires at 0 ms, and the wave needs as long as in
    test_lead_paces_alone to cross the wall, or longer."""
    quick = {"leads": ((0.5, 0.0, 1.0, 0.0),), "size": 1.6, "cell": "bueno_orovio_2008_epi"}
    parameters = samples.QUICK.model_copy(update=quick | {"pacing": Pacing(coupling="450 ms")})
    anatomy = samples.ventricle()
    wave, points = electrophysiology.activate(anatomy, parameters, Fibers()), anatomy["points"].values
    times, fine = wave["fine_activation"].values, wave["fine_points"].values
    lead, below = (points[sites.site(anatomy, 0.5, 0.0, depth)] for depth in (1.0, 0.0))
    assert 0 < times.min() < 3
    assert np.linalg.norm(fine[times.argmin()] - lead) < 4.0
    assert 9 < times[np.linalg.norm(fine - below, axis=1).argmin()] - times.min() < 25
    assert wave["snapshot"].values[0] == 0


def test_blocked_beat_is_quarantined():
    """200 ms after the last one the muscle is at its plateau."""
    quick = {"leads": ((0.5, 0.0, 1.0, 0.0),), "size": 1.6, "duration": 60.0, "pacing": Pacing(coupling="200 ms")}
    with pytest.raises(Quarantined, match="points were not activated within 60 ms"):
        electrophysiology.activate(samples.ventricle(), samples.QUICK.model_copy(update=quick), Fibers())


def test_trains_that_cannot_be_run_are_refused():
    with pytest.raises(ValueError, match="expected method monodomain or bidomain for a train of beats, got eikonal"):
        Electrophysiology(method="eikonal", pacing={"beats": 2})
    with pytest.raises(ValueError, match="expected leads from which the early beat starts, got none"):
        Electrophysiology(pacing={"coupling": "300 ms"})
