"""Anatomy: meshes against shapes whose volumes and axes are known, and against the contours of experts."""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr
from skimage.draw import polygon2mask

from .. import fibers, mesh
from ..mesh import surfaces, synthetic
from ..parameters import Fibers, Mesh
from .row import Row, timed

CONTOURS = "data/cine_mr/contours/SC-HF-I-1"
PIXEL, SPACING, FRAMES = 1.367188, 10.0, 20  # of that study
END_DIASTOLE = 19  # its image number within each slice
BODY = 0.2  # share of the arc below which axes turn within one element


def rows() -> Iterator[Row]:
    """Volumes, distances and orders of convergence; the study of shared data where it is there."""
    exact = "volume of the planted surfaces by quadrature"
    yield timed("anatomy: worst cavity volume, share", 0.0, 0.03, exact, lambda: worst("cavity"))
    yield timed("anatomy: worst wall volume, share", 0.0, 0.03, exact, lambda: worst("wall"))
    yield timed("anatomy: worst contour distance, mm rms", 0.0, 1.0, "contours of the labels", lambda: worst("rms"))
    yield timed("anatomy: order of the cavity volume", 2.0, 0.2, "chords of length h lose O(h^2)", volume_order)
    yield timed("anatomy: order of the Laplace problem", 2.0, 0.4, "1/r between spheres", laplace_order)
    source = "analytic axes of the ellipsoid; Bayer et al. 2012"
    yield timed("anatomy: helix angle at 8 mm, degree off", 0.0, 3.0, source, lambda: helix_error(8.0, 1))
    yield timed("anatomy: helix angle at 3 mm, degree off", 0.0, 1.0, source, lambda: helix_error(3.0, 4))
    folder = Path(os.environ.get("TWINBEAT_SHARED", "../shared")) / CONTOURS
    if folder.is_dir():
        found, summed, off = expert(folder)
        source = "Sunnybrook SC-HF-I-1, summation of the experts' contours over the slices that the mesh is made from"
        yield timed("anatomy: cavity of a real study, mL", summed, 0.03 * summed, source, lambda: found)
        yield timed("anatomy: contours of a real study, mm rms", 0.0, 1.0, "the same contours", lambda: off)


@cache
def recovered(seed: int) -> dict[str, float]:
    """Relative volume errors and contour distance of a random heart imaged with breath-hold shifts of 2 mm."""
    rng = np.random.default_rng(seed)
    shape = synthetic.ellipsoids(*synthetic.HUMAN, degree=4)
    l, _ = surfaces.orders(4)
    shape.modes[:] = np.where(l > 0, 0.25 * rng.normal(size=shape.modes.shape) / (1 + l * (l + 1)), 0)
    slices = synthetic.labels(shape).sizes["z"]
    found = mesh.build(synthetic.labels(shape, shifts=rng.normal(0, 2, (slices, 2))), Mesh(size="8 mm", layers=1))
    cavity, whole = (mesh.enclosed_volume(shape, wall) for wall in (0, 1))
    volumes = measured(found)
    return {
        "cavity": abs(volumes[0] / cavity - 1),
        "wall": abs(volumes[1] / (whole - cavity) - 1),
        "rms": float(found["contour_rms"].max()),
    }


def worst(figure: str, seeds: int = 8) -> float:
    """The largest of a figure over random hearts."""
    return max(recovered(seed)[figure] for seed in range(seeds))


def measured(anatomy: xr.Dataset) -> tuple[float, float]:
    """Cavity and wall volume of a mesh in mL."""
    points, cells, facets, tags = (anatomy[name].values for name in ("points", "cells", "facets", "facet_tags"))
    return mesh.cavity_volume(points, facets, tags), mesh.wall_volume(points, cells)


def volume_order() -> float:
    """Order in the element size at which the cavity of the Land ellipsoid converges."""
    (inner, _), (long, _), base = synthetic.LAND
    exact = synthetic.cap_volume(inner, long, base)
    errors = [exact - measured(synthetic.ellipsoid(size, 1, *synthetic.LAND))[0] for size in (2.0, 1.0, 0.5)]
    return float(np.log2(errors[0] / errors[2]) / 2)


