"""The Laplace posterior of linear models, of which everything is known by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from twinbeat.calibration.posterior import Posterior


def linear(slopes: np.ndarray, prior: np.ndarray) -> Posterior:
    """Of x = (ln C, pressure at end-diastole, one tension, one pressure) with prior precisions ``prior``, and one frame
    whose volume has the derivatives ``slopes`` and a standard deviation of 2 mL."""
    jacobian, precision = (slopes / 2.0)[None], np.diag(prior)  # weighted with the inverse of 2 mL
    fit = SimpleNamespace(
        shares=slice(2, 2),
        logs=slice(2, 2),
        tensions=slice(2, 3),
        pressures=np.array([1, 3]),
        prior_hessian=precision,
        slopes=lambda _: slopes[None, None],
        hessian=lambda _: jacobian.T @ jacobian + precision,
    )
    return Posterior(fit, None)


def test_a_datum_of_one_parameter():
    """Prior variance 4 of the tension, a datum that knows it with variance 1: 4/5 are left, the eigenvalue is 4."""
    found = linear(np.array([0, 0, 2.0, 0]), np.array([1, 1, 0.25, 1]))
    assert found.known == pytest.approx([0, 0.8])
    assert found.information == pytest.approx([4, 0])
    assert found.covariance == pytest.approx(np.diag([1, 0.8]))
    assert found.volume_sigma() == pytest.approx([2 * np.sqrt(0.8)])


def test_what_a_pressure_leaves_open():
    """Volume = 2 (tension + pressure), the pressure known with variance 3: of the sum the datum knows variance 1, so of
    the tension 1 + 3, as much as its prior: half of it goes, and the eigenvalue is 1."""
    found = linear(np.array([0, 0, 2.0, 2.0]), np.array([1, 1, 0.25, 1 / 3]))
    assert found.known == pytest.approx([0, 0.5])
    assert found.information == pytest.approx([1, 0])
    assert found.pressure_sigma() == pytest.approx([1, np.sqrt(3 - 9 / 8)])


def test_directions_not_parameters_are_known():
    """Volume = 2 (ln C + tension) with priors of variance 1: along (1, 1) the precision rises from 1 to 3, across it
    nothing is learnt."""
    found = linear(np.array([2.0, 0, 2.0, 0]), np.ones(4))
    assert found.information == pytest.approx([2, 0])
    assert found.known == pytest.approx([1 / 3, 1 / 3])
