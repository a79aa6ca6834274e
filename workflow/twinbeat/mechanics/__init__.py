"""Finite elasticity of one ventricle or both: equilibrium under pressure, tension and springs, forward and inverse."""

from .anatomy import at_points, contractile, from_anatomy
from .cavity import BASE, ENDOCARDIUM, EPICARDIUM, Cavity, Per
from .compilation import wait_longer
from .dynamics import Dynamics
from .journal import Journal
from .sensitivity import Sensitivity, Tension, UnloadedSensitivity
from .strain import FiberStrain
from .stretch import Contractile
from .ventricle import Snapshot, Ventricle

__all__ = [
    "BASE",
    "ENDOCARDIUM",
    "EPICARDIUM",
    "Cavity",
    "Contractile",
    "Dynamics",
    "FiberStrain",
    "Journal",
    "Per",
    "Sensitivity",
    "Snapshot",
    "Tension",
    "UnloadedSensitivity",
    "Ventricle",
    "at_points",
    "contractile",
    "from_anatomy",
]

wait_longer()
