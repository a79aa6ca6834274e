"""Gaussian processes from member parameters to one reduced output (Rasmussen and Williams 2006, chapters 2 and 5).

With few members the likelihood is too sure of itself. The standard deviation is therefore stretched until 90 % of the
members, each left out and its process fitted again, lie within their 90 % intervals (normalised conformal prediction,
Papadopoulos et al. 2011, doi 10.1613/jair.3198; the jackknife variant), and never shrunk.
"""

import warnings
from typing import NamedTuple, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Kernel, WhiteKernel

LEVEL = 0.9
QUANTILE = 1.6448536269514722
"""Standard deviations of a normal distribution within which 90 % lies."""
_RESTARTS = 2
_JITTER = 1e-10


class Process(NamedTuple):
    """One output as a function of the parameters (dimension d), scaled to [-1, 1].

    ``theta`` (d + 2): logarithms of the kernel's variance, length scales and noise, of the output over ``scale``.
    """

    theta: np.ndarray
    scale: float
    stretch: float
    regressor: GaussianProcessRegressor

    @classmethod
    def fit(cls, inputs: np.ndarray, output: np.ndarray, start: np.ndarray | None = None) -> Self:
        """The process of ``output`` (members) on ``inputs`` (members, d), of largest likelihood.

        From ``start``, the ``theta`` of an earlier fit, the search is local; without it there are several starts.
        """
        scale = float(np.std(output)) or 1.0
        first = _kernel(inputs.shape[1]) if start is None else _kernel(inputs.shape[1]).clone_with_theta(start)
        theta = _fitted(first, inputs, output / scale, _RESTARTS if start is None else 0).kernel_.theta
        return cls.of(inputs, output, theta, _stretch(theta, inputs, output / scale))

    @classmethod
    def of(cls, inputs: np.ndarray, output: np.ndarray, theta: np.ndarray, stretch: float) -> Self:
        """The process of ``output`` (members) on ``inputs`` (members, d) with hyperparameters that are known."""
        scale = float(np.std(output)) or 1.0
        kernel = _kernel(inputs.shape[1]).clone_with_theta(theta)
        regressor = GaussianProcessRegressor(kernel, alpha=_JITTER, optimizer=None).fit(inputs, output / scale)
        return cls(theta, scale, stretch, regressor)

    def predict(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation, both (n), at ``inputs`` (n, d)."""
        mean, sigma = self.regressor.predict(inputs, return_std=True)
        return self.scale * mean, self.scale * self.stretch * sigma


def _kernel(dimension: int) -> Kernel:
    """Smooth, with a length scale per parameter: half the domain at least, and up to one that makes it linear."""
    return ConstantKernel(1.0, (1e-2, 1e3)) * RBF([2.0] * dimension, (0.5, 50.0)) + WhiteKernel(1e-4, (1e-8, 1e-1))


def _fitted(kernel: Kernel, inputs: np.ndarray, output: np.ndarray, restarts: int = 0) -> GaussianProcessRegressor:
    process = GaussianProcessRegressor(kernel, alpha=_JITTER, n_restarts_optimizer=restarts, random_state=0)
    with warnings.catch_warnings():  # a length scale at its upper bound is a parameter that acts linearly or not at all
        warnings.simplefilter("ignore", ConvergenceWarning)
        return process.fit(inputs, output)


def _stretch(theta: np.ndarray, inputs: np.ndarray, output: np.ndarray) -> float:
    """The 90 % quantile of the left-out errors in standard deviations, over that of a normal distribution."""
    kernel, members = _kernel(inputs.shape[1]).clone_with_theta(theta), len(output)
    errors = []
    for left_out in range(members):
        others = np.arange(members) != left_out
        mean, sigma = _fitted(kernel, inputs[others], output[others]).predict(inputs[[left_out]], return_std=True)
        errors.append(abs(mean[0] - output[left_out]) / sigma[0])
    rank = min(int(np.ceil(LEVEL * (members + 1))), members)
    return max(1.0, float(np.sort(errors)[rank - 1]) / QUANTILE)
