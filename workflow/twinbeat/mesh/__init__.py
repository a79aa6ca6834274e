"""The left ventricle, or both, at end-diastole as tetrahedra."""

from .biventricle import build_biventricle
from .export import read, write
from .formats import owners
from .from_labels import build
from .generate import generate, refine
from .interpolate import averaging, interpolation
from .measures import cavity_volume, cell_volumes, enclosed_volume, wall_volume
from .muscle import remeshed
from .surfaces import Surfaces
from .template import BASE, ENDOCARDIUM, EPICARDIUM

__all__ = [
    "BASE",
    "ENDOCARDIUM",
    "EPICARDIUM",
    "Surfaces",
    "averaging",
    "build",
    "build_biventricle",
    "cavity_volume",
    "cell_volumes",
    "enclosed_volume",
    "generate",
    "interpolation",
    "owners",
    "read",
    "refine",
    "remeshed",
    "wall_volume",
    "write",
]
