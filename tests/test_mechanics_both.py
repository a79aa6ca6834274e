"""Both ventricles in one mesh: two cavities, each with its pressure and its volume."""

from itertools import pairwise

import numpy as np
import pytest
import ufl
from dolfinx import fem
from hearts import biventricle
from mpi4py import MPI
from petsc4py import PETSc
from pytest import approx

from twinbeat import fibers, mesh
from twinbeat.fibers.regions import LEFT_WALL, RIGHT_WALL
from twinbeat.kinematics import deformation_gradient
from twinbeat.mechanics import Ventricle, from_anatomy, springs
from twinbeat.mechanics.anatomy import turning
from twinbeat.mechanics.newton import Newton
from twinbeat.parameters import Fibers, Mechanics

COMM = MPI.COMM_WORLD
LOOSE = {"pericardium": "0 kPa/mm"}
FILLED = np.array([1.2, 0.6])  # kPa, left and right


def anatomy(comm=COMM):
    """8 mm tetrahedra: two layers across the left wall, one across the right."""
    return comm.bcast(fibers.assign(biventricle(8.0, 2), Fibers()) if comm.rank == 0 else None)


def heart(comm=COMM, **chosen: str) -> Ventricle:
    found, _ = from_anatomy(anatomy(comm), Mechanics(elements="equal-order", **chosen), comm)
    found.newton.tolerance = 1e-8
    return found


def contract(both: Ventricle, volumes: np.ndarray, tension: float = 20.0) -> np.ndarray:
    """Pressures (kPa) at volumes (mL) with a tension (kPa) everywhere, from the unloaded shape of FILLED."""
    both.unload(FILLED)
    both.tension.x.array[:] = tension
    return both.solve_volume(lambda _: (volumes, 0.0))


@pytest.fixture(scope="module")
def held():
    """Contracted to 90 % of the left and 80 % of the right end-diastolic volume."""
    both = heart()
    full = both.volumes()
    return both, full, contract(both, full * [0.9, 0.8])


def test_volumes_are_those_under_the_base():
    """At rest: by the divergence theorem over the triangles of each endocardium, under the plane z = 0."""
    found, whole = heart().volumes(), anatomy()
    points, facets, tags = (whole[name].values for name in ("points", "facets", "facet_tags"))
    expected = [abs(mesh.measures.volume_below(points, facets[tags == tag])) for tag in (1, 4)]
    assert found == approx(expected, rel=1e-10)


def test_fibres_turn_in_both_walls_alike():
    """From 60 to -60 degree in each, within 5 (the rule blends fields that are harmonic only on fine meshes); where the
    depth in the right wall is that of the left one, at their border, they do not."""
    whole = anatomy()
    turn, tags, cells = turning(whole), whole["cell_tags"].values, whole["cells"].values
    bordering = np.isin(cells, cells[tags == LEFT_WALL]).any(axis=1) & (tags == RIGHT_WALL)
    assert (turn[bordering] == 0).all() and 0 < bordering.sum() < (tags == RIGHT_WALL).sum()
    for wall in (LEFT_WALL, RIGHT_WALL):
        assert np.degrees(np.median(turn[(tags == wall) & ~bordering])) == approx(-120, abs=5)


def test_a_move_of_the_whole_heart_changes_no_volume():
    """Each lid goes with the base of its own wall: nothing changes in a translation."""
    both = heart()
    rest = both.volumes()
    both.state.sub(0).interpolate(lambda x: np.array([[3.0], [-2.0], [5.0]]) + 0 * x)
    assert both.volumes() == approx(rest, rel=1e-12)


def test_slopes_are_the_differences_of_the_volumes(held):
    """dV(v) of both cavities against central differences in a random direction, which are off by h² (1e-4 mm here)."""
    both, _, _ = held
    state, rng = both.state.x.array.copy(), np.random.default_rng(COMM.rank)
    direction = both.state.x.petsc_vec.duplicate()
    direction.setArray(rng.standard_normal(direction.getLocalSize()))
    ahead, behind = [], []
    for h, found in ((1e-4, ahead), (-1e-4, behind)):
        both.state.x.array[: direction.getLocalSize()] = state[: direction.getLocalSize()] + h * direction.array_r
        both.state.x.scatter_forward()
        found += [1000 * volume for volume in both.volumes()]
    both.state.x.array[:] = state
    both.volumes()
    slopes = [cavity.slope().dot(direction) for cavity in both.cavities]
    assert (np.array(ahead) - behind) / 2e-4 == approx(slopes, rel=1e-6)


@pytest.mark.mpi
def test_volumes_are_held(held):
    """Both constraints are met to Newton's tolerance; 20 kPa of tension hold pressure in both, the thin wall less."""
    both, full, pressures = held
    assert both.volumes() == approx(full * [0.9, 0.8], rel=1e-8)
    assert 0 < pressures[1] < pressures[0]


def test_pressures_found_give_the_volumes(held):
    """The same equilibrium from the unloaded shape with the pressures given instead of the volumes."""
    both, full, pressures = held
    found = both.snapshot()
    both.unload(FILLED)
    both.tension.x.array[:] = 20.0
    both.press(pressures)
    both.solve()
    assert both.volumes() == approx(full * [0.9, 0.8], rel=1e-7)
    both.restore(found)


