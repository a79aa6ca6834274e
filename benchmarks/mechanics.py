"""What Land problems 1 and 2 cost us and fenicsx-pulse, on the same meshes, in CPU seconds at equal accuracy.

envs/run python benchmarks/mechanics.py [--only NAME ...] [--peer FOLDER]

NAME is a problem and a mesh of CASES. Every solve is a process of its own on one core, with the same BLAS and MUMPS,
and solves the same problem on its coarsest mesh first: compilation of the forms is not counted, all else from the mesh
to the displaced point is. Elements (quadratic displacement, linear pressure), quadrature and meshes are the same for
both. The error is the largest one of the published points against the converged values of ``make verify``.

- The peer takes its load in equal steps, the fewest of STEPS that it converges with, extrapolated from the last two
  as in its own demo of problem 2; tries that fail are not counted. Its tolerances and solver are its defaults.
- ``land1_ratio_to_pulse``, ``land2_ratio_to_pulse``: the peer on the mesh of DEMO (that of its own demo; for
  problem 2 one with about as many tetrahedra) over our cheapest run that is as accurate. As a coarse mesh can be right
  by luck, our runs on all larger meshes of its kind have to be as accurate too.
- ``land1_ratio_on_one_mesh``, ``land2_ratio_on_one_mesh``: the peer's seconds over ours on the same mesh, whatever the
  errors; the least favourable mesh.

The peer is installed for the run into a temporary folder, or into FOLDER if it is not there yet; it is compiled there
(minutes). The last line is one JSON object of figures.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import dolfinx
import numpy as np
from apart import apart
from mpi4py import MPI

from twinbeat.evidence import mechanics as evidence
from twinbeat.mechanics import problems
from twinbeat.mesh import ENDOCARDIUM, synthetic
from twinbeat.mesh.distribute import to_dolfinx

HERE = Path(__file__).with_suffix("")
STEPS = {1: (1, 2, 5, 10), 2: (8, 10, 16, 20, 32)}
COMM = MPI.COMM_SELF

Meshed = tuple[dolfinx.mesh.Mesh, dolfinx.mesh.MeshTags]


class Case(NamedTuple):
    """A problem of Land et al. 2015 on a mesh: ``size`` of ``MESHES[kind]``."""

    problem: int
    kind: str
    size: tuple

    def mesh(self) -> Meshed:
        """The mesh and its tagged facets."""
        return MESHES[self.kind](*self.size)


def beam(*counts: int) -> Meshed:
    """Hexahedra of the beam of problem 1."""
    return problems.box(COMM, (10.0, 1.0, 1.0), counts, "hexahedron")


def flat(size: float, layers: int) -> Meshed:
    """Straight tetrahedra of the ellipsoid of problem 2."""
    return to_dolfinx(synthetic.ellipsoid(size, layers, *synthetic.LAND), COMM)[:2]


MESHES = {"beam": beam, "flat": flat, "curved": evidence.hexahedra}
COARSEST = {"beam": (2, 1, 1), "flat": (9.0, 1), "curved": (4, 1, 1)}
CASES = {
    "beam-10x1": Case(1, "beam", (10, 1, 1)),
    "beam-10x2": Case(1, "beam", (10, 2, 2)),
    "beam-30x3": Case(1, "beam", (30, 3, 3)),
    "curved-8x4": Case(2, "curved", (8, 4, 1)),
    "curved-8x8": Case(2, "curved", (8, 8, 1)),
    "curved-12x8": Case(2, "curved", (12, 8, 2)),
    "flat-2.5": Case(2, "flat", (2.5, 2)),
}
DEMO = {1: "beam-30x3", 2: "flat-2.5"}
POINTS = {1: (evidence.TIP,), 2: evidence.APICES[2][0]}


def main() -> None:
    """Measure both on each case, print a table and the figures."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    arguments.add_argument("--peer", type=Path, help="where fenicsx-pulse is, or is to be installed")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        peer = install(options.peer or Path(temporary) / "pulse")
        runs = {}
        for name in options.only:
            runs[name] = {side: apart("mechanics", side, name, paths=[peer]) for side in ("ours", "pulse")}
            print(line(name, runs[name]), flush=True)
    print(json.dumps(headline(runs) | {"cases": runs}))


def install(folder: Path) -> Path:
    """The peer, compiled against this DOLFINx, in a folder of its own."""
    if not (folder / "pulse").is_dir():
        pip = [sys.executable, "-m", "pip", "install", "-qq", "--no-deps", "--require-hashes", "--target"]
        with tempfile.TemporaryDirectory() as tools:
            subprocess.run([*pip, tools, "--requirement", HERE / "build.lock"], check=True)
            subprocess.run(
                [*pip, folder, "--no-build-isolation", "--requirement", HERE / "requirements.lock"],
                env=os.environ | {"PYTHONPATH": tools},
                check=True,
            )
    return folder


def measure() -> None:
    """Solve the case that argv names as argv says, and print seconds and error."""
    side, name = sys.argv[1:]
    case, solve = CASES[name], SIDES[side]
    solve(case._replace(size=COARSEST[case.kind]).mesh(), case.problem)
    domain, tags = case.mesh()
    heights, seconds, steps = solve((domain, tags), case.problem)
    error = max(abs(found - expected) for found, expected in zip(heights, POINTS[case.problem], strict=True))
    figures = {
        "cpu_seconds": round(seconds, 2), "error_mm": round(error, 4), "z_mm": [round(z, 4) for z in heights],
        "steps": steps, "cells": domain.topology.index_map(3).size_global,
    }  # fmt: skip
    print(json.dumps(figures | ({"version": version("fenicsx-pulse")} if side == "pulse" else {})))


