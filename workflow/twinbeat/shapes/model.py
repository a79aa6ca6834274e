"""Principal components of shapes, and how good a model they are.

A shape is a vector of the coordinates of its points over the root of their number, so that the distance of two shapes
is the root mean square distance of corresponding points, in mm. Compactness, generalisation and specificity after
Davies 2002 (Learning shape: optimal models for analysing natural variability, PhD thesis, Manchester), with distances
instead of their squares.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.special import ndtr, ndtri

Array = NDArray[np.float64]
FOLDS = 100  # of the patients, each left out in turn: single patients up to so many
SAMPLES = 1000  # shapes that are drawn to measure specificity
_RANK_TOLERANCE = 1e-10


@dataclass(frozen=True)
class Components:
    """Shapes (patient, size) = mean + coordinates @ modes.

    ``mean`` (size), ``modes`` (rank, size) with orthonormal rows whose largest entry is positive, ``coordinates``
    (patient, rank) in mm, ``variance`` (rank,) in mm², falling.
    """

    mean: Array
    modes: Array
    coordinates: Array
    variance: Array

    @classmethod
    def of(cls, shapes: Array) -> Self:
        """The components of ``shapes`` (patient, size), of numerical rank."""
        mean = shapes.mean(axis=0)
        left, values, modes = np.linalg.svd(shapes - mean, full_matrices=False)
        rank = int(np.sum(values > _RANK_TOLERANCE * np.linalg.norm(shapes)))
        largest = np.take_along_axis(modes, np.abs(modes).argmax(axis=1)[:, None], axis=1)[:, 0]
        sign = np.sign(largest[:rank])
        coordinates = left[:, :rank] * values[:rank] * sign
        return cls(mean, modes[:rank] * sign[:, None], coordinates, values[:rank] ** 2 / (len(shapes) - 1))

    def kept(self, share: float) -> int:
        """How many modes hold this share of the variance."""
        return int(np.searchsorted(compactness(self.variance), share - 1e-12))


def compactness(variance: Array) -> Array:
    """Share of the variance in the first 0, 1, ... modes, shape (rank + 1,)."""
    return np.concatenate([[0.0], np.cumsum(variance)]) / variance.sum()


def generalisation(coordinates: Array, most: int) -> tuple[Array, Array]:
    """Distance in mm of patients from what 0, 1, ..., ``most`` modes of the others make of them.

    Mean over the patients and its standard error, each (most + 1,). ``coordinates`` (patient, rank).
    """
    patients = len(coordinates)
    errors = np.empty((patients, most + 1))
    for fold in np.array_split(np.arange(patients), min(patients, FOLDS)):
        others = Components.of(np.delete(coordinates, fold, axis=0))
        off = coordinates[fold] - others.mean
        seen = np.zeros((len(fold), most))
        found = (off @ others.modes[:most].T) ** 2
        seen[:, : found.shape[1]] = found
        squares = np.sum(off**2, axis=1)[:, None] - np.cumsum(np.pad(seen, ((0, 0), (1, 0))), axis=1)
        errors[fold] = np.sqrt(np.maximum(squares, 0))
    return errors.mean(axis=0), errors.std(axis=0, ddof=1) / np.sqrt(patients)


def specificity(components: Components, most: int, bound: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Distance in mm of shapes that are drawn with 0, 1, ..., ``most`` modes from the nearest patient.

    Mean over the draws and its standard error, each (most + 1,).
    """
    drawn = truncated(rng, (SAMPLES, most), bound) * np.sqrt(components.variance[:most])
    found = np.stack([nearest(drawn[:, :count], components.coordinates) for count in range(most + 1)])
    return found.mean(axis=1), found.std(axis=1, ddof=1) / np.sqrt(SAMPLES)


def nearest(drawn: Array, coordinates: Array) -> Array:
    """Distance in mm of each shape (draw, count), in the first modes, from the nearest of (patient, rank)."""
    count = drawn.shape[1]
    outside = np.sum(coordinates[:, count:] ** 2, axis=1)
    inside = cdist(drawn, coordinates[:, :count], "sqeuclidean") if count else 0.0
    return np.sqrt(np.broadcast_to(inside + outside, (len(drawn), len(coordinates))).min(axis=1))


def neighbours(coordinates: Array) -> Array:
    """Distance in mm of each patient (patient, rank) from the nearest other one."""
    return np.array([np.partition(cdist(own[None], coordinates)[0], 1)[1] for own in coordinates])  # [0] is its own


def truncated(rng: np.random.Generator, shape: tuple[int, ...], bound: float) -> Array:
    """Standard normal numbers within ``bound`` standard deviations."""
    return ndtri(rng.uniform(ndtr(-bound), ndtr(bound), shape))
