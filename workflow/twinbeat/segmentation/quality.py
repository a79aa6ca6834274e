"""How far labels can be trusted, by themselves: figures that need no truth."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..overlap import dice
from ..units import MM3_PER_ML
from .postprocess import BLOOD, MYOCARDIUM, RV

Array = NDArray[np.float64]
SPACE = (1, 2, 3)
"""The axes z, y and x of an array (time, z, y, x)."""
VOLUMES = {"volume_lv": BLOOD, "volume_myocardium": MYOCARDIUM, "volume_rv": RV}


def rated(labels: xr.Dataset) -> xr.Dataset:
    """A labels store with the Dice that is to be expected of it."""
    predicted = predicted_dice(labels.probability.values, labels.labels.values)
    return labels.assign(predicted_dice=(("label", "time"), predicted))


def predicted_dice(probability: Array, labels: Array) -> Array:
    """The Dice to be expected of each label in each frame (label, time), if the probabilities are calibrated.

    Of the labels m and the probabilities p of voxels that are right or wrong independently of each other,
    2 sum(p m) / (sum p + sum m) is within tight bounds of E[Dice] (soft Dice confidence: Borges, Pacheco and Silva
    2024, arXiv:2402.10665). ``probability`` is (label, time, z, y, x), ``labels`` (time, z, y, x). Of a label that is
    neither drawn nor thought possible, it is 1.
    """
    return np.stack([dice(p, labels == label, SPACE) for label, p in enumerate(probability)])


def agreement(found: Array, other: Array, count: int = 4) -> Array:
    """Dice of each label in each frame (label, time) of two arrays (time, z, y, x); 1 where neither has the label."""
    return np.stack([dice(found == label, other == label, SPACE) for label in range(count)])


def volumes(labels: Array, *axes: Array) -> dict[str, tuple[str, Array]]:
    """The volumes (time) in mL of labels (time, z, y, x) by slice summation, as a store has them; ``axes`` are the
    coordinates along z, y and x in mm."""
    voxel = np.prod([np.median(np.abs(np.diff(axis))) for axis in axes]) / MM3_PER_ML
    return {name: ("time", (labels == label).sum(SPACE) * voxel) for name, label in VOLUMES.items()}


def mass_variation(muscle: Array) -> float:
    """The largest departure of the myocardium (time) from its median over the cycle, as a share of that."""
    middle = float(np.median(muscle))
    return float(np.abs(muscle - middle).max() / middle) if middle > 0 else np.inf


def stroke_difference(left: Array, right: Array) -> float:
    """How far the stroke volumes of two ventricles (time) are apart, as a share of their mean."""
    strokes = np.ptp(left), np.ptp(right)
    return float(abs(strokes[0] - strokes[1]) / max(np.mean(strokes), 1e-6))


def slices(labels: xr.Dataset) -> int:
    """In how many slices there is a left ventricle at end-diastole."""
    frame = labels.labels.values[int(labels.end_diastole)]
    return int(((frame == BLOOD) | (frame == MYOCARDIUM)).any((1, 2)).sum())
