"""Troponin of the law of contraction in place of the cell's own buffer, and what it does to calcium and twitch."""

import numpy as np
import pytest
from pytest import approx

from twinbeat import ionic
from twinbeat.contraction import MARGARA, Calcium, Path, Troponin, advance, rest, tension
from twinbeat.contraction import calcium as pacing
from twinbeat.electromechanics import kinds
from twinbeat.parameters import Electrophysiology

CYCLE, ENDO = 1000.0, "torord_dyncl_endo"


@pytest.fixture(scope="module")
def course():
    return kinds.course(ENDO, Electrophysiology(), CYCLE, MARGARA)


def twitch(course: np.ndarray) -> np.ndarray:
    """Tension (ms,) in kPa of a cell at rest length."""
    calcium = Calcium(course[None], CYCLE, np.zeros(1, int), np.zeros(1))
    ones, found = np.ones(1), []
    states = advance(MARGARA, rest(1), Path(-3 * CYCLE, 0, ones, ones, calcium))
    for time in range(int(CYCLE)):
        states = advance(MARGARA, states, Path(time, time + 1, ones, ones, calcium))
        found.append(tension(MARGARA, states, ones)[0])
    return np.array(found)


def test_bound_calcium_is_taken_from_the_cell():
    """A droplet of calcium without calmodulin keeps [Ca] + total C, and ends in balance: C = 1 / (1 + (Ca50/Ca)^2)."""
    droplet = Troponin(MARGARA, 1.0, 0.07, 0.0, 1.0)
    calcium = begin = 0.05
    for _ in range(4000):
        calcium = droplet.exchange(calcium, 0.05)
    assert calcium + droplet.total * droplet.bound == approx(begin, rel=1e-12)
    assert droplet.bound == approx(1 / (1 + (MARGARA.ca50 / (1000 * calcium)) ** 2), rel=1e-6)


def test_exchange_is_of_second_order():
    """Half the step leaves a quarter of the error."""
    ends = []
    for steps in (32, 64, 128, 256):
        troponin, calcium = Troponin(MARGARA, 1.0, 0.07, 0.05, 0.00238), 0.002
        for _ in range(steps):
            calcium = troponin.exchange(calcium, 8.0 / steps)
        ends.append(calcium)
    errors = np.abs(np.diff(ends))
    assert np.log2(errors[:-1] / errors[1:]) == approx(2, abs=0.25)


def test_pieces_of_a_quarter_of_a_millisecond_are_short_enough(course, monkeypatch):
    """Pieces of half the length change the transient by less than a hundredth of its height."""
    monkeypatch.setattr(pacing, "STEP", 0.0125)
    found = []
    for pieces in (4, 8):
        monkeypatch.setattr(pacing, "PIECES", pieces)
        found.append(kinds.course(ENDO, Electrophysiology(), CYCLE, MARGARA))
    assert np.abs(np.diff(found, axis=0)).max() < 0.01 * np.ptp(found[1])
    assert np.abs(course - found[1]).max() < 0.03 * np.ptp(found[1])


def test_transient_is_higher_and_briefer_than_with_a_buffer(course):
    """A buffer in balance flattens calcium at once; troponin that lags lets it rise first."""
    buffered = kinds.course(ENDO, Electrophysiology(), CYCLE)
    assert course.max() > 1.1 * buffered.max() and course.argmax() < buffered.argmax()


def test_twitch_of_margara(course):
    """They calibrated endocardial cells at 1 Hz to human muscle: 15 to 25 kPa, its peak after 147 to 172 ms, half gone
    109 to 125 ms later."""
    found = twitch(course)
    peak = int(found.argmax())
    half = int(np.argmax(found[peak:] < found.max() / 2))
    assert 15 < found.max() < 25 and 147 <= peak <= 172 and 109 <= half <= 125


def test_cells_whose_buffers_are_not_told_apart_keep_theirs():
    """Ten Tusscher and Panfilov have one buffer for all that binds calcium."""
    name = ionic.TENTUSSCHER_PANFILOV_2006_EPI
    assert Troponin.of(ionic.load(name), MARGARA, 1.0) is None
    parts = name, Electrophysiology(), CYCLE
    assert np.array_equal(kinds.course(*parts, MARGARA), kinds.course(*parts))


def test_epicardial_cells_have_more_calmodulin():
    """1.3 times as much, as in the equations of the cell."""
    endo, epi = (Troponin.of(ionic.load(name), MARGARA, 1.0) for name in (ENDO, "torord_dyncl_epi"))
    assert epi.calmodulin == approx(1.3 * endo.calmodulin) and epi.total == endo.total == 0.07
