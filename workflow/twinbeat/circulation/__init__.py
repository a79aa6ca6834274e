"""Closed-loop lumped circulation, fitted to a patient and coupled to a three-dimensional left ventricle."""

from .coupling import Coupled, Heart, couple
from .loop import (
    REFERENCE_STATE,
    STATES,
    Cavity,
    Circulation,
    Cycle,
    Elastance,
    Shooting,
    Vessel,
    around,
    reference,
    run_beat,
)
from .marching import STARLING, march
from .patient import Goals, Loop, fit, keep, resume, settle
from .pump import Pump, Reading, learn

__all__ = [
    "REFERENCE_STATE",
    "STARLING",
    "STATES",
    "Cavity",
    "Circulation",
    "Coupled",
    "Cycle",
    "Elastance",
    "Goals",
    "Heart",
    "Loop",
    "Pump",
    "Reading",
    "Shooting",
    "Vessel",
    "around",
    "couple",
    "fit",
    "keep",
    "learn",
    "march",
    "reference",
    "resume",
    "run_beat",
    "settle",
]
