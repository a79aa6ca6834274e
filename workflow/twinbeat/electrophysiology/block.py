"""Drugs in tissue: what free concentrations in plasma leave of the cells' currents.

Pores are blocked independently of each other and of the voltage, by Hill's law; binding to hERG that depends on its
state (``pharmacology``) is for single cells.
"""

from collections.abc import Mapping

import numpy as np

from .. import ionic, pharmacology
from ..parameters import InPlasma
from .assembly import Array

TENTUSSCHER_PANFILOV = {"Na": "g_Na", "to": "g_to", "CaL": "g_CaL", "Kr": "g_Kr", "Ks": "g_Ks", "K1": "g_K1"}
TORORD = {
    "Na": "GNa",
    "NaL": "GNaL_b",
    "to": "Gto_b",
    "CaL": "PCa_b",
    "Kr": "GKr_b",
    "Ks": "GKs_b",
    "K1": "GK1_b",
}
CONDUCTANCES = {"tentusscher_panfilov_2006": TENTUSSCHER_PANFILOV, "torord_dyncl": TORORD}
"""Parameters of the cell models for the channels of ``pharmacology.CHANNELS``; ten Tusscher and Panfilov have
no late sodium current."""


def left(cell: ionic.CellModel, drugs: Mapping[str, InPlasma]) -> dict[str, float]:
    """Shares of the cell's conductances, by their names in the model, under drugs whose concentration is said.
    ValueError where one is not (``pharmacology.dosed`` says those of a study)."""
    if unsaid := ", ".join(name for name, one in drugs.items() if one.concentration is None):
        raise ValueError(f"{unsaid}: expected a concentration, got the peak of a course")
    named = CONDUCTANCES[cell.name.rsplit("_", 1)[0]]
    blocks = [(pharmacology.channels(name, one), one.concentration) for name, one in drugs.items()]
    return {
        parameter: float(np.prod([block[channel].open(dose) for block, dose in blocks if channel in block]))
        for channel, parameter in named.items()
    }


def scaled(cell: ionic.CellModel, *factors: Mapping[str, float]) -> Array:
    """Parameters of unpaced cells, some of them scaled; KeyError for a name that the model does not have."""
    product: dict[str, float] = {}
    for one in factors:
        product |= {name: product.get(name, 1.0) * factor for name, factor in one.items()}
    cell.values(**product)
    values = {name: factor * cell.parameters[name] for name, factor in product.items()}
    return cell.values(**cell.stimulus(amplitude=0.0), **values)
