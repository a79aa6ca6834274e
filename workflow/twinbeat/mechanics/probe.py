"""Values of functions and expressions at points that are no nodes."""

import numpy as np
from dolfinx import fem, geometry, mesh

from ..verdicts import Rejected


class Probe:
    """Where points (point, 3) in mm lie in the cells of the mesh, to look up functions there.

    Raises Rejected("point-outside") for a point in no cell of any rank.
    """

    def __init__(self, domain: mesh.Mesh, points: np.ndarray) -> None:
        self.comm, self.points = domain.comm, np.asarray(points, float)
        near = geometry.compute_collisions_points(geometry.bb_tree(domain, 3), self.points)
        found = geometry.compute_colliding_cells(domain, near, self.points)
        self.cells = np.array([(*found.links(i), -1)[0] for i in range(len(self.points))])
        holders = np.array(self.comm.allgather(self.cells >= 0))
        if not holders.any(axis=0).all():
            lost = self.points[~holders.any(axis=0)][0]
            raise Rejected("point-outside", f"the point {lost.tolist()} mm lies in no cell of the mesh")
        self.holder = holders.argmax(axis=0)

    def __call__(self, function: fem.Function) -> np.ndarray:
        """Values (point, component) on all ranks."""
        here = self.cells >= 0
        values = np.zeros((len(self.points), function.function_space.dofmap.bs))
        values[here] = function.eval(self.points[here], self.cells[here]).reshape(here.sum(), -1)
        parts = self.comm.allgather(values)
        return np.stack([parts[rank][i] for i, rank in enumerate(self.holder)])


def everywhere(expression: fem.Expression, domain: mesh.Mesh) -> np.ndarray:
    """Values (local cell, ...) of an expression at its points in all cells, ghosts included."""
    cells = domain.topology.index_map(3)
    return expression.eval(domain, np.arange(cells.size_local + cells.num_ghosts, dtype=np.int32))
