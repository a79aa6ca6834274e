"""What a drug does to ion channels, and the drugs of which that is known."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..parameters import InPlasma
from ..parameters.pharmacology import Block

CHANNELS = ("Na", "NaL", "to", "CaL", "Kr", "Ks", "K1")
"""Those that a drug may block, by their names in the cell model; Kr is hERG."""


@dataclass(frozen=True)
class Hill:
    """Block of a channel by its half-blocking concentration in nM and its Hill coefficient."""

    ic50: float
    h: float

    def open(self, concentration: float) -> float:
        """Share of the channels that is not blocked at a concentration in nM."""
        return 1 / (1 + (concentration / self.ic50) ** self.h)


@dataclass(frozen=True)
class Binding:
    """Binding to the open and inactivated hERG channel, and trapping in the closed one (Li et al. 2017, fig. 1).

    ``ku`` is the rate of unbinding (1/ms), ``halfmax`` has the unit nM^n, and drug stays in a channel that closes well
    below ``vhalf`` (mV).
    """

    kmax: float
    ku: float
    n: float
    halfmax: float
    vhalf: float

    def ratio(self, concentration: float) -> float:
        """Rate of binding over that of unbinding at a concentration in nM."""
        return self.kmax * concentration**self.n / (concentration**self.n + self.halfmax)


@dataclass(frozen=True)
class Drug:
    """A drug: ``cmax`` is the free concentration at the therapeutic peak (nM), ``risk`` its class where known."""

    name: str
    cmax: float
    block: Mapping[str, Hill]
    binding: Binding | None = None
    risk: str = ""


def _read(which: str) -> dict[str, Drug]:
    """The drugs of a set of ``drugs.csv``."""
    with Path(__file__).with_name("drugs.csv").open() as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {row["drug"]: _drug(row) for row in rows if row["set"] == which}


def _drug(row: dict[str, str]) -> Drug:
    block = {
        channel: Hill(float(row[f"{channel}_ic50"]), float(row[f"{channel}_h"]))
        for channel in CHANNELS
        if row[f"{channel}_ic50"]
    }
    binding = Binding(*(float(row[name]) for name in ("kmax", "ku", "n", "halfmax", "vhalf")))
    return Drug(row["drug"], float(row["cmax"]), block, binding, row["risk"])


TRAINING, VALIDATION = _read("training"), _read("validation")
KNOWN = TRAINING | VALIDATION


def hills(block: Mapping[str, Block]) -> dict[str, Hill]:
    """Block of channels as a study says it."""
    return {channel: Hill(hill.ic50, hill.h) for channel, hill in block.items()}


def channels(name: str, one: InPlasma) -> Mapping[str, Hill]:
    """What a drug in the tissue blocks: as the study says, else as is known of it."""
    return KNOWN[name].block if one.block is None else hills(one.block)
