"""The torsade metric of the Comprehensive in vitro Proarrhythmia Assay: the charge at one to four times the peak."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .action_potential import Array, Beat, control, pace
from .block import variation
from .drugs import Drug

DOSES = (1, 2, 3, 4)  # times the free therapeutic peak
CYCLE = 2000.0  # ms
HIGH, LOW = 57.9, 67.1
"""Bounds in nC/µF of the mean charge over the doses: high risk below the first, low risk above the second (Li et al.
2019, doi 10.1002/cpt.1184)."""


@dataclass(frozen=True)
class Charges:
    """The last beat of each drug (rows of ``charge``, in the order of ``drugs``) at each dose, and without drugs."""

    drugs: tuple[str, ...]
    charge: Array
    repolarised: Array
    duration: Array
    beat: Beat
    without: Beat

    def mean(self) -> Array:
        """The metric (drug,): the mean over the doses at which the cell repolarises; -inf where there is none."""
        number = self.repolarised.sum(axis=1)
        total = np.where(self.repolarised, self.charge, 0.0).sum(axis=1)
        return np.where(number > 0, total / np.maximum(number, 1), -np.inf)

    def classes(self) -> list[str]:
        """The predicted class of each drug."""
        return [classify(mean) for mean in self.mean()]


def classify(mean: float) -> str:
    """The class of a mean charge in nC/µF."""
    return "high" if mean < HIGH else "low" if mean > LOW else "intermediate"


def charges(drugs: Sequence[Drug], beats: int = 1000, refined: int = 1) -> Charges:
    """Pace all drugs at all doses as one batch of cells, from the last of as many beats without drugs.

    ``refined`` divides the steps.
    """
    without = control(CYCLE, beats, refined)
    varied = variation([[(drug, dose * drug.cmax)] for drug in drugs for dose in DOSES])
    beat = pace(np.repeat(without.states, varied.shape[1], axis=1), varied, CYCLE, beats, refined)
    charge, repolarised, duration = (
        values.reshape(len(drugs), len(DOSES)) for values in (beat.charge, beat.repolarised(), beat.duration())
    )
    return Charges(tuple(drug.name for drug in drugs), charge, repolarised, duration, beat, without)
