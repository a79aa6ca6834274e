"""What an image and its labels must be like to be believed.

What no heart can be is rejected. What may be right, but would make a wrong twin if it is not, needs a person's look.
"""

from collections.abc import Iterator

import numpy as np
import xarray as xr

from ..intake.drawings import NAMES
from ..parameters import Segmentation
from ..verdicts import NeedsReview, Rejected
from . import quality

Fault = tuple[str, str]
"""Code and words."""


def check_modality(image: xr.Dataset) -> None:
    """Raise Rejected for an image store of another modality than the one that the network was trained for."""
    if (modality := image.attrs["modality"]) != "MR":
        raise Rejected("not-mr", f"the image is a {modality}; expected a short-axis MR cine, for which the network is")


def check(labels: xr.Dataset, settings: Segmentation) -> None:
    """Raise Rejected for labels (a labels store) that no heart could have given."""
    for code, words in _impossible(labels, settings):
        raise Rejected(code, words)


def trust(labels: xr.Dataset, settings: Segmentation) -> None:
    """Raise NeedsReview for automatic labels (a labels store with its predicted Dice) that are not sure enough.

    The message names all that is amiss, the code the first of it.
    """
    if faults := list(_doubts(labels, settings)):
        raise NeedsReview(faults[0][0], "; ".join(words for _, words in faults))


def _impossible(labels: xr.Dataset, settings: Segmentation) -> Iterator[Fault]:
    volume = labels.volume_lv.values
    filled, emptied = float(volume.max()), float(volume.min())
    yield from _outside("implausible-volume", "left ventricle at end-diastole", filled, settings.volume_bounds, "mL")
    ejected = 100 * (filled - emptied) / filled
    yield from _outside("implausible-ejection", "ejection fraction", ejected, settings.ejection_bounds, "%")


def _doubts(labels: xr.Dataset, settings: Segmentation) -> Iterator[Fault]:
    shown = quality.slices(labels)
    least = settings.minimum_slices, np.inf
    yield from _outside("few-slices", "left ventricle at end-diastole", shown, least, "slices")
    varied = 100 * quality.mass_variation(labels.volume_myocardium.values)
    words = "largest departure of the myocardium from its median over the cycle"
    yield from _outside("unstable-myocardium", words, varied, (0, 100 * settings.mass_variation), "%")
    apart = 100 * quality.stroke_difference(labels.volume_lv.values, labels.volume_rv.values)
    words = "difference of the stroke volumes of both ventricles"
    yield from _outside("unequal-strokes", words, apart, (0, 100 * settings.stroke_difference), "%")
    sure = float(labels.confidence.mean())
    likely = settings.minimum_confidence, 1
    yield from _outside("low-confidence", "mean confidence over the heart", sure, likely, "of 1")
    for label, least in enumerate(settings.minimum_dice, 1):
        predicted = labels.predicted_dice.values[label]
        words = f"predicted Dice of {NAMES[label]} in frame {predicted.argmin() + 1}"
        yield from _outside("low-dice", words, float(predicted.min()), (least, 1), "of 1")


def _outside(code: str, name: str, value: float, bounds: tuple[float, float], unit: str) -> Iterator[Fault]:
    low, high = bounds
    if not low <= value <= high:
        expected = f"{low:g} to {high:g}" if np.isfinite(high) else f"at least {low:g}"
        yield code, f"{name} is {value:.3g} {unit}, expected {expected} {unit}"
