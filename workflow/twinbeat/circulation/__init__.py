"""Closed-loop lumped circulation, fitted to a patient and coupled to one or both ventricles in three dimensions."""

from .coupling import Coupled, Heart, at, couple
from .loop import (
    P_AR_PUL,
    REFERENCE_STATE,
    STATES,
    Cavity,
    Circulation,
    Cycle,
    Elastance,
    Shooting,
    Ventricles,
    Vessel,
    around,
    filling,
    reference,
    run_beat,
)
from .marching import STARLING, Stronger, as_strong, march
from .patient import Goals, Loop, begin, fit, keep, resume, settle
from .pump import Pump, Pumps, Reading, learn

__all__ = [
    "P_AR_PUL",
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
    "Pumps",
    "Reading",
    "Shooting",
    "Stronger",
    "Ventricles",
    "Vessel",
    "around",
    "as_strong",
    "at",
    "begin",
    "couple",
    "filling",
    "fit",
    "keep",
    "learn",
    "march",
    "reference",
    "resume",
    "run_beat",
    "settle",
]
