"""The facets between labels of a mesh, and what they are."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from .levels import LEFT_BLOOD, LEFT_WALL, RIGHT_BLOOD, RIGHT_WALL, Levels
from .template import BASE, ENDOCARDIUM, EPICARDIUM, FACES

Array = NDArray[np.float64]
Index = NDArray[np.int64]
RIGHT_ENDOCARDIUM, LEFT_LID, RIGHT_LID = 4, 5, 6
MUSCLE, OUTSIDE = 1, 0


def pairs(cells: Index) -> tuple[Index, Index, Index]:
    """Faces (4 n, 3) of the cells, outward; pairs (m, 2) of equal ones, and those that have no partner, as numbers."""
    faces = cells[:, FACES].reshape(-1, 3)
    size = cells.max() + 1  # three nodes make one number up to two million nodes
    a, b, c = np.sort(faces, axis=1).T
    codes = (a * size + b) * size + c
    order = np.argsort(codes, kind="stable")
    same = codes[order[1:]] == codes[order[:-1]]
    paired = np.stack([order[:-1][same], order[1:][same]], axis=1)
    single = np.ones(len(faces), bool)
    single[paired] = False
    return faces, paired, np.flatnonzero(single)


def facets(cells: Index, labels: Index) -> tuple[Index, Index]:
    """Facets (n, 3) on the border of the mesh or between different labels, and the two labels (n, 2) beside each.

    They point out of the cell with the smaller label (muscle before blood); 0 stands for the outside.
    """
    faces, paired, single = pairs(cells)
    owners = labels[paired // 4]
    paired, owners = paired[owners[:, 0] != owners[:, 1]], owners[owners[:, 0] != owners[:, 1]]
    swap = owners[:, 0] > owners[:, 1]
    paired[swap], owners[swap] = paired[swap, ::-1], owners[swap, ::-1]
    alone = np.stack([labels[single // 4], np.full(len(single), OUTSIDE)], axis=1)
    return np.concatenate([faces[single], faces[paired[:, 0]]]), np.concatenate([alone, owners])


def neighbours(cells: Index) -> Index:
    """Pairs (n, 2) of cells with a common face."""
    return pairs(cells)[1] // 4


def components(cells: Index) -> Index:
    """The number (n,) of the part that each cell belongs to; cells with a common face belong together."""
    return parts(neighbours(cells), len(cells))


def parts(links: Index, count: int) -> Index:
    """The number (count,) of the part that each of so many things belongs to, where ``links`` (n, 2) join them."""
    graph = csr_array((np.ones(len(links)), tuple(links.T)), shape=(count, count))
    return connected_components(graph, directed=False)[1]


def touching(cells: Index) -> Index:
    """Nodes at which the surface of cells (n, 4) touches itself: the faces around them are more than one fan."""
    faces, _, single = pairs(cells)
    nodes = faces[single]
    size = cells.max() + 1
    ends = np.arange(nodes.size).reshape(-1, 3)[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)  # corners, of each edge
    nodes = nodes.ravel()
    ends = np.take_along_axis(ends, nodes[ends].argsort(axis=1), axis=1)
    codes = nodes[ends[:, 0]] * size + nodes[ends[:, 1]]
    order = np.argsort(codes, kind="stable")
    _, first, counts = np.unique(codes[order], return_index=True, return_counts=True)
    one, two = (ends[order[first[counts == 2] + k]].ravel() for k in (0, 1))  # four faces at an edge join no fans
    fans = parts(np.stack([one, two], axis=1), len(nodes))
    found, counts = np.unique(nodes[np.unique(fans, return_index=True)[1]], return_counts=True)
    return found[counts > 1]


def tagged(points: Array, cells: Index, labels: Index, levels: Levels) -> tuple[Index, Index]:
    """Facets (n, 3) of the muscle (and lids of meshed blood) with their tags; they point out of the muscle.

    A facet in the plane z = 0 belongs to the base or a lid; else to the surface that its middle is nearest to.
    """
    tissue = np.where(np.isin(labels, (LEFT_WALL, RIGHT_WALL)), MUSCLE, labels)
    found, beside = facets(cells, tissue)
    flat = (points[found, 2] == 0).all(axis=1) & (beside[:, 1] == OUTSIDE)
    middle = points[found].mean(axis=1)
    off = np.abs(np.stack([levels.at(name, middle) for name in ("left", "right", "outer")]))
    wall = np.array([ENDOCARDIUM, RIGHT_ENDOCARDIUM, EPICARDIUM])[off.argmin(axis=0)]
    lid = np.select([beside[:, 0] == LEFT_BLOOD, beside[:, 0] == RIGHT_BLOOD], [LEFT_LID, RIGHT_LID], BASE)
    return found, np.where(flat, lid, wall)
