"""Mechanics: Land et al. 2015 at its published gates, orders of a manufactured solution, unloading."""

from collections.abc import Iterator

import dolfinx
import numpy as np
from mpi4py import MPI

from ..mechanics import from_anatomy, problems
from ..mechanics.anatomy import at_points
from ..parameters import Mechanics
from ..phantom import hexmesh
from ..phantom.shape import Shape
from .row import Row, timed

COMM = MPI.COMM_SELF
LAND = "Land et al. 2015, doi 10.1098/rspa.2015.0641, problem {}; converged by separate programs"
TIP = 4.165
APICES = {2: ((-26.62, -28.29), 0.05), 3: ((-12.35, -15.46), 0.1)}
ELEMENTS = {2: (24, 16, 3), 3: (32, 20, 3)}  # at the apex, where fibres meet, problem 3 converges slowly
ORDERS = {"displacement, L2": 3.0, "displacement, H1": 2.0, "multiplier, L2": 2.0}


def rows() -> Iterator[Row]:
    """The rows of ``make verify``."""
    yield timed(
        "Land problem 1: deformed z of the tip (mm)",
        TIP,
        0.02,
        LAND.format(1),
        lambda: problems.beam(COMM, (40, 4, 4), "hexahedron"),
    )
    for problem in APICES:
        yield from _ellipsoid(problem)
    yield from _orders()
    yield _unloading()


def hexahedra(around: int, along: int, layers: int) -> tuple[dolfinx.mesh.Mesh, dolfinx.mesh.MeshTags]:
    """The ellipsoid of problems 2 and 3 in quadratic hexahedra with curved faces (``hexmesh.build``)."""
    shape = Shape(
        radius=7.0, length=22.0, truncation=np.arccos(-5 / 17), wall=3.0, septal=1.0, apical=1.0, oval=0.0,
        apex_shift=(0.0, 0.0), rv_angle=1.0, rv_width=0.0,
    )  # fmt: skip
    return hexmesh.build(shape, around, along, layers).to_dolfinx(COMM)


def _ellipsoid(problem: int) -> Iterator[Row]:
    """Both apices."""
    (endo, epi), gate = APICES[problem]
    domain, tags = hexahedra(*ELEMENTS[problem])
    found: list[problems.Ellipsoid] = []

    def first() -> float:
        found.append(problems.loaded(domain, tags, problem))
        return found[0].endocardium

    name = f"Land problem {problem}: z of the {{}} apex (mm)"
    yield timed(name.format("endocardial"), endo, gate, LAND.format(problem), first)
    yield timed(name.format("epicardial"), epi, gate, LAND.format(problem), lambda: found[0].epicardium)


def _orders() -> Iterator[Row]:
    for cell in ("tetrahedron", "hexahedron"):
        errors = [np.array(problems.manufactured(COMM, count, cell)) for count in (4, 8)]
        for (name, order), found in zip(ORDERS.items(), np.log2(errors[0] / errors[1]), strict=True):
            source = "theory of Taylor-Hood elements; manufactured solution, 4 and 8 elements a side"
            yield timed(f"order on {cell}s: {name}", order, 0.25, source, lambda found=found: found)


def _unloading() -> Row:
    """How far the nodes are from the mesh that was unloaded, once the unloaded shape is meshed and loaded."""

    def error() -> float:
        heart, mapping, anatomy = problems.human(COMM, 10.0, 2)
        heart.unload(1.2)
        moved = at_points(heart, mapping, heart.reference.x.array)
        unloaded = anatomy.assign(points=(("point", "component"), anatomy["points"].values + moved))
        solid, mapping = from_anatomy(unloaded, Mechanics(), COMM)
        solid.stiffness.value, solid.pressure.value = heart.stiffness.value, 1.2
        solid.solve()
        return float(np.abs(moved + at_points(solid, mapping, solid.state.x.array)).max())

    return timed("unloading, then loading: largest way from the first mesh (mm)", 0.0, 0.2, "round trip", error)
