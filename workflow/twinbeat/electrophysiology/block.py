"""Drugs in tissue: what free concentrations in plasma leave of the cells' currents.

Pores are blocked independently of each other and of the voltage, by Hill's law; binding to hERG that depends on its
state (``pharmacology``) is for single cells.
"""

from collections.abc import Mapping

import numpy as np

from .. import ionic, pharmacology
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


def left(cell: ionic.CellModel, drugs: Mapping[str, float]) -> dict[str, float]:
    """Shares of the cell's conductances, by their names in the model, at free concentrations (nM) of drugs of CiPA."""
    named = CONDUCTANCES[cell.name.rsplit("_", 1)[0]]
    known = [(pharmacology.KNOWN[name], concentration) for name, concentration in drugs.items()]
    return {
        parameter: float(np.prod([drug.block[channel].open(dose) for drug, dose in known if channel in drug.block]))
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
