"""The door to CGAL, a program beside this one (``cgal_program``), where python3-pygalmesh is installed."""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.measure import find_contours

from .boundary import MUSCLE
from .levels import Grid, Levels
from .template import oriented

Array = NDArray[np.float64]
Index = NDArray[np.int64]
PROGRAM = Path(__file__).with_name("cgal_program.py")
STEP = 0.75  # mm, of the grid on which the program gets the muscle
CHORD = 0.05  # of the length of edges, of a curved surface over its triangles
FLAT = 0.2  # mm: nodes nearer to z = 0 lie in it; CGAL finds surfaces to a thousandth of the domain's radius


def available() -> bool:
    """Whether the program can run."""
    return subprocess.run([sys.executable, "-c", "import pygalmesh"], capture_output=True, check=False).returncode == 0


def start(levels: Levels, edge: float, seed: int) -> tuple[Array, Index, Index]:
    """Points (n, 3) in mm, cells (m, 4) and their labels of the muscle, in edges of about ``edge`` (mm).

    Raises ModuleNotFoundError where pygalmesh is not installed, RuntimeError where CGAL fails.
    """
    if not available():
        text = f"mesh.biventricle.generator: cgal needs pygalmesh (Debian: python3-pygalmesh) for {sys.executable}, "
        raise ModuleNotFoundError(text + "where there is none; expected it, or the generator stuffing")
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder, "in.npz"), Path(folder, "out.npz")
        np.savez(given, **sampled(levels), edge=edge, chord=CHORD * edge, seed=seed)
        run = subprocess.run([sys.executable, PROGRAM, given, made], capture_output=True, text=True, check=False)
        if run.returncode:
            raise RuntimeError(f"CGAL ended with {run.returncode}: {run.stderr.strip()[-500:]}")
        with np.load(made) as found:
            points, cells = found["points"], found["cells"].astype(np.int64)
    points[np.abs(points[:, 2]) < FLAT, 2] = 0.0
    used, cells = np.unique(cells[(points[cells, 2] < 0).any(axis=1)], return_inverse=True)
    points, cells = points[used], cells.reshape(-1, 4)
    return points, oriented(points, cells), np.full(len(cells), MUSCLE)


def sampled(levels: Levels) -> dict[str, Array | float]:
    """The ``field`` of the muscle on a grid that ends in z = 0, where that is, and the rims of its base."""
    low, high = levels.grid.origin.copy(), levels.grid.origin + levels.grid.step * (np.array(levels.grid.shape) - 1)
    low[2], high[2] = -STEP * np.ceil(-low[2] / STEP), 0.0
    grid = Grid.around(low, high, STEP)
    base = grid.points().reshape(*grid.shape, 3)[:, :, -1].reshape(-1, 3)
    curves = [curve for name in ("left", "right", "outer")
              for curve in find_contours(levels.at(name, base).reshape(grid.shape[:2]), 0.0)]  # fmt: skip
    rims = {f"rim{k}": np.pad(low[:2] + STEP * curve, ((0, 0), (0, 1))) for k, curve in enumerate(curves)}
    return {"field": levels.muscle(grid.points()).reshape(grid.shape), "origin": low, "step": STEP, **rims}
