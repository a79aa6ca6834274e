"""What the report says of the labels: how far they can be trusted, and who looked."""

from typing import Any

import numpy as np
import xarray as xr

from ..intake.drawings import NAMES
from ..segmentation import quality
from ..segmentation.postprocess import MYOCARDIUM

Row = dict[str, Any]


def trust(labels: xr.Dataset | None) -> Row | None:
    """The figures that the gates look at, with the predicted Dice at end-diastole, at end-systole and where it is
    lowest; of corrected labels, by whom and in which frames, and how far the automatic ones agree; and the share of the
    left wall that enhances late."""
    if labels is None:
        return None
    muscle, left, right = (labels[f"volume_{name}"].values for name in ("myocardium", "lv", "rv"))
    return {
        "slices": quality.slices(labels),
        "mass": 100 * quality.mass_variation(muscle),
        "strokes": 100 * quality.stroke_difference(left, right),
        "confidence": float(labels.confidence.mean()),
        "dice": [_dice(labels, label) for label in NAMES],
        "reviewers": labels.attrs.get("reviewers", []),
        "enhanced": _enhanced(labels),
        "drawn": [int(frame) + 1 for frame in np.flatnonzero(labels.get("reviewed", []))],
    }


def _enhanced(labels: xr.Dataset) -> float | None:
    """Percent of the wall at end-diastole, where late enhancement was drawn."""
    if "enhancement" not in labels:
        return None
    muscle = labels.labels.values[int(labels.end_diastole)] == MYOCARDIUM
    return 100 * float(labels.enhancement.values[muscle].mean())


def _dice(labels: xr.Dataset, label: int) -> Row:
    moments = [int(labels[name]) for name in ("end_diastole", "end_systole")]
    predicted = labels.predicted_dice.sel(label=label).values
    agreement = labels.agreement.sel(label=label).values[moments] if "agreement" in labels else []
    lowest = {"lowest": predicted.min(), "frame": int(predicted.argmin()) + 1}
    return {"name": NAMES[label], "predicted": predicted[moments], "agreement": list(agreement)} | lowest
