"""Drugs: from a dose to the concentration in plasma, the block of ion channels and the action potential."""

from .action_potential import Beat, control, pace
from .block import Exposure, blocked, variation
from .drugs import CHANNELS, KNOWN, TRAINING, VALIDATION, Binding, Drug, Hill, channels
from .patient import simulate
from .risk import DOSES, Charges, charges, classify
from .tissue import dosed

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
    "channels",
    "charges",
    "classify",
    "control",
    "dosed",
    "pace",
    "simulate",
    "variation",
]
