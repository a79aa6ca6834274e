"""A program of its own: a heart's muscle in tetrahedra by CGAL's Delaunay refinement, by way of pygalmesh.

python3 cgal_program.py IN.npz OUT.npz

CGAL is under the GPL, so this is run as another process and nothing imports it. IN has the level ``field`` (x, y, z)
at the nodes ``origin + step (i, j, k)`` in mm, negative in the muscle and ending in the plane z = 0; closed ``rim``
curves (n, 3) in that plane, each with a number; lengths ``edge`` and ``chord`` in mm; and a ``seed``. OUT has
``points`` (n, 3) and ``cells`` (m, 4).
"""

import sys

import numpy as np
import pygalmesh

FACET_ANGLE = 25.0  # degree, at least
EDGE_RATIO = 2.0  # of a cell's circumradius over its shortest edge, at most
SURFACE, VOLUME = 0.65, 0.7  # radii of balls around facets and cells over the length of edges


class Muscle(pygalmesh.DomainBase):
    """Where the trilinear ``field`` is negative, under z = 0."""

    def __init__(self, field: np.ndarray, origin: np.ndarray, step: float) -> None:
        super().__init__()
        self.values, self.shape = field.ravel().tolist(), field.shape  # a list is read faster than an array
        self.origin, self.step = origin.tolist(), step
        ends = np.stack([origin, origin + step * (np.array(field.shape) - 1)])
        self.radius = float(np.linalg.norm(np.abs(ends).max(axis=0)))

    def get_bounding_sphere_squared_radius(self) -> float:
        return self.radius**2

    def eval(self, point: list[float]) -> float:
        """The level at a point; it and the height above the base plane, whichever is more."""
        u, v, w = ((x - first) / self.step for x, first in zip(point, self.origin, strict=True))
        i, j, k = int(u), int(v), int(w)
        _, ny, nz = self.shape
        if min(u, v, w) < 0 or i >= self.shape[0] - 1 or j >= ny - 1 or k >= nz - 1:
            return max(self.step, point[2])
        u, v, w = u - i, v - j, w - k
        known, a = self.values, (i * ny + j) * nz + k
        b, c, d = a + nz, a + ny * nz, a + ny * nz + nz
        near = (known[a] + w * (known[a + 1] - known[a])) * (1 - v) + (known[b] + w * (known[b + 1] - known[b])) * v
        far = (known[c] + w * (known[c + 1] - known[c])) * (1 - v) + (known[d] + w * (known[d + 1] - known[d])) * v
        return max(near + u * (far - near), point[2])


def main() -> None:
    """From one file to the other."""
    with np.load(sys.argv[1]) as given:
        edge = float(given["edge"])
        made = pygalmesh.generate_mesh(
            Muscle(given["field"], given["origin"], float(given["step"])),
            extra_feature_edges=[given[name].tolist() for name in given.files if name.startswith("rim")],
            max_edge_size_at_feature_edges=edge,
            min_facet_angle=FACET_ANGLE,
            max_radius_surface_delaunay_ball=SURFACE * edge,
            max_facet_distance=float(given["chord"]),
            max_circumradius_edge_ratio=EDGE_RATIO,
            max_cell_circumradius=VOLUME * edge,
            verbose=False,
            seed=int(given["seed"]),
        )
    np.savez(sys.argv[2], points=made.points, cells=made.get_cells_type("tetra"))


if __name__ == "__main__":
    main()
