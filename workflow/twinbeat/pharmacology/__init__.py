"""Drugs: from a dose to the concentration in plasma, the block of ion channels and the action potential."""

from .action_potential import Beat, control, pace
from .block import Exposure, blocked, variation
from .drugs import CHANNELS, KNOWN, TRAINING, VALIDATION, Binding, Drug, Hill
from .patient import simulate, unknown
from .risk import DOSES, Charges, charges, classify

__all__ = [
    "CHANNELS",
    "DOSES",
    "KNOWN",
    "TRAINING",
    "VALIDATION",
    "Beat",
    "Binding",
    "Charges",
    "Drug",
    "Exposure",
    "Hill",
    "blocked",
    "charges",
    "classify",
    "control",
    "pace",
    "simulate",
    "unknown",
    "variation",
]
