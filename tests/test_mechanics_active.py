"""Active strain: bars by hand, tangents against differences, and what it shares with active stress."""

import numpy as np
import pytest
import ufl
from dolfinx import fem
from mpi4py import MPI
from pytest import approx

from twinbeat.materials import LAWS, ActiveStrain
from twinbeat.mechanics import Sensitivity, Tension, Ventricle, problems, ventricle
from twinbeat.mechanics.problems import FREE
from twinbeat.parameters import Mechanics
from twinbeat.units import MM3_PER_ML

COMM = MPI.COMM_WORLD
STIFFNESS = {"guccione": 2.0, "holzapfel-ogden": 0.059, "neo-hooke": 5.0}
SHORT = 0.8
DRIVE = 2 * (np.exp(2.5) - 1)
"""That shortens fibres to 0.8: they stretch the series element by 1 / 0.8 - 1 = 0.25 = 0.1 ln(1 + T / 2 kPa)."""


def test_shortening_by_hand():
    """22.4 kPa: 0.8. Fe is the identity where F is Fa = diag(0.8, 0.8^-1/2, 0.8^-1/2), det Fa = 1."""
    fibre = ufl.as_vector([1.0, 0.0, 0.0])
    strain, Fa = ActiveStrain(DRIVE, 2.0, 0.1), np.diag([SHORT, SHORT**-0.5, SHORT**-0.5])
    Fe = strain.elastic(ufl.as_matrix(Fa.tolist()), fibre)
    assert np.array([Fe[i](()) for i in np.ndindex(3, 3)]).reshape(3, 3) == approx(np.eye(3), abs=1e-12)
    assert float(ufl.as_ufl(strain.shortened())) == approx(SHORT, rel=1e-12)
    assert np.linalg.det(Fa) == approx(1.0)


def bar(law: str, monkeypatch: pytest.MonkeyPatch, ends: tuple[float, ...], **chosen: str) -> Ventricle:
    """A bar of 4 x 1 x 1 mm with fibres along x, which rests on rollers at y = 0 and z = 0; x is held at ``ends``."""

    def rollers(space: fem.FunctionSpace, *_: object) -> list[fem.DirichletBC]:
        found = []
        for axis, planes in enumerate((ends, (0.0,), (0.0,))):
            part = space.sub(0).sub(axis)
            still = fem.Function(part.collapse()[0])
            for plane in planes:
                spaces = (part, still.function_space)
                dofs = fem.locate_dofs_geometrical(spaces, lambda x, axis=axis, plane=plane: np.isclose(x[axis], plane))
                found.append(fem.dirichletbc(still, dofs, part))
        return found

    monkeypatch.setattr(ventricle, "clamp", rollers)
    domain, tags = problems.box(MPI.COMM_SELF, (4.0, 1.0, 1.0), (2, 1, 1), "tetrahedron")
    fiber, sheet = problems.along_x(domain), fem.Function(fem.functionspace(domain, ("DG", 0, (3,))))
    sheet.x.array.reshape(-1, 3)[:, 1] = 1.0
    mechanics = Mechanics(law=law, active="strain", **FREE, **chosen)
    solid = Ventricle(domain, tags, fiber, mechanics, sheet=sheet, lid=False)
    solid.stiffness.value, solid.tension.x.array[:] = STIFFNESS[law], DRIVE
    return solid


@pytest.mark.parametrize(("law", "elements"), [*((law, "taylor-hood") for law in LAWS), ("guccione", "equal-order")])
def test_a_free_bar_shortens_without_stress(law, elements, monkeypatch):
    """Every point moves as Fa says, 20 % along and 1 / sqrt(0.8) - 1 across, and no force acts on any node, held or
    not."""
    solid = bar(law, monkeypatch, (0.0,), elements=elements)
    solid.solve()
    expected = fem.Function(solid.space)
    expected.sub(0).interpolate(lambda x: np.diag([SHORT - 1, SHORT**-0.5 - 1, SHORT**-0.5 - 1]) @ x)
    assert solid.displacement().x.array == approx(expected.sub(0).collapse().x.array, abs=1e-8)
    solid.bcs = []
    assert np.abs(solid.residual().array).max() < 1e-6


def isometric(law: str) -> float:
    """Stress (kPa) of a bar of constant length, -a dw/da with the energy w(a) of Fe = diag(1 / a, sqrt(a), sqrt(a)).

    With P = dW/dFe Fa^-T and no stress across, P_ff - P_tt = W_f / a - W_t sqrt(a), and dw/da = -W_f / a^2 +
    W_t / sqrt(a) for both directions across together. Central differences: 1e-9 of it.
    """
    passive = LAWS[law](Mechanics(), STIFFNESS[law])

    def w(a: float) -> float:
        Fe = ufl.as_matrix(np.diag([1 / a, a**0.5, a**0.5]).tolist())
        return passive.energy(Fe, ufl.as_vector([1.0, 0, 0]), ufl.as_vector([0, 1.0, 0]))(())

    h = 1e-4 * SHORT
    return -SHORT * (w(SHORT + h) - w(SHORT - h)) / (2 * h)


