"""What drugs at given concentrations leave of a cell's currents."""

from collections.abc import Iterable, Sequence

import numpy as np

from .. import ionic
from .drugs import CHANNELS, Drug

Exposure = tuple[Drug, float]
"""A drug and its free concentration in nM."""

CELL = "ohara_rudy_cipa_endo"
VARIED = (*(f"open_{channel}" for channel in CHANNELS), "binding", "Ku", "Vhalf")


def blocked(exposures: Iterable[Exposure]) -> dict[str, float]:
    """The varied parameters of a cell under these drugs, without those that stay as they are.

    Drugs block independently of each other: the shares that they leave open multiply. A drug with constants of binding
    acts on hERG through them; where several have such constants, the one that is strongest by its concentration over
    the half-blocking one does, and the others block hERG as they block the other channels.
    """
    present = [(drug, concentration) for drug, concentration in exposures if concentration > 0]
    dynamic = max((pair for pair in present if pair[0].binding), key=_strength, default=None)
    found: dict[str, float] = {}
    for pair in present:
        drug, concentration = pair
        for channel, hill in drug.block.items():
            if channel != "Kr" or pair is not dynamic:
                found[f"open_{channel}"] = found.get(f"open_{channel}", 1.0) * hill.open(concentration)
    if dynamic:
        binding = dynamic[0].binding
        found |= {"binding": binding.ratio(dynamic[1]), "Ku": binding.ku, "Vhalf": binding.vhalf}
    return found


def _strength(exposure: Exposure) -> float:
    drug, concentration = exposure
    return concentration / drug.block["Kr"].ic50 if "Kr" in drug.block else np.inf


def cell() -> ionic.CellModel:
    """The cell on which drugs act, with what they change varied from cell to cell."""
    return ionic.load(CELL, VARIED)


def variation(exposures: Sequence[Iterable[Exposure]]) -> np.ndarray:
    """Varied parameters (parameter, cell) of cells, each under its own drugs."""
    model = cell()
    found = [model.varied | blocked(one) for one in exposures]
    return model.variation(len(found), **{name: np.array([one[name] for one in found]) for name in VARIED})
