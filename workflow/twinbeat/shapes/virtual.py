"""Virtual anatomies: drawn from the shape model until one passes every gate and stands off every patient."""

import logging
from collections import Counter
from collections.abc import Iterator

import numpy as np
import xarray as xr
from scipy.spatial import cKDTree

from ..mesh import Surfaces, enclosed_volume, quality
from ..mesh.generate import conserving, generate
from ..parameters import Mesh, Shape
from ..verdicts import Quarantined
from . import model
from .correspondence import Array, Crossing, Frame, points, walls

UNFAITHFUL = 1.0  # mm, root mean square between drawn points and the same points of the walls through them
log = logging.getLogger("twinbeat")


class Refused(Exception):
    """A draw that is no virtual anatomy: at which gate it fell, and why."""

    def __init__(self, gate: str, why: str) -> None:
        super().__init__(f"{gate}: {why}")
        self.gate = gate


def synthesise(shape: xr.Dataset, number: int, parameters: Shape, meshing: Mesh) -> xr.Dataset:
    """Dataset ``mesh`` of the virtual anatomy with this number, from 1, whatever other numbers are drawn.

    A draw that is refused is followed by the next one of the number's own random stream. Raises Quarantined:
    no-anatomy.
    """
    rng = np.random.default_rng([parameters.seed, number])
    fallen: Counter[str] = Counter()
    for attempt in range(1, parameters.synthesise.attempts + 1):
        score = model.truncated(rng, (shape.sizes["shape_mode"],), parameters.bound)
        try:
            made = anatomy(shape, score, parameters, meshing)
        except Refused as refusal:
            log.info("synthesise: draw %d refused at %s", attempt, refusal)
            fallen[refusal.gate] += 1
            continue
        log.info("synthesise: draw %d, %.2f mm from the nearest patient", attempt, float(made["nearest_training"]))
        return made.assign(attempts=((), attempt))
    gates = ", ".join(f"{count} at {gate}" for gate, count in fallen.most_common())
    raise Quarantined("no-anatomy", f"all {parameters.synthesise.attempts} draws were refused ({gates}), one expected")


def anatomy(shape: xr.Dataset, score: Array, parameters: Shape, meshing: Mesh) -> xr.Dataset:
    """The mesh of the shape with these scores (shape_mode,) in standard deviations. Raises Refused."""
    heart, off = _walls(shape, score)
    distance, limit = nearest_training(shape, score) - off, closest(shape, parameters)  # triangle inequality
    if distance < limit:
        raise Refused("nearest-training", f"{distance:.2f} mm from a patient, at least {limit:.2f} mm expected")
    if faults := [*implausible(heart, parameters)]:
        raise Refused("anatomy", "; ".join(faults))
    return _meshed(heart, meshing).assign(
        shape_score=(("shape_mode",), score), nearest_training=((), distance), refit_rms=((), off)
    )


def nearest_training(shape: xr.Dataset, score: Array) -> float:
    """Root mean square distance in mm of a shape (shape_mode,) from the nearest patient of the model."""
    sigma = np.sqrt(shape["variance"].values[: len(score)])
    patients = np.column_stack([shape["score"].values * sigma, shape["residual"].values])
    return float(model.nearest((score * sigma)[None], patients)[0])


def closest(shape: xr.Dataset, parameters: Shape) -> float:
    """The distance in mm that a virtual anatomy must keep from each patient."""
    limits = parameters.synthesise
    return max(limits.nearest, limits.nearest_share * float(np.median(shape["neighbour"].values)))


def _walls(shape: xr.Dataset, score: Array) -> tuple[Surfaces, float]:
    """The walls with these scores, and how far their points lie from the drawn ones, mm. Raises Refused."""
    drawn = shape["mean"].values + np.tensordot(score, shape["modes"].values, 1)
    frame = Frame.of(shape["frame"].values + score @ shape["frame_modes"].values)
    try:
        heart = walls(drawn, frame)
    except Crossing as crossing:
        raise Refused("walls", str(crossing)) from None
    off = float(np.sqrt(np.mean(np.sum((points(heart) - drawn) ** 2, axis=-1))))
    if off > UNFAITHFUL:
        raise Refused("walls", f"star-shaped walls lie {off:.2f} mm off, at most {UNFAITHFUL:g} mm expected")
    return heart, off


def implausible(heart: Surfaces, parameters: Shape) -> Iterator[str]:
    """What cannot be believed of walls, in words."""
    limits = parameters.synthesise
    thickness = thicknesses(heart)
    cavity, whole = (enclosed_volume(heart, wall) for wall in (0, 1))
    measured = [
        ("thinnest wall", thickness.min(), limits.wall_bounds, "mm"),
        ("thickest wall", thickness.max(), limits.wall_bounds, "mm"),
        ("cavity", cavity, limits.cavity_bounds, "mL"),
        ("muscle", whole - cavity, limits.muscle_bounds, "mL"),
    ]
    for name, value, (low, high), unit in measured:
        if not low <= value <= high:
            yield f"{name} {value:.1f} {unit}, {low:g} to {high:g} {unit} expected"


def thicknesses(heart: Surfaces) -> Array:
    """Distance in mm of epicardial points (node,) from the nearest of a dense set of endocardial ones."""
    phi = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    theta = np.linspace(heart.rim(0, phi), np.pi, 80)
    inner = heart.points(0, theta, np.broadcast_to(phi, theta.shape)).reshape(-1, 3)
    return cKDTree(inner).query(points(heart)[1])[0]


def _meshed(heart: Surfaces, meshing: Mesh) -> xr.Dataset:
    """The mesh of these walls, with more layers and smaller elements where it takes them to pass. Raises Refused."""
    faults: list[str] = []
    for finer in (1.0, 0.8):
        for layers in (meshing.layers, 2 * meshing.layers):
            found = conserving(generate(heart, finer * meshing.size, layers, np.eye(4)))
            faults = quality.faults(found, meshing)
            if not faults:
                angles = quality.dihedral_angles(found["points"].values, found["cells"].values)
                aspects = quality.aspects(found["points"].values, found["cells"].values)
                return found.assign(minimum_dihedral=((), angles.min()), maximum_aspect=((), aspects.max()))
    raise Refused("mesh", "; ".join(faults))
