"""The shape model: planted modes must come back, and hearts of phantoms must be told from noise."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ..mesh import Surfaces, fit
from ..mesh.contours import Contours
from ..phantom import patient
from ..shapes import model
from .row import Row, timed
from .segmentation import PHENOTYPES, contracted

SIGMA = np.array([5.0, 2.0, 1.0])
"""Standard deviations of the planted modes, mm root mean square over the points."""
NOISE, PATIENTS = 0.05, 60
SMOOTHNESS = 1e-3


def rows() -> Iterator[Row]:
    """Variances of three planted modes within three sampling errors, and what is left of a patient that is left out."""
    source = "planted modes; the variance of n normal numbers errs by sqrt(2 / (n - 1))"
    components = model.Components.of(planted(0).shapes)
    for mode, sigma in enumerate(SIGMA):
        allowed = 3 * sigma**2 * np.sqrt(2 / (PATIENTS - 1))
        name = f"shape model: variance of planted mode {mode + 1}, mm²"
        yield timed(name, sigma**2, allowed, source, lambda: components.variance[mode])  # noqa: B023
    left = "planted noise"
    yield timed(
        "shape model: generalisation of 3 modes, mm", NOISE, 0.1 * NOISE, left,
        lambda: model.generalisation(components.coordinates, 3)[0][3],
    )  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """``shapes`` (patient, size) that orthonormal ``modes`` (3, size) and noise were planted in."""

    shapes: np.ndarray
    modes: np.ndarray


def planted(seed: int, patients: int = PATIENTS, size: int = 600) -> Planted:
    """Shapes of three modes; noise of ``NOISE`` mm root mean square over the points."""
    rng = np.random.default_rng(seed)
    modes = np.linalg.qr(rng.normal(size=(size, 3)))[0].T
    scores = rng.normal(size=(patients, 3)) * SIGMA
    noise = NOISE / np.sqrt(size) * rng.normal(size=(patients, size))
    return Planted(rng.normal(size=size) + scores @ modes + noise, modes)


def cohort(patients: int, seed: int = 7) -> list[xr.Dataset]:
    """The walls of kinematic phantoms at end-diastole, phenotypes in turn, as a mesh store holds them."""
    hearts = (walls(seed, number) for number in range(patients))
    return [xr.Dataset(heart.variables()) for heart in hearts]


def walls(seed: int, number: int) -> Surfaces:
    """The true walls of a phantom, fitted as contours are."""
    heart = contracted(patient.draw(np.random.default_rng([seed, number]), PHENOTYPES[number % len(PHENOTYPES)]), 0.0)
    along, around = np.meshgrid(np.linspace(0.02, 0.98, 30), 2 * np.pi * np.arange(60) / 60, indexing="ij")
    both = tuple(heart.point(along.ravel(), around.ravel(), np.array(depth)) for depth in (0.0, 1.0))
    nothing, one = np.zeros((1, 3)), np.zeros(along.size, np.int64)
    seen = Contours((both[0], both[1]), (None, None), (one, one), np.eye(4), nothing[:, 0], nothing)
    return fit.surfaces(seen, SMOOTHNESS)
