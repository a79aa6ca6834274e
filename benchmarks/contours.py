"""How near the walls of the left ventricle come to contours that err, and to the true walls.

envs/run python benchmarks/contours.py [--seeds 5 6 7 8]

Phantoms of each phenotype are labelled by the network; walls are fitted to the contours as they are, and with errors
planted in each slice: its size (1 mm) and two lobes (1 mm), 1.2 mm together. ``smooth`` walls are those of the default
smoothness; ``following`` ones are less smooth where that brings them within 1 mm of their contours. The last line is
one JSON object: root mean squares of the distances in mm of contours and true wall, of endocardium and epicardium, as
mean over the phantoms and largest of them. True walls count from 3 mm below the base plane, moved in it to where they
lie closest: breath-holds leave that open.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from twinbeat.evidence.segmentation import PHENOTYPES, motion, phantom
from twinbeat.mesh import Surfaces, fit
from twinbeat.mesh.contours import Contours
from twinbeat.mesh.from_labels import steady
from twinbeat.parameters import Mesh, Segmentation
from twinbeat.phantom import patient
from twinbeat.segmentation import segment

Walls = tuple[np.ndarray, np.ndarray]
BELOW = 3.0  # mm
NAMES = ("endocardium_contours", "endocardium_truth", "epicardium_contours", "epicardium_truth")


def seen(seed: int, phenotype: str) -> tuple[Contours, Walls]:
    """The contours of a phantom's labels, and nodes (n, 3) of its true walls in their frame."""
    cine = phantom(seed, phenotype, 2)
    outlines = steady(segment(cine, Segmentation()), Mesh().smoothness)
    moving = motion(patient.draw(np.random.default_rng([seed, PHENOTYPES.index(phenotype)]), phenotype), 2)
    to_lps, nodes = cine.to_lps.values, moving.points.values[0]
    placed = nodes @ to_lps[:3, :3].T + to_lps[:3, 3] - outlines.to_lps[:3, 3]
    found = placed @ outlines.to_lps[:3, :3]
    return outlines, tuple(found[np.unique(moving[name])] for name in ("endo_triangles", "epi_triangles"))


def erring(outlines: Contours, seed: int = 1) -> Contours:
    """The contours with a planted error in each slice."""
    rng, walls, slices = np.random.default_rng(seed), [], len(outlines.positions)
    for points, of in zip(outlines.walls, outlines.slices, strict=True):
        size, lobes, phase = rng.normal(size=slices), rng.normal(size=slices), rng.uniform(0, 2 * np.pi, slices)
        off = size[of] + lobes[of] * np.cos(2 * np.arctan2(points[:, 1], points[:, 0]) + phase[of])
        reach = np.hypot(points[:, 0], points[:, 1])
        walls.append(points * np.stack([1 + off / reach, 1 + off / reach, np.ones_like(off)], axis=1))
    return replace(outlines, walls=tuple(walls))


def distances(shape: Surfaces, outlines: Contours, truth: Walls) -> Iterator[float]:
    """Root mean squares in mm: contours and true wall of the endocardium, then of the epicardium."""
    for wall in (0, 1):
        yield fit.contour_rms(shape, wall, outlines.walls[wall])
        points = truth[wall][truth[wall][:, 2] < -BELOW]
        off, across = fit.distances(shape, wall, points), fit.normals(shape, wall, points)[:, :2]
        yield float(np.sqrt(np.mean((off - across @ np.linalg.lstsq(across, off, rcond=None)[0]) ** 2)))


def summary(rows: np.ndarray) -> dict[str, list[float]]:
    """Mean and largest of each distance (phantom, distance)."""
    both = np.stack([rows.mean(axis=0), rows.max(axis=0)], axis=1).round(3).tolist()
    return dict(zip(NAMES, both, strict=True))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[5, 6, 7, 8])
    options = parser.parse_args()
    found: dict[str, list[list[float]]] = {}
    for seed, phenotype in ((seed, name) for seed in options.seeds for name in PHENOTYPES):
        outlines, truth = seen(seed, phenotype)
        for kind, drawn in (("labelled", outlines), ("planted", erring(outlines))):
            for way, misfit in (("smooth", np.inf), ("following", Mesh().misfit)):
                shape = fit.surfaces(drawn, Mesh().smoothness, misfit)
                found.setdefault(f"{kind}_{way}", []).append(list(distances(shape, drawn, truth)))
        print(seed, phenotype, {name: np.round(rows[-1], 2).tolist() for name, rows in found.items()}, flush=True)
    print(json.dumps({name: summary(np.array(rows)) for name, rows in found.items()}))


if __name__ == "__main__":
    main()
