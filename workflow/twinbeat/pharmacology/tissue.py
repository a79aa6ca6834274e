"""Drugs in the tissue of a study: how much of them is there, and what they block."""

from collections.abc import Mapping

from ..parameters import ConfigurationError, InPlasma, Medication, Study, WhatIf
from .drugs import KNOWN
from .patient import peaks

Medications = Mapping[str, Medication]


def dosed(study: Study) -> Study:
    """The study with the concentration in tissue and the block of each of its drugs said, in what-if runs too.

    Raises ConfigurationError where nothing is known of a drug, or where the peak is asked for of one that is not given.
    """
    medications, usual = study.pharmacology.drugs, study.electrophysiology
    _known("pharmacology.drugs", medications)
    said = usual.model_copy(update={"drugs": _said("electrophysiology.drugs", usual.drugs, medications)})
    runs = {name: _run(f"whatif.{name}", run, study) for name, run in study.whatif.items()}
    return study.model_copy(update={"electrophysiology": said, "whatif": runs})


def _run(key: str, run: WhatIf, study: Study) -> WhatIf:
    """A run with everything said of the drugs that it changes."""
    if not (own := run.electrophysiology.get("drugs")):
        return run
    merged = run.activated_by(study.electrophysiology).drugs
    found = _said(f"{key}.electrophysiology.drugs", {name: merged[name] for name in own}, study.pharmacology.drugs)
    texts = {name: one.model_dump(mode="json") for name, one in found.items()}
    return run.model_copy(update={"electrophysiology": {**run.electrophysiology, "drugs": texts}})


def _said(key: str, drugs: Mapping[str, InPlasma], medications: Medications) -> dict[str, InPlasma]:
    """Concentrations and blocks of drugs as they stand under ``key``, where they are left to ``medications``."""
    left = [name for name, one in drugs.items() if one.concentration is None]
    if strangers := ", ".join(name for name in left if name not in medications):
        wanted = f"expected the course of {strangers}, whose peak is asked for, in pharmacology.drugs"
        raise ConfigurationError(f"config.yaml: {key}: {wanted}, got none")
    highest, found = peaks(medications) if left else {}, {}
    for name, one in drugs.items():
        block = medications[name].block if one.block is None and name in medications else one.block
        concentration = highest[name] if one.concentration is None else one.concentration
        found[name] = one.model_copy(update={"concentration": concentration, "block": block})
    _known(key, found)
    return found


def _known(key: str, drugs: Mapping[str, InPlasma | Medication]) -> None:
    """That what each drug blocks is known or said."""
    if strangers := ", ".join(name for name, one in drugs.items() if one.block is None and name not in KNOWN):
        raise ConfigurationError(f"config.yaml: {key}: {strangers} without block; known without: {', '.join(KNOWN)}")
