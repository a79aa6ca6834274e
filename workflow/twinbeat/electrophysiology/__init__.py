"""Electrophysiology of the ventricle: the monodomain equation on its own, finer mesh."""

from .ventricle import activate
from .wavefront import fitted

__all__ = ["activate", "fitted"]
