"""The Laplace posterior of linear models, of which everything is known by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from twinbeat.calibration.posterior import Posterior
from twinbeat.calibration.start import OneFiber
from twinbeat.calibration.wall import moved, thinned


def linear(slopes: np.ndarray, prior: np.ndarray, beside: np.ndarray | None = None) -> Posterior:
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
    return Posterior(fit, None, beside)


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


def test_what_is_not_fitted_comes_on_top():
    """A wall that is off by a standard deviation moves ln C by 0.3 and the tension by 2: the covariance grows by
    their products, the spread of the fitted volume does not."""
    datum, prior = np.array([0, 0, 2.0, 0]), np.array([1, 1, 0.25, 1])
    found = linear(datum, prior, np.array([0.3, 0, 2.0, 0]))
    assert found.covariance == pytest.approx(np.array([[1.09, 0.6], [0.6, 4.8]]))
    assert found.volume_sigma() == pytest.approx(linear(datum, prior).volume_sigma())


@pytest.mark.parametrize("ratio", [0.01, 1.0, 3.0])
def test_stress_by_the_wall(ratio):
    """The derivative of the one-fibre model's ln(stress) by differences; all of a thin wall's."""
    high, low = (OneFiber(ratio * share, 1.0, 0.0).stress(10.0, 1.0) for share in (1.001, 0.999))
    assert thinned(ratio) == pytest.approx(-np.log(high / low) / np.log(1.001 / 0.999), rel=1e-5)
    assert thinned(1e-6) == pytest.approx(1.0)


def test_stiffness_and_tensions_by_the_wall():
    """100 mL of muscle about 100 mL at end-diastole and 50 mL when it contracts with 40 kPa, known to 3 %: ln C moves
    by 0.03 / (2 ln 2), the tension by 40 kPa times 0.03 * 2 / (3 ln 3), pressures do not."""
    fit = SimpleNamespace(
        parameters=lambda _: np.array([0.7, 1.3, 40.0, 12.0]),
        free=np.array([0]),
        tensions=slice(2, 3),
        calibration=SimpleNamespace(wall_sigma=0.03),
    )
    change = moved(fit, SimpleNamespace(values=np.array([[50.0, 20.0]])), 100.0, 100.0)
    assert change == pytest.approx([0.03 / (2 * np.log(2)), 0, 40 * 0.03 * 2 / (3 * np.log(3)), 0])
