"""The right ventricle between the slices: shape-based interpolation (Raya and Udupa 1990) of both ventricles together.

Each slice has the signed distance from the outline of everything that is ventricle. Between the slices it is a
smoothing spline along their normal; less the left ventricle, it is the right one, whose septal side is the LV's
epicardium. What the images leave open is the right wall: they label its blood only.
"""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, grey_closing, label, map_coordinates
from scipy.spatial import cKDTree
from skimage.draw import polygon2mask
from skimage.measure import marching_cubes

from . import fit
from .contours import RIGHT, Contours
from .levels import FARTHEST, Grid, Levels, least
from .slices import BLOOD, MUSCLE, outline, within
from .surfaces import Surfaces

Array = NDArray[np.float64]
STEP = 2.0  # mm of the grid of the levels
PLANE = 1.5  # mm between the samples of a slice
MARGIN = 8.0  # mm of grid around the heart
WHOLE = 0.75  # RV blood of a slice near the base is at least this share of the largest: less is cut by the valves
CREVICE = 5.0  # mm of unlabelled voxels between the ventricles that are no more than the septum's border
NOISE = 1.0  # mm, standard deviation of the smoothing in the planes
NEAR = 8.0  # mm within which distances are exact
RADIUS = 1.0  # mm, least one of the edges of the blood where the wall meets the septum
BLUNT = 2.0  # mm, standard deviation of the smoothing that makes them even
FILLET = 4.0  # mm within which the grooves between the ventricles are rounded
STIFFNESS = 8.0  # mm³: halves a zigzag from slice to slice of 8 mm, and leaves waves of four slices


@dataclass(frozen=True)
class Stack:
    """Signed distance ``values`` (z, y, x) in mm at coordinates z, y, x in mm of the image, evenly spaced."""

    z: Array
    y: Array
    x: Array
    values: Array

    def at(self, points: Array) -> Array:
        """The distance (n,) at image coordinates (n, (z, y, x))."""
        axes = (self.z, self.y, self.x)
        places = [(points[:, k] - axis[0]) / (axis[1] - axis[0]) for k, axis in enumerate(axes)]
        return map_coordinates(self.values, places, mode="nearest")


def levels(
    labels: xr.Dataset,
    outlines: Contours,
    shape: Surfaces,
    wall: float,
    stiffness: float = 1.0,
    misfit: float = np.inf,
) -> Levels:
    """Levels of both ventricles at end-diastole; ``wall`` is the thickness of the right one in mm.

    As the walls of the left ventricle, they are less stiff from slice to slice where the right one's blood would lie
    farther than ``misfit`` (mm, root mean square) from its outlines (``fit.following``).
    """
    drawn = contours(labels, outlines)
    labels = labels.isel(time=int(labels["end_diastole"]))
    return fit.following(
        "right ventricle",
        lambda share: _levels(labels, outlines, shape, wall, share * stiffness),
        lambda found: found.rms("right", drawn),
        misfit,
    )


def _levels(labels: xr.Dataset, outlines: Contours, shape: Surfaces, wall: float, stiffness: float) -> Levels:
    together = smoothed(labels, outlines, STIFFNESS * stiffness)
    grid = _grid(together, labels, outlines, shape, wall)
    points = grid.points()
    image = in_image(points, labels, outlines.to_lps)
    left, septum = (np.clip(fit.distances(shape, part, points), -FARTHEST, FARTHEST) for part in (0, 1))
    right = opened(grid, np.maximum(together.at(image), -septum))
    right = gaussian_filter(right.reshape(grid.shape), BLUNT / STEP).ravel()  # an edge ripples from node to node
    return Levels.sampled(grid, left=left, septum=septum, right=right, outer=least(septum, right - wall, FILLET))


def in_image(points: Array, labels: xr.Dataset, to_lps: Array) -> Array:
    """Points (n, 3) of the heart frame as image coordinates (z, y, x) in mm."""
    return (points @ to_lps[:3, :3].T + to_lps[:3, 3] - labels["origin"].values) @ labels["directions"].values.T


def in_heart(points: Array, labels: xr.Dataset, to_lps: Array) -> Array:
    """Image coordinates (n, (z, y, x)) in mm as points of the heart frame."""
    return (labels["origin"].values + points @ labels["directions"].values - to_lps[:3, 3]) @ to_lps[:3, :3]


def smoothed(labels: xr.Dataset, outlines: Contours, stiffness: float) -> Stack:
    """The signed distance from the right ventricle and the septum, smooth between the slices; it closes below the last.

    In a slice it is what is within both ventricles and CREVICE of the right one's blood. Above the first slice that
    shows this blood whole, it goes on as it is there.
    """
    whole, loops = _loops(labels, outlines)
    loops = [loops[0]] * whole + loops
    everything = np.concatenate([both for both, _ in loops])
    room = FARTHEST + MARGIN
    y, x = (np.arange(v.min() - room, v.max() + room, PLANE) for v in everything.T)
    planes = [np.maximum(_signed(both, y, x), _signed(blood, y, x) - CREVICE) for both, blood in loops]
    depth = -planes[-1].min()
    planes = [planes[0], *planes, *(planes[-1] + 2 * depth * step for step in (1, 2))]
    step = np.diff(outlines.positions).mean()
    z = outlines.positions[0] + step * np.arange(-1, len(planes) - 1)
    return between(z, y, x, np.stack(planes), stiffness)


def _index(labels: xr.Dataset, position: float) -> int:
    """The number of the slice at a position."""
    return int(np.abs(labels["z"].values - position).argmin())


def _whole(labels: xr.Dataset, outlines: Contours) -> int:
    """The number of the most basal slice whose RV blood the plane of the valves does not cut, base first."""
    areas = [(labels["labels"].values[_index(labels, at)] == RIGHT).sum() for at in outlines.positions]
    return int(np.argmax(np.array(areas) >= WHOLE * max(areas)))


