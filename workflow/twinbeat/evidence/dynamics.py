"""Inertia and viscosity: a bar's frequency, orders and balance of energy, and the benchmark of Arostica et al. 2025."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import dolfinx
import numpy as np
import ufl
import xarray as xr
from dolfinx import fem
from mpi4py import MPI

from ..fibers import regions
from ..kinematics import unit
from ..mechanics import vibration
from ..mechanics.elastodynamics import LEFT, RIGHT, Activation, Case, History, Material, run
from ..mechanics.ellipsoid import Ellipsoid, at_quadrature
from ..mesh.distribute import to_dolfinx
from . import fibers
from .row import Row, timed

CURVES = "data/benchmarks"
SOURCE = "Arostica et al. 2025, doi 10.1016/j.cma.2024.117485"
DT = 5e-3  # s; on a coarse mesh the curves of steps of 1 ms differ by 0.1 %


Meshed = tuple[dolfinx.mesh.Mesh, dolfinx.mesh.MeshTags, fem.Function, fem.Function]


class Setup(NamedTuple):
    """A case with its mesh in mm and its directions at the quadrature points."""

    case: Case
    domain: dolfinx.mesh.Mesh
    facet_tags: dolfinx.mesh.MeshTags
    fiber: fem.Function
    sheet: fem.Function

    def run(self) -> History:
        """Its history."""
        return run(self.case, self.domain, self.facet_tags, self.fiber, self.sheet)


class Curves(NamedTuple):
    """Mean over the teams: ``time`` (time,) in s, ``displacement`` (time, point, 3) in mm."""

    time: np.ndarray
    displacement: np.ndarray


class Published(NamedTuple):
    """A case, and how far from the mean it may be."""

    case: Case
    gate: float


LATER = Activation(t_sys=0.163, t_dias=0.5)
"""Of both ventricles (table 8 of the paper, as a repository that reproduces it quotes it): not that of one."""
CASES: Mapping[str, Published] = {
    "mono_step0A": Published(Case(pressures={}), 0.03),
    "mono_step0B": Published(Case(activation=None), 0.10),
    "mono_step1": Published(Case(), 0.03),
    "biv_coarse": Published(
        Case(
            material=Material(alpha_top=1e6),
            activation=LATER,
            pressures={regions.ENDOCARDIUM: LEFT, regions.RIGHT_ENDOCARDIUM: RIGHT},
            points=((0.025, 0.03, 0.0), (0.0, 0.03, 0.0), (0.025, 0.0, 0.072)),
        ),
        0.03,
    ),
}
"""Cases by the names of their curves."""
BOTH = "biv_coarse"


def rows() -> Iterator[Row]:
    """What is known by hand, and the benchmark where the folder of shared data is there; that of both ventricles is a
    topic of its own."""
    yield from vibrations()
    if fibers.folder().is_dir():
        for name in CASES:
            if name != BOTH:
                yield from benchmark(name)


def vibrations() -> Iterator[Row]:
    """A bar of known frequency, and orders in the time step."""
    by_hand = "c = sqrt(E / rho), clamped bar: T = 4 L / c"
    yield timed("dynamics: period of a bar, ratio to the exact one", 1.0, 1e-3, by_hand, vibration.period_ratio)
    theory = "theory of generalised-alpha; 3 time steps"
    yield timed("dynamics: order of the displacement", 2.0, 0.1, theory, vibration.order)
    balance = "kinetic + stored + dissipated energy stays; theory of generalised-alpha"
    for name, viscosity in (("free", 0.0), ("viscous", 20.0)):
        words = f"dynamics: order of the energy balance, {name} oscillation"
        yield timed(words, 2.0, 0.2, balance, lambda viscosity=viscosity: vibration.balance_order(viscosity))


def benchmark(name: str) -> Iterator[Row]:
    """The history of each point beside the team mean; ``benchmarks/elastodynamics.py`` shows the peaks, too."""
    curves = published(name)
    found: list[History] = []

    def history() -> History:
        if not found:
            found.append(setup(name, replace(CASES[name].case, dt=DT)).run())
        return found[0]

    for point in range(curves.displacement.shape[1]):
        words = f"dynamics: {name}, p{point}, relative L2 to the team mean"
        yield timed(words, 0.0, CASES[name].gate, SOURCE, lambda point=point: deviations(history(), curves)[point])


def setup(name: str, case: Case, ellipsoid: Ellipsoid = Ellipsoid(), mesh: Path | None = None) -> Setup:  # noqa: B008
    """A case like the published one of that name, on its mesh or that of a file."""
    folder = fibers.folder()
    if name == BOTH:
        heart = fibers.published(folder) if mesh is None else fibers.published(mesh.parent, mesh.name)
        return Setup(case, *both(heart))
    return Setup(case, *mono(fibers.ellipsoid(folder) if mesh is None else fibers.ellipsoidal(mesh), ellipsoid))


def mono(anatomy: xr.Dataset, ellipsoid: Ellipsoid) -> Meshed:
    """The mesh of ``fibers.ellipsoid``, back in the frame of the benchmark, with its directions."""
    x = (anatomy["points"].values + np.array([0, 0, fibers.HEIGHT])) @ fibers.UPRIGHT
    domain, tags, _ = to_dolfinx(anatomy.assign(points=(("point", "component"), x)), MPI.COMM_SELF)
    return domain, tags, *ellipsoid.directions(domain, tags)


def both(anatomy: xr.Dataset) -> Meshed:
    """The heart of ``fibers.published``, back in the frame of the benchmark, with its directions.

    Fibres are linear between the nodes with the signs of the file, which are those of one turn through the wall: in an
    element from one surface to the other, 120 degree apart, the fibre passes through the circumferential direction and
    not through the long axis. The sheet lies in the wall across the fibre; n0, across the wall, is turned alike.
    """
    turned = {name: (("point", "component"), anatomy[name].values @ fibers.AXES) for name in ("points", "f0", "n0")}
    domain, tags, mapping = to_dolfinx(anatomy.assign(turned), MPI.COMM_SELF)
    fiber, normal = (turned[name][1][mapping.vertices] for name in ("f0", "n0"))
    f0, n0 = unit(linear(domain, fiber)), alike(domain, normal)
    return domain, tags, at_quadrature(domain, f0), at_quadrature(domain, unit(ufl.cross(n0, f0)))


def linear(domain: dolfinx.mesh.Mesh, nodal: np.ndarray) -> fem.Function:
    """Directions (vertex, 3), linear within each cell."""
    found = fem.Function(fem.functionspace(domain, ("Lagrange", 1, (3,))))
    found.x.array[:] = nodal.ravel()
    return found


def alike(domain: dolfinx.mesh.Mesh, nodal: np.ndarray) -> fem.Function:
    """Directions (vertex, 3), linear within each cell, with the signs there that make them most alike."""
    vertices = fem.functionspace(domain, ("Lagrange", 1)).dofmap.list
    found = fem.Function(fem.functionspace(domain, ("Discontinuous Lagrange", 1, (3,))))
    corners = nodal[vertices]
    signs = np.where(np.einsum("cvi,ci->cv", corners, corners[:, 0]) < 0, -1.0, 1.0)
    found.x.array.reshape(-1, 3)[found.function_space.dofmap.list] = signs[..., None] * corners
    return found


def published(name: str) -> Curves:
    """The mean curves of a case."""
    with _file(f"arostica2025_{name}.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    points = sum(f"p{i}_ux_mean_mm" in table[0] for i in range(3))
    values = [[[row[f"p{i}_u{c}_mean_mm"] for c in "xyz"] for i in range(points)] for row in table]
    return Curves(np.array([row["t_s"] for row in table], float), np.array(values, float))


def published_peaks(name: str) -> dict[str, np.ndarray]:
    """Displacements (point, 3) in mm of each team where they are largest."""
    with _file("arostica2025_peaks.csv").open(newline="") as file:
        rows = sorted((row for row in csv.DictReader(file) if row["case"] == name), key=lambda row: row["point"])
    found: dict[str, list[list[float]]] = {}
    for row in rows:
        found.setdefault(row["team"], []).append([float(row[f"u{c}_mm"]) for c in "xyz"])
    return {team: np.array(peaks) for team, peaks in sorted(found.items())}


def peaks(history: History) -> np.ndarray:
    """Displacements (point, 3) in mm where they are largest."""
    largest = np.linalg.norm(history.displacement, axis=2).argmax(axis=0)
    return history.displacement[largest, np.arange(len(largest))]


def apart(ours: np.ndarray, others: np.ndarray) -> np.ndarray:
    """| ours - others | / | others | of each point, of displacements (point, 3)."""
    return np.linalg.norm(ours - others, axis=1) / np.linalg.norm(others, axis=1)


def _file(name: str) -> Path:
    return fibers.folder().parent / Path(CURVES).name / name


def deviations(history: History, curves: Curves) -> np.ndarray:
    """|| u - mean || / || mean || over the times of the curves up to the end of the history, of each point."""
    within = curves.time <= history.time[-1] + 1e-9
    mean = curves.displacement[within]
    components = history.displacement.reshape(len(history.time), -1).T
    ours = [np.interp(curves.time[within], history.time, component) for component in components]
    ours = np.stack(ours, axis=-1).reshape(mean.shape)
    return np.linalg.norm(ours - mean, axis=(0, 2)) / np.linalg.norm(mean, axis=(0, 2))
