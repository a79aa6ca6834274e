"""The share of the tension that each AHA segment develops: its prior, and what follows from a posterior of it."""

from types import SimpleNamespace

import numpy as np
import pytest

from twinbeat import fibers
from twinbeat.calibration import contraction
from twinbeat.calibration.posterior import Posterior
from twinbeat.mesh import synthetic
from twinbeat.parameters import Fibers
from twinbeat.parameters.calibration import Contraction


@pytest.fixture(scope="module")
def anatomy():
    return fibers.assign(synthetic.ellipsoid(15.0, 1), Fibers())


def test_the_prior_leaves_the_mean_alone(anatomy):
    """The mean share over the muscle is 1 within 0.02, single ones vary by 0.5 less what the mean takes; neighbours are
    more alike than opposite walls (segments 1 and 4), whose shares the fixed mean sets against each other."""
    muscle = contraction.muscle(anatomy, np.ones(anatomy.sizes["cell"]))
    covariance = contraction.spread(anatomy, np.ones(anatomy.sizes["cell"]), Contraction(spread=0.5, length="30 mm"))
    assert np.linalg.eigvalsh(covariance).min() > 0
    weights = muscle / muscle.sum()
    assert np.sqrt(weights @ covariance @ weights) == pytest.approx(0.02, rel=0.02)
    assert (np.sqrt(np.diag(covariance)) < 0.5).all()
    assert covariance[0, 1] > 0 > covariance[0, 3]


def test_muscle_is_what_contracts(anatomy):
    """All of it together is the wall's volume; a segment of scar has none."""
    scar = anatomy["segment"].values == 7
    muscle = contraction.muscle(anatomy, np.where(scar, 0.0, 1.0))
    assert muscle[6] == 0.0
    volumes = contraction.muscle(anatomy, np.ones(len(scar)))
    assert volumes.sum() == pytest.approx(muscle.sum() + volumes[6])


def test_healthy_muscle_sets_the_scale():
    """Of shares 1.2, 1.0, 0.3 and 0 of equal volumes the first two are healthy: their mean is 1.1; 0.9 would count from
    0.825 on. What has no muscle has no say."""
    volumes = np.ones(4)
    assert contraction.healthy(np.array([1.2, 1.0, 0.3, 0.0]), volumes) == pytest.approx([0.5, 0.5, 0, 0])
    assert contraction.healthy(np.array([1.2, 1.0, 0.9, 0.0]), volumes) == pytest.approx([1 / 3] * 3 + [0])
    assert contraction.healthy(np.array([9.0, 1.0, 1.0, 0.4]), np.array([0, 1, 1, 1])) == pytest.approx(
        [0, 0.5, 0.5, 0]
    )


def test_rescaling_to_healthy_muscle():
    """x = (ln C, pressure, shares 2 and 1, tension 10 kPa), known without correlation: relative to the first share
    T' = T s1 = 20 kPa has the variance 4 var T + 100 var s1, and s2' = s2 / s1 = 0.5 has (var s2 + 0.25 var s1) / 4;
    s1' = 1 was never open."""
    precision = np.diag([1, 1, 100.0, 25.0, 4.0])  # variances 0.01 and 0.04 of the shares, 0.25 of the tension
    fit = SimpleNamespace(
        shares=slice(2, 4),
        logs=slice(2, 2),
        tensions=slice(4, 5),
        free=np.array([0]),
        prior_hessian=precision / 4,
        hessian=lambda _: precision,
    )
    point = SimpleNamespace(shares=np.array([2.0, 1.0]), tension=np.array([10.0]))
    found = Posterior(fit, SimpleNamespace(point=point))
    covariance, known = found.rescaled(np.array([1.0, 0.0]))
    assert np.diag(covariance) == pytest.approx([1, 4 * 0.25 + 100 * 0.01, 0, (0.04 + 0.25 * 0.01) / 4], abs=1e-12)
    assert known == pytest.approx([0.75, 0.75, 1, 0.75])
