"""What the data say of the parameters: the Laplace posterior at an optimum, held against the prior."""

import numpy as np
from scipy.linalg import eigh

from .fit import Fit
from .problem import Evaluation

Array = np.ndarray


class Posterior:
    """Normal with the inverse of the Gauss-Newton matrix, in x = (ln C, pressure at end-diastole, tensions, pressures).

    ``parameters`` are those of interest, (ln C, free tensions); the pressures, known by measurement, are integrated
    out of prior and posterior alike.
    """

    def __init__(self, fit: Fit, evaluation: Evaluation) -> None:
        self._fit, self._evaluation = fit, evaluation
        self._all = np.linalg.inv(fit.hessian(evaluation))
        self._kept = np.array([0, *range(fit.tensions.start, fit.tensions.stop)])
        self.covariance = self._of(self._all)
        self.prior = self._of(np.linalg.inv(fit.prior_hessian))

    def _of(self, covariance: Array) -> Array:
        return covariance[np.ix_(self._kept, self._kept)]

    @property
    def known(self) -> Array:
        """Share of the prior's variance (parameter,) that the data took away: 0 nothing, 1 all."""
        return 1 - np.diag(self.covariance) / np.diag(self.prior)

    @property
    def information(self) -> Array:
        """How much more the data know than the prior (mode,), greatest first, along their common axes.

        Eigenvalues of the prior-preconditioned Hessian of the misfit (Flath et al. 2011, doi 10.1137/090780717): along
        an axis with eigenvalue e the variance falls to 1 / (1 + e) of the prior's, so below 1 the prior dominates.
        """
        return eigh(self.prior, self.covariance, eigvals_only=True)[::-1] - 1

    def volume_sigma(self) -> Array:
        """Standard deviation (frame,) in mL of the fitted or predicted volume, by the tangents."""
        slopes = self._fit.slopes(self._evaluation)[:, 0]
        return np.sqrt(np.einsum("ki,ij,kj->k", slopes, self._all, slopes))

    def pressure_sigma(self) -> Array:
        """Standard deviation (1 + frame,) in kPa of the pressures, that at end-diastole first."""
        return np.sqrt(np.diag(self._all))[self._fit.pressures]
