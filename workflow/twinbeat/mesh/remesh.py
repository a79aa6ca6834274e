"""The door to Mmg (Dapogny et al. 2014): a labelled mesh improved, and adapted to the wanted lengths of edges."""

from collections.abc import Callable
from dataclasses import dataclass

import mmgpy
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]
GRADATION = 1.5  # most by which neighbouring edges differ in length
CHORD = 0.1, 1 / 30
"""How far triangles may be off a curved surface: mm, or a share of the longest wanted edge where that is more."""
SHORT = 0.1
"""As a share of the shortest wanted edge, at most. Volumes do not suffer (``tetrahedra.settled``)."""


@dataclass(frozen=True)
class Tagged:
    """``points`` (n, 3) in mm; ``cells`` (m, 4) with ``labels`` (m,); ``facets`` (k, 3) with ``tags``."""

    points: Array
    cells: Index
    labels: Index
    facets: Index
    tags: Index


def _off(wanted: Array, chord: float | None) -> float:
    """How far in mm triangles of these lengths of edges may be off the surface."""
    most = max(CHORD[0], CHORD[1] * float(wanted.max())) if chord is None else chord
    return min(most, SHORT * float(wanted.min()))


def adapted(start: Tagged, sizes: Callable[[Array], Array], chord: float | None) -> Tagged:
    """The mesh with edges of the lengths ``sizes`` (mm, of points); borders between tags keep their places.

    Triangles are off a curved surface by ``chord`` (mm; None: by CHORD) at most. Raises RuntimeError where Mmg fails.
    """
    mesh = mmgpy.MmgMesh3D()
    mesh.set_mesh_size(vertices=len(start.points), tetrahedra=len(start.cells), triangles=len(start.facets))
    mesh.set_vertices(start.points)
    mesh.set_tetrahedra(start.cells, start.labels)
    mesh.set_triangles(start.facets, start.tags)
    wanted = sizes(start.points)
    mesh.set_field("metric", wanted[:, None])
    mesh.remesh(verbose=-1, hausd=_off(wanted, chord), hgrad=GRADATION)
    cells, labels = mesh.get_tetrahedra_with_refs()
    facets, tags = mesh.get_triangles_with_refs()
    return Tagged(mesh.get_vertices(), *(part.astype(np.int64) for part in (cells, labels, facets, tags)))
