"""Fibres and coordinates on the meshes of the 2025 elastodynamics benchmark, and on spheroids with known fibres.

envs/run python benchmarks/fibers.py

The meshes come from the folder that TWINBEAT_SHARED names (default ../shared) and are left out where it is absent. The
last line is one JSON object of figures.
"""

import json
import time

import numpy as np

from twinbeat import fibers
from twinbeat.evidence import fibers as evidence
from twinbeat.fibers import both, coordinates, regions
from twinbeat.fibers.laplace import Elements
from twinbeat.parameters import Fibers

Figures = dict[str, float]


def published() -> Figures:
    """Angles in degree to the published directions, with the paper's rotation and with ours, and to the formula."""
    heart, figures = evidence.published(evidence.folder()), {}
    for rotation in ("bayer", "linear"):
        for name, off in evidence.angles(heart, Fibers(rotation=rotation)).items():
            figures |= quantiles(f"{rotation}_{name}_degree", off)
    return figures | quantiles("ellipsoid_fiber_degree", evidence.ellipsoid_angles(evidence.folder()))


def stated() -> Figures:
    """The helix angles that the published mesh does not state: medians in degree over the nodes of its surfaces."""
    heart = evidence.published(evidence.folder())
    shares = both.Shares.at_points(heart, Elements(heart["points"].values, heart["cells"].values))
    outward = {
        "endocardium": (regions.ENDOCARDIUM, -shares.to_left),
        "right_endocardium": (regions.RIGHT_ENDOCARDIUM, -shares.to_right),
        "epicardium": (regions.EPICARDIUM, shares.to_epi),
    }
    figures, flat = {}, np.zeros(heart.sizes["point"])
    for name, (tag, axis) in outward.items():
        around, _, down = np.moveaxis(both.oriented(shares.to_base, axis, flat, flat), 2, 0)
        sideways, upwards = (np.sum(heart["f0"].values * one, axis=1) for one in (around, -down))
        helix = np.degrees(np.arctan(upwards / sideways))[regions.on(heart, tag)]
        figures[f"published_{name}_degree"] = round(float(np.median(helix)), 1)
    return figures


def carried() -> Figures:
    """Where points of equal coordinates lie in the published heart and in the same with all edges halved, in mm."""
    heart = coordinates.complete(evidence.published(evidence.folder()))
    fine = evidence.halved(heart)
    start = time.process_time()
    fine = fibers.assign(fine, Fibers())
    seconds = time.process_time() - start
    off, side = evidence.misfit(heart, fine), fine["ventricle"].values
    there, back = fibers.correspondence(heart, fine), fibers.correspondence(fine, heart)
    moved = np.linalg.norm(back @ (there @ heart["points"].values) - heart["points"].values, axis=1)
    return {
        **quantiles("left_coordinates_mm", off[side < 0]),
        **quantiles("right_coordinates_mm", off[side > 0]),
        **quantiles("round_trip_mm", moved),
        "tets": fine.sizes["cell"],
        "tets_per_cpu_second": round(fine.sizes["cell"] / seconds),
    }


def quantiles(name: str, values: np.ndarray) -> Figures:
    """Median and 95th percentile."""
    return {
        f"{name}_median": round(float(np.median(values)), 3),
        f"{name}_p95": round(float(np.quantile(values, 0.95)), 3),
    }


def main() -> None:
    """Print the figures."""
    figures = {"spheroid_order": round(evidence.spheroid_order(), 3)}
    figures |= {
        f"spheroid_{size:g}mm_degree": round(evidence.spheroid_error(size, n), 3) for size, n in ((8.0, 2), (4.0, 4))
    }
    if evidence.folder().is_dir():
        figures |= stated() | published() | carried()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