def test_newton_converges_quadratically(held):
    """Of the bordered system with two multipliers: with e1 = C e0², e2 = C e1². A wrong entry of the Jacobian would
    make the steps shrink by one and the same share."""
    both, full, _ = held
    start, lengths = both.snapshot(), []
    newton = Newton(both, iterations=7)
    advance = newton._advance

    def watched(step, rise, law, reference):
        lengths.append(max(step.norm(PETSc.NormType.INFINITY), np.abs(rise).max()))
        return advance(step, rise, law, reference)

    newton._advance = watched
    newton.equilibrium(lambda _: (full * [0.88, 0.78], 0.0), 1e-10)
    both.restore(start)
    assert lengths[1] < 0.1 * lengths[0]
    assert lengths[2] < 3 * (lengths[1] / lengths[0] ** 2) * lengths[1] ** 2


def test_each_cavity_feels_the_other_alike(held):
    """Maxwell's reciprocity: dV_left/dp_right = dV_right/dp_left, as both loads are derivatives of one energy; a fuller
    right ventricle pushes the septum into the left one, whose volume falls."""
    both, _, _ = held
    slopes = [cavity.slope() for cavity in both.cavities]
    moved = [both.jacobian.solve(slope) for slope in slopes]
    compliance = np.array([[slope.dot(move) for move in moved] for slope in slopes])
    assert compliance[0, 1] == approx(compliance[1, 0], rel=1e-6)
    assert compliance[0, 1] < 0 < min(compliance[0, 0], compliance[1, 1])


def test_work_of_both_pressures_is_the_energy(held):
    """Ejection at a constant tension: the sum of both p dV over a path is what walls and springs store, with the
    trapezoidal rule to second order, so that half the steps leave a fourth of the error."""
    both, full, _ = held
    start, energy, left = both.snapshot(), fem.form(potential(both)), {}
    path = full * np.linspace([0.9, 0.8], [0.8, 0.6], 9)
    states = []
    for volumes in path:
        pressures = both.solve_volume(lambda _, volumes=volumes: (volumes, 0.0))
        states.append((volumes * 1000, pressures, fem.assemble_scalar(energy)))
    both.restore(start)
    stored = states[-1][2] - states[0][2]
    for step in (2, 1):
        pairs = pairwise(states[::step])
        work = sum(float((a[1] + b[1]) / 2 @ (b[0] - a[0])) for a, b in pairs)
        left[step] = work / stored - 1
    assert left[1] == approx(0, abs=1e-3)
    assert left[2] / left[1] == approx(4, rel=0.2)


def potential(both: Ventricle):
    """Energy (mJ/1000) of walls and springs; with the multiplier's part, of which equilibria are the saddle points."""
    (w, p), U = ufl.split(both.state), ufl.split(both.reference)[0]
    G = ufl.Identity(3) + ufl.grad(U)
    F, d = deformation_gradient(w, ufl.inv(G)), w - U
    wall = both.energy(F, p, *both.axes(G))
    wall -= both.pair.compliance(both.mechanics) / 2 * both.pair.variation(both.domain, p, p)
    around = springs.pericardium(both.pericardium, d, d, G, both.ds) + springs.base(both.mechanics, d, d, G, both.ds)
    return wall * ufl.det(G) * both.dx + 0.5 * around


def test_unloading_is_the_way_back():
    """Loaded with both pressures, the unloaded shape is the mesh again."""
    both = heart()
    full = both.volumes()
    both.unload(FILLED)
    both.restore(both.snapshot())
    mesh_again = both.snapshot()
    both.press(np.zeros(2))
    both.solve()
    assert (both.volumes() < 0.95 * full).all()
    both.press(FILLED)
    both.solve()
    assert both.volumes() == approx(full, rel=1e-7)
    assert both.state.x.array == approx(mesh_again.state, abs=1e-6)


def test_without_the_right_wall_it_is_the_left_ventricle_alone():
    """With a right wall of a thousandth of the stiffness, no pressure in it and no pericardium, the left ventricle
    fills as the mesh of its wall alone does."""
    whole = anatomy()
    cells = whole["cells"].values[whole["cell_tags"].values == LEFT_WALL]
    used = np.unique(cells)
    renumber = np.zeros(whole.sizes["point"], np.int64)
    renumber[used] = np.arange(len(used))
    facets, tags = whole["facets"].values, whole["facet_tags"].values
    own = np.isin(facets, used).all(axis=1) & (tags != 4)
    alone = (
        whole.isel(point=used, cell=whole["cell_tags"].values == LEFT_WALL, facet=own)
        .drop_vars(["cells", "facets"])
        .assign(cells=(("cell", "corner"), renumber[cells]), facets=(("facet", "facet_corner"), renumber[facets[own]]))
    )
    left, _ = from_anatomy(alone, Mechanics(elements="equal-order", **LOOSE), MPI.COMM_SELF)
    both = heart(MPI.COMM_SELF, **LOOSE)
    both.stiffening.x.array[both.right.x.array == 1] = 1e-3
    for one, pressure in ((left, 1.2), (both, np.array([1.2, 0.0]))):
        one.press(pressure)
        one.solve()
    assert both.cavity_volume() == approx(left.cavity_volume(), rel=5e-3)


@pytest.mark.mpi
def test_one_rank_is_as_many(held):
    if COMM.size == 1:
        pytest.skip("compares several ranks with one")
    _, full, pressures = held
    assert contract(heart(MPI.COMM_SELF), full * [0.9, 0.8]) == approx(pressures, rel=1e-7)
