"""Calibration: passive stiffness and active tension from motion and pressures, with adjoint gradients."""

from .calibrate import calibrate
from .targets import extract

__all__ = ["calibrate", "extract"]