def laplace_order() -> float:
    """Order of the harmonic function between half spheres of 20 and 30 mm, in the root mean square."""
    errors = []
    for size, layers in ((6.0, 2), (3.0, 4), (1.5, 8)):
        half = synthetic.ellipsoid(size, layers, (20.0, 30.0), (20.0, 30.0), 0.0)
        points, cells, depth = half["points"].values, half["cells"].values, half["depth"].values
        laplacian = fibers.stiffness(cells, *fibers.shape_gradients(points, cells))
        found = fibers.harmonic(laplacian, np.flatnonzero(depth == 0), np.flatnonzero(depth == 1))
        truth = (1 / np.linalg.norm(points, axis=1) - 1 / 20) / (1 / 30 - 1 / 20)
        errors.append(np.sqrt(np.mean((found - truth)[(depth > 0) & (depth < 1)] ** 2)))
    return float(np.log2(errors[0] / errors[2]) / 2)


def helix_error(size: float, layers: int) -> float:
    """Median over cells of the angle in degree between the fibres and the analytic ones of an ellipsoid."""
    anatomy = fibers.assign(synthetic.ellipsoid(size, layers), Fibers())
    cells, (inner, outer) = anatomy["cells"].values, anatomy["surface_radii"].values
    x = anatomy["points"].values[cells].mean(axis=1) - anatomy["surface_centre"].values
    depth, along = (anatomy[name].values[cells].mean(axis=1) for name in ("depth", "longitudinal"))
    around = np.cross([0, 0, 1], x)
    around /= np.linalg.norm(around, axis=1, keepdims=True)
    outward = x / (inner + depth[:, None] * (outer - inner)) ** 2
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    truth = fibers.turned(around, np.cross(outward, around), fibers.helix(depth, Fibers()))
    cosine = np.sum(anatomy["fiber"].values * truth, axis=1)[along > BODY]
    return float(np.degrees(np.median(np.arccos(np.clip(cosine, -1, 1)))))


def expert(folder: Path) -> tuple[float, float, float]:
    """Cavity volume in mL of the mesh that is made from the contours of experts, that of the slices that it used, and
    how far they are off the wall that is farther from them (mm, root mean square)."""
    labels = drawn(folder)
    found = mesh.build(labels, Mesh(size="6 mm", layers=2))
    blood = labels["labels"].isel(time=0).sel(z=found["slice_position"].values) == 1
    summed = float(blood.sum()) * PIXEL**2 * SPACING / 1000
    return measured(found)[0], summed, float(found["contour_rms"].max())


def drawn(folder: Path) -> xr.Dataset:
    """The end-diastolic contours (pixels x, y) as labels; a mark on the left of each slice stands for the RV."""
    labels = np.zeros((1, 14, 256, 256), np.int64)
    for wall, label in (("o", 2), ("i", 1)):
        for path in sorted(folder.glob(f"{wall}-contours/*-{wall}contour-manual.txt")):
            slice_, frame = divmod(int(re.search(r"-(\d{4})-[io]contour", path.name)[1]), FRAMES)
            if frame == END_DIASTOLE:
                labels[0, slice_ + 1][polygon2mask((256, 256), np.loadtxt(path)[:, ::-1])] = label
    labels[0, :, 120:136, 60:76] = 3
    pixels = np.arange(256) * PIXEL
    return xr.Dataset(
        {
            "labels": (("time", "z", "y", "x"), labels),
            "probability": (("label", "time", "z", "y", "x"), np.stack([1.0 * (labels == n) for n in range(4)])),
            "origin": (("component",), np.zeros(3)),
            "directions": (("axis", "component"), np.eye(3)[::-1]),
            "end_diastole": ((), 0),
        },
        coords={"z": np.arange(14) * SPACING, "y": pixels, "x": pixels},
    )
