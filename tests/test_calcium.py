"""Calcium of paced cells: steady, moved to the cells' activation, refused where there is none."""

import numpy as np
import pytest
from pytest import approx

from twinbeat import ionic
from twinbeat.contraction import Calcium, transient
from twinbeat.verdicts import Quarantined

CYCLE = 800.0


def paced(name: str, **changed: float) -> tuple[ionic.CellModel, np.ndarray]:
    cell = ionic.load(name)
    return cell, cell.values(**cell.stimulus(start=0.0, period=CYCLE), **changed)


@pytest.fixture(scope="module")
def course():
    return transient(*paced("tentusscher_panfilov_2006_epi"), CYCLE)


def test_transient_of_a_paced_cell(course):
    """One sample a ms; about 0.1 µM at rest, a peak some tens of ms after the upstroke, back within the beat."""
    assert len(course) == CYCLE
    assert course[0] == approx(0.1, abs=0.04) and 0.5 < course.max() < 1.5
    assert 10 < course.argmax() < 50 and course[-1] == approx(course[0], abs=0.02)


def test_blocked_calcium_channels_lower_it(course):
    """Half of the L-type current: less calcium (by how much is the cell model's affair)."""
    cell = ionic.load("tentusscher_panfilov_2006_epi")
    less = transient(*paced(cell.name, g_CaL=0.5 * cell.parameters["g_CaL"]), CYCLE)
    assert less.max() < 0.8 * course.max()


def test_cells_have_theirs_from_their_activation_on():
    """Straight lines between the samples, periodic: kinds 0 (a ramp of 0.1 a sample) and 1 (constant)."""
    calcium = Calcium(np.array([[0.0, 0.1, 0.2, 0.3], [5, 5, 5, 5]]), 4.0, np.array([0, 0, 1]), np.array([0.0, 1, 0]))
    assert calcium(1.5) == approx([0.15, 0.05, 5])
    assert calcium(3.5) == approx([0.15, 0.25, 5])
    assert calcium(4.5) == approx(calcium(0.5)) and calcium(0.5)[1] == approx(0.15)


def test_cells_without_calcium_are_refused():
    cell, parameters = paced("bueno_orovio_2008_epi")
    with pytest.raises(Quarantined, match="no-calcium: bueno_orovio_2008_epi has no calcium; expected a cell model wi"):
        transient(cell, parameters, CYCLE)


def test_unsteady_cells_are_refused():
    with pytest.raises(Quarantined, match=r"calcium-unsteady: calcium of tent.*after 1 at a cycle of 800 ms; expected"):
        transient(*paced("tentusscher_panfilov_2006_epi"), CYCLE, most=1)
