"""Planted truths of the demo's phantoms, and how near the whole way from DICOM to calibrated heart comes to them.

The phantoms move by another discretisation than the twin's, so this is no inverse crime.
"""

from collections.abc import Iterator
from pathlib import Path

import xarray as xr

from .. import store
from ..assessment import TOLERANCES
from ..verdicts import PatientStopped
from .row import Row, timed

RESULTS = Path("results/demo")
DICE = {"dice_blood": 0.90, "dice_myocardium": 0.85}
"""Least overlap of the labels with the truth."""


def rows() -> Iterator[Row]:
    """Errors of stiffness (%), peak tension (%) and ejection fraction (points), and Dice, of each phantom.

    Raises FileNotFoundError before `make demo`, and the verdict of a phantom that was stopped, after all others.
    """
    stopped: list[PatientStopped] = []
    for path in _assessments():
        try:
            assessment = store.open(path)
        except PatientStopped as verdict:
            stopped.append(verdict)
        else:
            yield from _recovered(path.parent.name, assessment)
    if stopped:
        raise stopped[0]


def _assessments() -> list[Path]:
    if paths := sorted(RESULTS.glob("phantom-*/assessment.zarr")):
        return paths
    raise FileNotFoundError(f"{RESULTS}: no phantom is assessed; `make demo` comes first")


def _recovered(patient: str, assessment: xr.Dataset) -> Iterator[Row]:
    source = "planted by the phantom, recovered from its DICOM"
    for name, tolerance in TOLERANCES.items():
        unit = assessment[name].attrs["units"]
        words = f"{patient}: {name.replace('_', ' ')} ({unit})"
        yield timed(words, 0.0, tolerance, source, lambda: float(assessment[name]))  # noqa: B023
    for name, least in DICE.items():
        yield timed(f"{patient}: {name.replace('_', ' ')}", 1.0, 1 - least, source, lambda: float(assessment[name]))  # noqa: B023
