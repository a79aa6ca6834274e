"""Contraction of cells: calcium of a paced cell, and the tension that it makes at a stretch and its rate."""

from .calcium import Calcium, transient
from .land import INTACT, SKINNED, STATES, Land, Path, advance, rest, rigidity, tension

__all__ = [
    "INTACT",
    "SKINNED",
    "STATES",
    "Calcium",
    "Land",
    "Path",
    "advance",
    "rest",
    "rigidity",
    "tension",
    "transient",
]