def _loops(labels: xr.Dataset, outlines: Contours) -> tuple[int, list[tuple[Array, Array]]]:
    """The number of the first slice that shows the RV blood whole, and outlines (n, (y, x)) of both ventricles and of
    this blood from there on, as far as there is any, where they would be without breath-hold shifts."""
    both, blood = within(labels, (BLOOD, MUSCLE, RIGHT)), within(labels, (RIGHT,))
    y, x = labels["y"].values, labels["x"].values
    size, whole = 2 * round(CREVICE / abs(x[1] - x[0]) / 2) + 1, _whole(labels, outlines)
    found = []
    for position, shift in zip(outlines.positions[whole:], outlines.shifts[whole:], strict=True):
        k = _index(labels, position)
        pair = outline(grey_closing(both[k], size), y, x), outline(blood[k], y, x)
        if pair[1] is None:
            break
        found.append(tuple(loop - labels["directions"].values[1:] @ shift for loop in pair))
    return whole, found


def _signed(loop: Array, y: Array, x: Array) -> Array:
    """Distance (y, x) in mm from a closed line (n, 2), negative inside."""
    t = np.arange(0, len(loop), 0.1)
    closed = np.concatenate([loop, loop[:1]])
    dense = np.stack([np.interp(t, np.arange(len(closed)), axis) for axis in closed.T], axis=1)
    samples = np.stack(np.meshgrid(y, x, indexing="ij"), axis=-1)
    far, _ = cKDTree(dense).query(samples.reshape(-1, 2))
    inside = polygon2mask((len(y), len(x)), (loop - [y[0], x[0]]) / PLANE)
    signed = np.where(inside, -1, 1) * far.reshape(inside.shape)
    return np.clip(gaussian_filter(signed, NOISE / PLANE), -FARTHEST, FARTHEST)


def between(z: Array, y: Array, x: Array, planes: Array, stiffness: float) -> Stack:
    """Finer planes, by least squares at the given ones (z, y, x), in mm, plus ``stiffness`` (mm³) times the bending ∫
    (d²φ/dz²)² dz."""
    step = (z[1] - z[0]) / 4
    fine = z[0] - 4 * step + step * np.arange(4 * len(z) + 4)
    pick = np.zeros((len(z), len(fine)))
    pick[np.arange(len(z)), 4 + 4 * np.arange(len(z))] = 1
    bend = np.diff(np.eye(len(fine)), 2, axis=0) / step**2
    normal = pick.T @ pick + stiffness * abs(step) * bend.T @ bend
    values = np.linalg.solve(normal, pick.T @ planes.reshape(len(z), -1))
    return Stack(fine, y, x, values.reshape(len(fine), *planes.shape[1:]))


def _grid(together: Stack, labels: xr.Dataset, outlines: Contours, shape: Surfaces, wall: float) -> Grid:
    """A grid of the heart frame around both ventricles and their wall, with some room above the base."""
    axes, inside = (together.z, together.y, together.x), np.nonzero(together.values < 0)
    places = np.stack([axis[index] for axis, index in zip(axes, inside, strict=True)], axis=1)
    left = shape.points(1, *np.meshgrid(np.linspace(0, np.pi, 60), np.linspace(0, 2 * np.pi, 60))).reshape(-1, 3)
    found = np.concatenate([in_heart(places, labels, outlines.to_lps), left])
    low, high = found.min(axis=0) - wall - MARGIN, found.max(axis=0) + wall + MARGIN
    high[2] = 3 * STEP
    return Grid.around(low, high, STEP)


def opened(grid: Grid, level: Array) -> Array:
    """Signed distance (n,) in mm from what a ball of RADIUS reaches within ``level`` (n,) < 0: no edge is sharper.

    Of what is left in several pieces, the largest counts: where the left ventricle narrows towards the base, slivers
    are between it and what goes on from the slice below.
    """
    centres = distances(grid, level) + RADIUS
    pieces, _ = label(centres.reshape(grid.shape) < 0)
    largest = np.bincount(pieces[pieces > 0]).argmax()
    return distances(grid, np.where(pieces.ravel() == largest, centres, np.abs(centres))) - RADIUS


def distances(grid: Grid, level: Array) -> Array:
    """Signed distance (n,) in mm at the nodes from the surface where ``level`` (n,) is zero.

    To points spread over its triangles within NEAR of it (a step off the surface that is 0.04 mm too far), to their
    corners elsewhere.
    """
    corners, triangles, _, _ = marching_cubes(level.reshape(grid.shape), 0.0)
    corners, points = grid.origin + grid.step * corners, grid.points()
    spread = np.array([(i, j, 4 - i - j) for i in range(5) for j in range(5 - i)]) / 4
    samples = np.einsum("sk,tkc->tsc", spread, corners[triangles]).reshape(-1, 3)
    tree = cKDTree(samples, compact_nodes=False, balanced_tree=False)  # balancing takes long where points coincide
    near, _ = tree.query(points, distance_upper_bound=NEAR)
    return np.sign(level) * np.minimum(near, cKDTree(corners).query(points)[0])


def contours(labels: xr.Dataset, outlines: Contours) -> Array:
    """Outlines (n, 3) of the RV blood in the slices of the left ventricle that show it whole, heart frame,
    breath-holds removed."""
    labels = labels.isel(time=int(labels["end_diastole"]))
    whole, loops = _loops(labels, outlines)
    lifted = [np.insert(blood, 0, z, axis=1) for z, (_, blood) in zip(outlines.positions[whole:], loops, strict=False)]
    return in_heart(np.concatenate(lifted), labels, outlines.to_lps)
