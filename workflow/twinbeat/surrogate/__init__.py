"""Surrogate of a patient's beat: an ensemble around the posterior, reduced (POD) and emulated (Gaussian processes)."""

from .design import HELD_OUT, PARAMETERS, numbers, sample
from .emulator import OutsideDomain, Surrogate
from .refreshing import refresh

__all__ = ["HELD_OUT", "PARAMETERS", "OutsideDomain", "Surrogate", "numbers", "refresh", "sample"]
