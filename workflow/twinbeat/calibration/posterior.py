"""What the data say of the parameters: the Laplace posterior at an optimum, held against the prior."""

import numpy as np
from scipy.linalg import eigh

from .fit import Fit
from .problem import Evaluation

Array = np.ndarray


class Posterior:
    """Normal with the inverse of the Gauss-Newton matrix, in the x of ``Fit``.

    ``parameters`` are those of interest, (ln C, free tensions, shares, logs); the pressures, known by measurement, are
    integrated out of prior and posterior alike. ``beside`` is by how much x moves with a standard deviation of what is
    not fitted, but known by measurement too; motion and pressures that are fitted do not.
    """

    def __init__(self, fit: Fit, evaluation: Evaluation, beside: Array | None = None) -> None:
        self._fit, self._evaluation = fit, evaluation
        self._all = np.linalg.inv(fit.hessian(evaluation))
        parts = (slice(0, 1), fit.tensions, fit.shares, fit.logs)
        self._kept = np.concatenate([np.arange(part.start, part.stop) for part in parts])
        further = np.zeros(len(self._all)) if beside is None else beside
        self.covariance = self._of(self._all + np.outer(further, further))
        self.prior = self._of(np.linalg.inv(fit.prior_hessian))

    def _of(self, covariance: Array) -> Array:
        return covariance[np.ix_(self._kept, self._kept)]

    @property
    def shares(self) -> Array:
        """Share (region,) of the tension that each region develops at the optimum."""
        return self._evaluation.point.shares

    def rescaled(self, weights: Array) -> tuple[Array, Array]:
        """Covariance (parameter, parameter) and ``known`` where the shares are relative to their mean with these
        ``weights`` (region,), and the tensions are those of that mean: T' = c T, s' = s / c with c = weights . s, to
        first order."""
        shares, tensions = self.shares, self._evaluation.point.tension[self._fit.free]
        c, first = float(weights @ shares), 1 + len(tensions)
        forces, parts = slice(1, first), slice(first, first + len(shares))
        turn = np.eye(len(self._kept))
        turn[forces, forces] *= c
        turn[forces, parts] = np.outer(tensions, weights)
        turn[parts, parts] = (np.eye(len(shares)) - np.outer(shares / c, weights)) / c
        covariance, prior = (turn @ matrix @ turn.T for matrix in (self.covariance, self.prior))
        return covariance, _known(covariance, prior)

    @property
    def known(self) -> Array:
        """Share of the prior's variance (parameter,) that the data took away: 0 nothing, 1 all."""
        return _known(self.covariance, self.prior)

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


def _known(covariance: Array, prior: Array) -> Array:
    """Share of the prior's variance that is gone; all of it where there was none."""
    after, before = np.diag(covariance), np.diag(prior)
    return 1 - np.divide(after, before, out=np.zeros_like(before), where=before > 1e-12 * before.max())