def ours(meshed: Meshed, problem: int) -> tuple[tuple[float, ...], float, int]:
    """Heights (mm) of the published points, CPU seconds, and 0: load steps adapt."""
    start = time.process_time()
    heights = (float(problems.bent(*meshed)),) if problem == 1 else problems.loaded(*meshed, 2)[:2]
    return heights, time.process_time() - start, 0


def theirs(meshed: Meshed, problem: int) -> tuple[tuple[float, ...], float, int]:
    """The same with the peer, and the number of its load steps."""
    for steps in STEPS[problem]:
        start = time.process_time()
        w = pulse_solved(meshed, problem, steps)
        seconds = time.process_time() - start
        if w is not None:
            return (problems.deformed(w, problems.TIP)[2],) if problem == 1 else problems.apices(w), seconds, steps
    sys.exit(f"fenicsx-pulse does not converge in {steps} steps")


def pulse_solved(meshed: Meshed, number: int, steps: int) -> dolfinx.fem.Function | None:
    """Displacement found by the peer; None where a step does not converge."""
    problem, pressure = pulse_problem(meshed, number)
    full = 0.004 if number == 1 else 10.0
    before, now = None, [f.x.array.copy() for f in (problem.u, problem.p)]
    for step in range(1, steps + 1):
        pressure.assign(full * step / steps)
        if before is not None:
            for function, last, new in zip((problem.u, problem.p), before, now, strict=True):
                function.x.array[:] = 2 * new - last
        if not problem.solve() or not np.all(np.isfinite(problem.u.x.array)):
            return None
        before, now = now, [f.x.array.copy() for f in (problem.u, problem.p)]
    return problem.u


def pulse_problem(meshed: Meshed, number: int) -> tuple:
    """The peer's problem, and the pressure to be assigned (kPa)."""
    import pulse  # only the processes that ``apart`` starts see it

    (domain, tags), fixed = meshed, problems.CLAMPED if number == 1 else 3
    exponents = {"bf": 8.0, "bt": 2.0, "bfs": 4.0} if number == 1 else {"bf": 1.0, "bt": 1.0, "bfs": 1.0}
    axes = {name: dolfinx.fem.Constant(domain, axis) for name, axis in zip(("f0", "s0", "n0"), np.eye(3), strict=True)}
    stiffness = pulse.Variable(2.0 if number == 1 else 10.0, "kPa")
    model = pulse.CardiacModel(
        material=pulse.Guccione(C=stiffness, **axes, **exponents),
        active=pulse.active_model.Passive(),
        compressibility=pulse.Incompressible(),
    )

    def clamp(space: dolfinx.fem.FunctionSpace) -> list[dolfinx.fem.DirichletBC]:
        dofs = dolfinx.fem.locate_dofs_topological(space, 2, tags.find(fixed))
        return [dolfinx.fem.dirichletbc(dolfinx.fem.Function(space), dofs)]

    pressure = pulse.Variable(dolfinx.fem.Constant(domain, 0.0), "kPa")
    loads = pulse.BoundaryConditions(dirichlet=(clamp,), neumann=(pulse.NeumannBC(pressure, ENDOCARDIUM),))
    geometry = pulse.Geometry(mesh=domain, facet_tags=tags, metadata={"quadrature_degree": 4})
    return pulse.StaticProblem(model=model, geometry=geometry, bcs=loads), pressure


SIDES = {"ours": ours, "pulse": theirs}


def headline(runs: dict[str, dict]) -> dict[str, float]:
    """The ratios of each problem; without one at equal accuracy where the mesh of the demo was not run."""
    ratios = {}
    for problem, demo in DEMO.items():
        pairs = {name: run for name, run in runs.items() if CASES[name].problem == problem}
        if demo in pairs:
            mine = as_accurate(pairs, pairs[demo]["pulse"]["error_mm"])
            ratios[f"land{problem}_ratio_to_pulse"] = ratio(pairs[demo]["pulse"], mine)
        if pairs:
            ratios[f"land{problem}_ratio_on_one_mesh"] = min(ratio(p["pulse"], p["ours"]) for p in pairs.values())
    return ratios


def as_accurate(pairs: dict[str, dict], error: float) -> dict:
    """Our cheapest run that has at most this error together with all on larger meshes of its kind."""
    found = []
    for kind in MESHES:
        mine = [pair["ours"] for name, pair in pairs.items() if CASES[name].kind == kind]
        largest_first = sorted(mine, key=lambda run: run["cells"], reverse=True)
        found += takewhile(lambda run: run["error_mm"] <= error, largest_first)
    if not found:
        sys.exit(f"on no kind of mesh is our largest run within {error} mm")
    return min(found, key=lambda run: run["cpu_seconds"])


def ratio(peer: dict, mine: dict) -> float:
    """The peer's seconds over ours."""
    return round(peer["cpu_seconds"] / mine["cpu_seconds"], 1)


def line(name: str, run: dict) -> str:
    """A case for people."""
    mine, peer = run["ours"], run["pulse"]
    return (
        f"{name:10}{mine['cells']:6} cells  ours {mine['cpu_seconds']:6.2f} s, error {mine['error_mm']:.4f} mm   "
        f"pulse {peer['cpu_seconds']:6.2f} s in {peer['steps']} steps, error {peer['error_mm']:.4f} mm   "
        f"ratio {ratio(peer, mine)}"
    )


if __name__ == "__main__":
    main()
