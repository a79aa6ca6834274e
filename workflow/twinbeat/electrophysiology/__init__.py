"""Electrophysiology of the ventricle: the monodomain equation on its own, finer mesh."""

from .motion import Motion
from .ventricle import activate
from .wavefront import fitted

__all__ = ["Motion", "activate", "fitted"]
