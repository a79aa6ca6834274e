"""Contraction of cells: calcium of a paced cell, and the tension that it makes at a stretch and its rate."""

from .calcium import Calcium, transient
from .land import INTACT, LAWS, MARGARA, SKINNED, STATES, Land, Path, advance, rest, rigidity, tension
from .troponin import Troponin

__all__ = [
    "INTACT",
    "LAWS",
    "MARGARA",
    "SKINNED",
    "STATES",
    "Calcium",
    "Land",
    "Path",
    "Troponin",
    "advance",
    "rest",
    "rigidity",
    "tension",
    "transient",
]
