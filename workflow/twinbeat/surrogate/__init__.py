"""Surrogate of a patient's beat: an ensemble around the posterior, reduced (POD) and emulated (Gaussian processes)."""

from .design import PARAMETERS, sample
from .emulator import OutsideDomain, Surrogate
from .refreshing import refresh

__all__ = ["PARAMETERS", "OutsideDomain", "Surrogate", "refresh", "sample"]
