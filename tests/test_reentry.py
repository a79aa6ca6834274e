"""What is told of a spiral wave, on waves that are known by hand."""

import numpy as np
import pytest

from twinbeat.evidence import reentry
from twinbeat.evidence.reentry import SAMPLING, Reentry

PERIOD = 250.0


def turning(x0, y0, sign=1):
    """Phase (sample, y, x) of a rigid spiral about a place between nodes."""
    y, x = np.mgrid[:20, :20]
    angle = sign * np.arctan2(y - y0, x - x0) + 0.2 * np.hypot(y - y0, x - x0)
    return angle - 2 * np.pi * SAMPLING * np.arange(1, 201)[:, None, None] / PERIOD


def seen(phase):
    return Reentry(reentry.BETWEEN + 60 * np.cos(phase))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_spiral_has_one_tip_where_it_turns(sign):
    charges = reentry.charges(turning(7.5, 11.5, sign))
    assert (charges[:, 11, 7] == sign).all() and np.abs(charges).sum() == len(charges)
    assert (seen(turning(7.5, 11.5, sign)).tips() == 1).all()


def test_two_spirals_have_two_tips():
    pair = turning(4.5, 9.5) + turning(14.5, 9.5, -1) - turning(4.5, 9.5)[:, :1, :1]
    assert (np.abs(reentry.charges(pair)).sum(axis=(1, 2)) == 2).all()


def test_a_plane_wave_has_none():
    plane = 0.3 * np.mgrid[:20, :20][1] - 2 * np.pi * SAMPLING * np.arange(200)[:, None, None] / PERIOD
    assert (seen(plane).tips() == 0).all()


def test_the_period_is_that_of_the_turns():
    """Linear interpolation of a cosine between samples of 5 ms is right to 0.1 ms."""
    assert seen(turning(7.5, 11.5)).periods() == pytest.approx(PERIOD, abs=0.1)


def test_both_faces_of_the_sheet_are_folded_to_one(monkeypatch):
    """Mass is that of the slab, and a linear voltage has the current of the slab."""
    monkeypatch.setattr(reentry, "SIDE", 5.0)
    tissue, points = reentry.sheet(0.5)
    assert tissue.mass.sum() == pytest.approx(5 * 5 * 0.5)
    assert np.abs(tissue.stiffness.sum(axis=1)).max() < 1e-12
    energy = points[:, 0] @ (tissue.stiffness @ points[:, 0])
    isotropic = points[:, 1] @ (tissue.stiffness @ points[:, 1])
    assert energy == pytest.approx(isotropic) and energy > 0


def test_a_wave_from_a_side_runs_at_the_velocity_that_is_asked_for(monkeypatch):
    """On 10 mm, before the second stimulus; to a node of 4 mm."""
    monkeypatch.setattr(reentry, "SIDE", 10.0)
    monkeypatch.setattr(reentry, "COARSE", 1)
    early = reentry.spiral.__wrapped__(0.5, 25.0).voltage
    fronts = [(frame[0] > 0).sum() for frame in early]
    speed = (fronts[3] - fronts[1]) * 0.5 / (2 * SAMPLING)
    assert speed == pytest.approx(reentry.VELOCITY, rel=0.125)
