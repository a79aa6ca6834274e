"""Fibres of the left ventricle alone (Laplace-Dirichlet; Bayer et al. 2012, doi 10.1007/s10439-012-0593-5).

Two Laplace problems on linear tetrahedra give a transmural coordinate (0 endocardium, 1 epicardium) and an apicobasal
one (0 on the line of apical nodes, 1 on the base). Their gradients span the local axes, in which the fibre turns by the
helix angle. The angle is linear in the share of the wall's thickness (``depth``), so that meshes of any density agree.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ..parameters import Fibers
from .laplace import Elements, dot, unit
from .regions import BASE, ENDOCARDIUM, EPICARDIUM, apex, on, wall

Array = NDArray[np.float64]


def frames(anatomy: xr.Dataset, parameters: Fibers) -> Array:
    """Fibre, sheet and sheet normal as the columns of a rotation per cell (cell, 3, 3); 0 in blood."""
    muscle = wall(anatomy)
    circumferential, longitudinal, transmural = axes(anatomy)
    depth = anatomy["depth"].values[anatomy["cells"].values[muscle]].mean(axis=1)
    fiber = turned(circumferential, longitudinal, helix(depth, parameters))
    sheet = turned(transmural, np.cross(transmural, fiber), tilt(depth, parameters))
    result = np.zeros((anatomy.sizes["cell"], 3, 3))
    result[muscle] = np.stack([fiber, sheet, np.cross(fiber, sheet)], axis=2)
    return result


def helix(depth: Array, parameters: Fibers) -> Array:
    """Helix angle (...) in rad at a share (...) of the wall's thickness (Bayer et al. 2012, eq. 2)."""
    return np.radians(parameters.helix_endocardium * (1 - depth) + parameters.helix_epicardium * depth)


def tilt(depth: Array, parameters: Fibers) -> Array:
    """Angle (...) in rad of the sheets from the transmural axis, about the fibre, at a share (...) of the wall's
    thickness."""
    return np.radians(parameters.sheet_endocardium * (1 - depth) + parameters.sheet_epicardium * depth)


def turned(first: Array, second: Array, angle: Array) -> Array:
    """Unit vectors (n, 3) at an angle (rad) from the first towards the second of two perpendicular axes."""
    return np.cos(angle)[:, None] * first + np.sin(angle)[:, None] * second


def axes(anatomy: xr.Dataset) -> tuple[Array, Array, Array]:
    """Orthonormal circumferential, longitudinal (to the base) and transmural (outward) axes of muscle, each (cell, 3).

    Bayer et al. 2012, ``axis``: longitudinal x transmural = circumferential. Gradients are averaged over neighbours:
    their direction errs four times less than the raw one's.
    """
    elements = Elements(anatomy["points"].values, anatomy["cells"].values[wall(anatomy)])
    endo, epi, base = (on(anatomy, tag) for tag in (ENDOCARDIUM, EPICARDIUM, BASE))
    ends = (endo, epi), (apex(anatomy), base)
    across, along = (elements.to_cells(elements.gradient(elements.harmonic(*nodes))) for nodes in ends)
    transmural = unit(across)
    longitudinal = unit(along - dot(along, transmural) * transmural)
    return np.cross(longitudinal, transmural), longitudinal, transmural