def test_isometric_stress_by_hand():
    """mu (a^-2 - a) for neo-Hooke, w = mu/2 (a^-2 + 2 a - 3): 5 kPa (1.5625 - 0.8) = 3.8125 kPa."""
    assert isometric("neo-hooke") == approx(3.8125, rel=1e-6)


@pytest.mark.parametrize("law", ["guccione", "neo-hooke"])
def test_an_isometric_bar_pulls_at_its_ends(law, monkeypatch):
    """Held at both ends it stays as it is, and pulls with the isometric stress on its 1 mm^2. (Sheets across bear
    tension only, so that the orthotropic law has no such state.)"""
    solid = bar(law, monkeypatch, (0.0, 4.0))
    solid.solve()
    assert np.abs(solid.displacement().x.array).max() < 1e-9
    part = solid.space.sub(0).sub(0)
    end = fem.locate_dofs_geometrical((part, part.collapse()[0]), lambda x: np.isclose(x[0], 4.0))[0]
    solid.bcs = []
    assert solid.residual().array[end].sum() == approx(isometric(law), rel=1e-6)


def test_small_strains_are_those_of_active_stress():
    """With T0 / e = C (bf + bt/2), the modulus of fibres at small strain, 9 C = 18 kPa, both are the same to first
    order: what they differ by falls with the tension, T / 2 T0 of it being 0.6 % at 0.02 kPa and 6 % at 0.2 kPa."""
    volumes = {}
    for active in ("stress", "strain"):
        heart, _, _ = problems.human(COMM, 20.0, 1, active=active, series_tension="1.8 kPa")
        heart.stiffness.value = 2.0
        at_rest = heart.cavity_volume()
        for tension in (0.02, 0.2):
            heart.tension.x.array[:] = tension
            heart.solve()
            volumes[active, tension] = heart.cavity_volume() - at_rest
    off = [volumes["strain", tension] / volumes["stress", tension] - 1 for tension in (0.02, 0.2)]
    assert abs(off[0]) < 0.01 and abs(off[1]) < 0.1
    assert off[1] / off[0] == approx(10, rel=0.2)


@pytest.fixture
def ejecting() -> Ventricle:
    """Unloaded from 1.2 kPa, contracted by 100 kPa against 12 kPa."""
    heart, _, _ = problems.human(COMM, 20.0, 1, active="strain")
    heart.newton.tolerance = 1e-9
    heart.stiffness.value = 2.0
    heart.unload(1.2)
    heart.tension.x.array[:], heart.pressure.value = 100.0, 12.0
    heart.solve()
    return heart


@pytest.mark.mpi
def test_an_ellipsoid_ejects(ejecting):
    """Of the 111 mL that it holds at 1.2 kPa it has thrown out more than a fifth against 12 kPa, and holds that volume
    at that pressure."""
    assert ejecting.cavity_volume() < 0.8 * 111
    volume = ejecting.cavity_volume()
    ejecting.pressure.value = 10.0
    ejecting.solve()
    assert ejecting.solve_volume(lambda p: (volume, 0.0)) == approx(12.0, rel=1e-6)


@pytest.mark.mpi
def test_a_volume_is_held_by_the_tension(ejecting):
    """One half of the wall develops 60 % of what the other does. At the volume and pressure of 100 kPa that tension is
    found again from 70 kPa; the pressure does not move."""
    heart = ejecting
    regions = (np.arange(heart.tension.x.array.size) % 2).astype(np.int32)
    shares = np.array([1.0, 0.6])
    heart.tension.x.array[:] = 100 * shares[regions]
    heart.solve()
    volume = heart.cavity_volume()
    heart.tension.x.array[:] = 70 * shares[regions]
    heart.solve()
    assert heart.cavity_volume() > 1.1 * volume
    sensitivity = Sensitivity(heart, np.ones(regions.size), regions, 2)
    tension = Tension(sensitivity, shares, shares[regions], 70.0)
    assert heart.solve_volume(lambda _: (volume, 0.0), tension) == 12.0
    assert tension.value == approx(100, rel=1e-6)
    assert heart.tension.x.array == approx(100 * shares[regions], rel=1e-6)
    assert heart.cavity_volume() == approx(volume, rel=1e-8)


@pytest.mark.mpi
@pytest.mark.parametrize("what", ["tension", "stiffness"])
def test_tangents_pass_a_taylor_test(ejecting, what):
    """V(x + h) - V(x) - h V' falls with h^2, by the tension (h in kPa) and by ln C, the unloaded shape held."""
    heart, (C, V) = ejecting, (2.0, ejecting.cavity_volume())
    sensitivity = Sensitivity(heart, np.ones(heart.tension.x.array.size))
    partial = sensitivity.to_tension()[0] if what == "tension" else sensitivity.to_stiffness()
    slope = -heart.cavities[0].slope().dot(heart.jacobian.solve(partial)) / MM3_PER_ML
    step, remainders = 4.0 if what == "tension" else 0.05, []
    for h in (step, step / 2):
        heart.tension.x.array[:] = 100.0 + h * (what == "tension")
        heart.stiffness.value = C * np.exp(h * (what == "stiffness"))
        heart.solve()
        remainders.append(heart.cavity_volume() - V - h * slope)
    assert np.log2(remainders[0] / remainders[1]) == approx(2.0, abs=0.1)
