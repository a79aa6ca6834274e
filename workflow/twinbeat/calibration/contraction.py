"""How much of the tension of healthy muscle each AHA segment develops: regions of the mesh, prior, and what is lost.

These shares are normal about 1, never below nought, and near ones alike: their covariance falls exponentially with the
distance of the segments' middles (a Matérn field of order 1/2).
"""

import numpy as np
import xarray as xr
from scipy.spatial.distance import cdist
from scipy.stats import norm

from .. import mesh
from ..parameters.calibration import Contraction
from .posterior import Posterior
from .windows import SECTORS

MEAN = 0.02
"""Standard deviation of the mean share about 1 before any measurement: it only fixes what the tension is that of."""
SOUND = 0.75
"""Share of healthy muscle's tension from which on a segment counts as healthy."""
LOST = 0.5
"""Share of healthy muscle's tension below which a segment is called infarcted."""


def regions(anatomy: xr.Dataset) -> np.ndarray:
    """Region (cell,) of each cell: its AHA segment, from 0."""
    return anatomy["segment"].values.astype(np.int64) - 1


def muscle(anatomy: xr.Dataset, contractile: np.ndarray) -> np.ndarray:
    """Volume (sector,) in mL of what contracts, by the share ``contractile`` (cell,) that each cell does."""
    volumes = mesh.cell_volumes(anatomy["points"].values, anatomy["cells"].values)
    return np.bincount(regions(anatomy), volumes * contractile, SECTORS) / 1e3


def spread(anatomy: xr.Dataset, contractile: np.ndarray, contraction: Contraction) -> np.ndarray:
    """Prior covariance (sector, sector) of the shares, given that their mean over the muscle is 1.

    Without that the product of tension and share, which is all that images know, would leave a curved valley, in which
    Gauss-Newton creeps. A segment without cells lies in the middle of the others.
    """
    points, cells = anatomy["points"].values, anatomy["cells"].values
    weights, where = mesh.cell_volumes(points, cells), regions(anatomy)
    moments = [np.bincount(where, weights * centre, SECTORS) for centre in points[cells].mean(axis=1).T]
    volume = np.bincount(where, weights, SECTORS)
    middle = np.sum(moments, axis=1) / volume.sum()
    centres = np.divide(
        np.transpose(moments), volume[:, None], out=np.tile(middle, (SECTORS, 1)), where=volume[:, None] > 0
    )
    free = contraction.spread**2 * np.exp(-cdist(centres, centres) / contraction.length)
    along = free @ (shown := muscle(anatomy, contractile)) / shown.sum()
    return free - np.outer(along, along) / (along @ shown / shown.sum() + MEAN**2)


def healthy(shares: np.ndarray, volumes: np.ndarray) -> np.ndarray:
    """Weights (sector,), together 1, of the segments whose mean share healthy muscle has.

    Images know the product of tension and share, so that one number is free: the share of healthy muscle is 1. Healthy
    are those that develop at least ``SOUND`` of what healthy ones do on average, by volume.
    """
    level = shares[volumes > 0].max()
    while True:
        weights = np.where(shares >= SOUND * level, volumes, 0.0)
        weights /= weights.sum()
        if (mean := float(weights @ shares)) >= level * (1 - 1e-12):
            return weights
        level = mean


def rescaled(fitted: xr.Dataset, anatomy: xr.Dataset, posterior: Posterior) -> xr.Dataset:
    """What was fitted, with tension and shares such that healthy muscle has the share 1, and what is lost."""
    weights = healthy(posterior.shares, muscle(anatomy, fitted.contractile.values))
    level = float(weights @ posterior.shares)
    covariance, known = posterior.rescaled(weights)
    named = fitted.parameter.str.startswith("contraction ").values
    shares, sigma = posterior.shares / level, np.sqrt(np.diag(covariance)[named].clip(0))
    return fitted.assign(
        tension=fitted.tension * level,
        contractile=fitted.contractile * shares[regions(anatomy)],
        covariance=(fitted.covariance.dims, covariance),
        known=(fitted.known.dims, known),
        contraction=(("sector",), shares),
        probability_lost=(("sector",), norm.cdf((LOST - shares) / sigma)),
    ).assign_coords(sector=np.arange(1, SECTORS + 1))
