"""Electrophysiology of the ventricle: the monodomain equation on its own, finer mesh."""

from .ventricle import activate

__all__ = ["activate"]
