"""What an image and its labels must be like to be believed; otherwise the patient is rejected with a reason."""

import numpy as np
import xarray as xr

from ..parameters import Segmentation
from ..verdicts import Rejected


def check_modality(image: xr.Dataset) -> None:
    """Raise Rejected for an image store of another modality than the one that the network was trained for."""
    if (modality := image.attrs["modality"]) != "MR":
        raise Rejected("not-mr", f"the image is a {modality}; expected a short-axis MR cine, for which the network is")


def check(labels: xr.Dataset, settings: Segmentation) -> None:
    """Raise Rejected for labels (a labels store) that no heart could have given, or that are too uncertain."""
    volume = labels.volume_lv.values
    end_diastolic, end_systolic = float(volume.max()), float(volume.min())
    _within("implausible-volume", "left ventricle at end-diastole", end_diastolic, settings.volume_bounds, "mL")
    ejected = 100 * (end_diastolic - end_systolic) / end_diastolic
    _within("implausible-ejection", "ejection fraction", ejected, settings.ejection_bounds, "%")
    muscle = labels.volume_myocardium.values
    varied = 100 * float(np.std(muscle) / max(np.mean(muscle), 1e-6))
    limit = 100 * settings.muscle_variation
    _within("unstable-myocardium", "variation of the myocardium over the cycle", varied, (0, limit), "%")
    sure = float(labels.confidence.mean())
    _within("low-confidence", "mean confidence over the heart", sure, (settings.minimum_confidence, 1), "of 1")


def _within(code: str, name: str, value: float, bounds: tuple[float, float], unit: str) -> None:
    low, high = bounds
    if not low <= value <= high:
        raise Rejected(code, f"{name} is {value:.3g} {unit}, expected {low:g} to {high:g} {unit}")
