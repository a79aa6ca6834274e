"""The ensemble: which hearts around the calibrated one are simulated.

A member is four factors on the calibrated heart: ``stiffness`` (passive), ``tension`` (the whole active curve),
``preload`` (filling pressure) and ``resistance`` (systemic arteries). Their logarithms fill a box evenly: a scrambled
Sobol sequence (Owen 1998, doi 10.1006/jcom.1998.0487), so that further members are added to those that are there.
Members that only measure the error come from a sequence of their own and are numbered from 1000.
"""

import numpy as np
import xarray as xr
from scipy.stats import qmc

from ..parameters.surrogate import Ensemble, Surrogate

PARAMETERS = ("stiffness", "tension", "preload", "resistance")


def sample(posterior: xr.Dataset, section: Surrogate) -> xr.Dataset:
    """The ensemble: ``factor`` (member, parameter) and its bounds ``lower`` and ``upper`` (parameter)."""
    half = half_widths(posterior, section.ensemble)
    seed = section.ensemble.seed
    points = np.vstack([_points(section.members, [seed, 0]), _points(section.held_out, [seed, 1])])
    return xr.Dataset(
        {
            "factor": (("member", "parameter"), np.exp(half * points)),
            "lower": ("parameter", np.exp(-half)),
            "upper": ("parameter", np.exp(half)),
        },
        coords={"member": section.numbers(), "parameter": list(PARAMETERS)},
    )


def half_widths(posterior: xr.Dataset, ensemble: Ensemble) -> np.ndarray:
    """Half-widths of ln(factor), in the order of ``PARAMETERS``."""
    fitted = ensemble.spread * np.array([stiffness_sigma(posterior), tension_sigma(posterior)])
    return np.array([*np.clip(fitted, ensemble.narrowest, ensemble.widest), ensemble.preload, ensemble.resistance])


def stiffness_sigma(posterior: xr.Dataset) -> float:
    """Standard deviation of ln(stiffness): the first entry of the covariance."""
    return float(np.sqrt(posterior.covariance.values[0, 0]))


def tension_sigma(posterior: xr.Dataset) -> float:
    """Standard deviation of one factor s on all free tensions T: that of s = T·T'/T·T with T' of the posterior."""
    names = posterior.parameter.values.tolist()
    free = [index for index, name in enumerate(names) if name.startswith("tension ")]
    tension = posterior.tension.values[[int(names[index].removeprefix("tension ")) for index in free]]
    covariance = posterior.covariance.values[np.ix_(free, free)]
    return float(np.sqrt(tension @ covariance @ tension) / (tension @ tension))


def _points(count: int, seed: list[int]) -> np.ndarray:
    """The first points, (count, 4), of a sequence in [-1, 1]."""
    sequence = qmc.Sobol(len(PARAMETERS), rng=np.random.default_rng(seed))
    return 2 * sequence.random_base2(int(np.ceil(np.log2(count))))[:count] - 1
