"""The door to Mmg (Dapogny et al. 2014): a labelled mesh improved, and adapted to the wanted lengths of edges."""

from collections.abc import Callable
from dataclasses import dataclass

import mmgpy
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]
GRADATION = 1.5  # most by which neighbouring edges differ in length


@dataclass(frozen=True)
class Tagged:
    """``points`` (n, 3) in mm; ``cells`` (m, 4) with ``labels`` (m,); ``facets`` (k, 3) with ``tags``."""

    points: Array
    cells: Index
    labels: Index
    facets: Index
    tags: Index


def adapted(start: Tagged, sizes: Callable[[Array], Array], chord: float) -> Tagged:
    """The mesh with edges of the lengths ``sizes`` (mm, of points); borders between tags keep their places.

    Triangles are off a curved surface by ``chord`` (mm) at most, or a tenth of the shortest wanted edge. Raises
    RuntimeError where Mmg fails.
    """
    mesh = mmgpy.MmgMesh3D()
    mesh.set_mesh_size(vertices=len(start.points), tetrahedra=len(start.cells), triangles=len(start.facets))
    mesh.set_vertices(start.points)
    mesh.set_tetrahedra(start.cells, start.labels)
    mesh.set_triangles(start.facets, start.tags)
    wanted = sizes(start.points)
    mesh.set_field("metric", wanted[:, None])
    mesh.remesh(verbose=-1, hausd=min(chord, 0.1 * float(wanted.min())), hgrad=GRADATION)
    cells, labels = mesh.get_tetrahedra_with_refs()
    facets, tags = mesh.get_triangles_with_refs()
    return Tagged(mesh.get_vertices(), *(part.astype(np.int64) for part in (cells, labels, facets, tags)))
