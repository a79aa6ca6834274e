"""Dice of masks and of probabilities."""

import numpy as np
import pytest

from twinbeat.overlap import dice


def test_half_an_overlap():
    """Two masks of 4 pixels that share 2: 2 * 2 / 8."""
    assert dice(np.arange(10) < 4, (np.arange(10) >= 2) & (np.arange(10) < 6)) == pytest.approx(0.5)


def test_nothing_found_where_nothing_is():
    nothing = np.zeros(3, bool)
    assert dice(nothing, nothing) == 1.0
    assert dice(nothing, ~nothing) == 0.0


def test_probabilities_over_some_axes():
    """Per row: 2 * 0.5 / (1 + 1); 2 * 1 / (1 + 2); both empty."""
    share = np.array([[0.5, 0.5], [1, 0], [0, 0]])
    mask = np.array([[1, 0], [1, 1], [0, 0]])
    assert dice(share, mask, (1,)) == pytest.approx([0.5, 2 / 3, 1])
