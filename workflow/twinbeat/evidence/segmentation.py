"""Segmentation of phantoms: images and truth of another generator than the one that training uses.

The motion here is kinematic (a shape that shortens and thickens), so that many hearts cost little; the imaging is that
of the phantoms.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import xarray as xr

from ..overlap import dice
from ..parameters import Phantom, Segmentation
from ..phantom import imaging, patient
from ..phantom.shape import Shape
from ..segmentation import segment
from ..segmentation.grid import Grid
from .row import Row, timed

PHENOTYPES = ("healthy", "dilated", "hypertrophic", "infarct")
SOURCE = "truth of the phantom's imaging"
LABELS = {"phantom_lv": 1, "phantom_myo": 2, "phantom_rv": 3}


def rows() -> Iterator[Row]:
    """Mean Dice over four phenotypes (at least 0.90 for blood, 0.85 for muscle), and the ejection fraction."""
    yield timed("segmentation: Dice of LV blood", 1.0, 0.10, SOURCE, lambda: phantom_scores()["phantom_lv"])
    yield timed("segmentation: Dice of LV myocardium", 1.0, 0.15, SOURCE, lambda: phantom_scores()["phantom_myo"])
    yield timed("segmentation: Dice of RV blood", 1.0, 0.15, SOURCE, lambda: phantom_scores()["phantom_rv"])
    yield timed("segmentation: worst error of EF, points", 0.0, 4.0, SOURCE, lambda: phantom_scores()["phantom_ef"])


@cache
def phantom_scores() -> dict[str, float]:
    """The summary of one patient of each phenotype."""
    return summary(list(scores()))


def scores(patients: int = len(PHENOTYPES), frames: int = 12, seed: int = 41) -> Iterator[dict[str, float]]:
    """Of so many patients, imaged in so many frames; each seed from ``seed`` on gives one patient of each phenotype."""
    for number in range(patients):
        turn, kind = divmod(number, len(PHENOTYPES))
        yield score(phantom(seed + turn, PHENOTYPES[kind], frames))


def summary(scores: Sequence[dict[str, float]]) -> dict[str, float]:
    """Mean and lowest Dice of each label, and the largest error of the ejection fraction in points."""
    means = {name: float(np.mean([one[name] for one in scores])) for name in LABELS}
    lowest = {f"{name}_lowest": min(one[name] for one in scores) for name in LABELS}
    return means | lowest | {"phantom_ef": max(one["phantom_ef"] for one in scores)}


def score(cine: xr.Dataset, settings: Segmentation | None = None) -> dict[str, float]:
    """Dice of each label over all frames and slices of a cine with truth ``labels``, and the error of its EF."""
    found = segment(cine, settings or Segmentation())
    truth = truth_on(found, cine.labels)
    figures = {name: float(dice(found.labels.values == label, truth == label)) for name, label in LABELS.items()}
    pool = (cine.labels == LABELS["phantom_lv"]).sum(("z", "y", "x")).values
    return figures | {"phantom_ef": abs(ejected(found.volume_lv.values) - ejected(pool))}


def truth_on(found: xr.Dataset, truth: xr.DataArray) -> np.ndarray:
    """Truth labels (time, z, y, x) on the grid of the found ones: the label with the largest share of each pixel."""
    grid = Grid(found.y.values, found.x.values)
    return np.argmax([grid.sample((truth == label).astype(np.float32)) for label in range(4)], axis=0)


def ejected(volume: np.ndarray) -> float:
    """Ejection fraction in percent."""
    return float(100 * (1 - volume.min() / volume.max()))


def phantom(seed: int, phenotype: patient.Phenotype, frames: int, settings: Phantom | None = None) -> xr.Dataset:
    """A cine with truth labels of a heart of this phenotype, by default as phantoms are."""
    rng = np.random.default_rng([seed, PHENOTYPES.index(phenotype)])
    seen = imaging.acquire(motion(patient.draw(rng, phenotype), frames), settings or Phantom(), rng)
    return seen.assign(shift_removed=(("z", "in_plane"), np.zeros((seen.sizes["z"], 2)))).assign_attrs(modality="MR")


def motion(heart: patient.Patient, frames: int) -> xr.Dataset:
    """The surfaces of a heart that contracts and relaxes once, as the phantom's imaging wants them."""
    phases = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frames) / frames)
    shapes = [contracted(heart, phase) for phase in phases]
    disk, triangles = _disk()
    points = np.stack([np.concatenate([shape.point(*disk, depth) for depth in (0.0, 1.0)]) for shape in shapes])
    return xr.Dataset(
        {
            "points": (("time", "vertex", "component"), points),
            "endo_triangles": (("endo", "corner"), triangles),
            "epi_triangles": (("epi", "corner"), triangles + len(disk[0])),
            "cycle": heart.cycle,
            "rv_angle": heart.shape.rv_angle,
            "rv_width": heart.shape.rv_width,
        },
        coords={"time": heart.cycle * np.arange(frames) / frames},
    )


def contracted(heart: patient.Patient, phase: float) -> Shape:
    """The shape at a phase from 0 (end-diastole) to 1 (end-systole); it shortens by a tenth and keeps its muscle."""
    rest = replace(heart.shape, radius=1.15 * heart.shape.radius, wall=0.85 * heart.shape.wall)
    narrowed = 1 - phase * (1 - np.sqrt((1 - heart.ejection_fraction) / 0.9))
    length, radius = rest.length * (1 - 0.1 * phase), rest.radius * narrowed
    muscle = ((rest.radius + rest.wall) ** 2 - rest.radius**2) * rest.length / length
    return replace(rest, length=length, radius=radius, wall=np.sqrt(radius**2 + muscle) - radius)


def _disk(rings: int = 30, spokes: int = 60) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Parameters along and around of the vertices, apex first, and their triangles (triangle, 3)."""
    along, around = np.meshgrid(np.arange(1, rings + 1) / rings, np.arange(spokes) * 2 * np.pi / spokes, indexing="ij")
    ring, spoke = np.meshgrid(np.arange(rings), np.arange(spokes), indexing="ij")
    here, beside = 1 + ring * spokes + spoke, 1 + ring * spokes + (spoke + 1) % spokes
    inner, inner_beside = np.maximum(here - spokes, 0), np.where(ring == 0, 0, beside - spokes)
    quads = np.stack([here, beside, inner, beside, inner_beside, inner], axis=-1).reshape(-1, 3)
    solid = quads[(quads[:, 0] != quads[:, 1]) & (quads[:, 1] != quads[:, 2]) & (quads[:, 0] != quads[:, 2])]
    return (np.r_[0.0, along.ravel()], np.r_[0.0, around.ravel()]), solid
