"""The left ventricle at end-diastole as tetrahedra."""

from .generate import generate, refine
from .interpolate import interpolation
from .measures import cavity_volume, cell_volumes, wall_volume
from .surfaces import Surfaces
from .template import BASE, ENDOCARDIUM, EPICARDIUM

__all__ = [
    "BASE",
    "ENDOCARDIUM",
    "EPICARDIUM",
    "Surfaces",
    "cavity_volume",
    "cell_volumes",
    "generate",
    "interpolation",
    "refine",
    "wall_volume",
]
