"""Finite elasticity of the left ventricle: equilibrium under pressure, tension and springs, forward and inverse."""

from .cavity import BASE, ENDOCARDIUM, EPICARDIUM, Cavity
from .strain import FiberStrain
from .ventricle import Snapshot, Ventricle

__all__ = ["BASE", "ENDOCARDIUM", "EPICARDIUM", "Cavity", "FiberStrain", "Snapshot", "Ventricle"]
