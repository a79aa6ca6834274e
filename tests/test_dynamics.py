"""Inertia, viscosity, dashpots: closed solutions and orders in time."""

from dataclasses import replace

import dolfinx
import numpy as np
import pytest
import ufl
from dolfinx import fem
from mpi4py import MPI
from pytest import approx

from twinbeat.materials import HolzapfelOgden, NeoHooke, compressible, viscous
from twinbeat.mechanics import vibration
from twinbeat.mechanics.motion import Motion, Support, Wall
from twinbeat.mechanics.probe import Probe
from twinbeat.mechanics.problems import CLAMPED, box
from twinbeat.mechanics.timescheme import BENCHMARK, GeneralisedAlpha
from twinbeat.verdicts import Quarantined

COMM = MPI.COMM_WORLD
SIDES = 5  # tag of the faces of a box that are neither z = 0 nor x = 0


def block(*supports: Support, loaded: tuple[int, ...] = (), viscosity: float = 0.0) -> Motion:
    """A cube of 1 mm^3 and 1 mg, so stiff (1 MPa) that it hardly deforms."""
    domain, tags = box(COMM, (1.0, 1.0, 1.0), (2, 2, 2), "tetrahedron")
    wall = Wall(NeoHooke(1000.0), 1.0, viscosity, 1000.0, supports)
    fiber = fem.Constant(domain, (1.0, 0.0, 0.0))
    return Motion(domain, tags, wall, fiber, loaded=loaded, tolerance=1e-10)


def centre(motion: Motion) -> np.ndarray:
    """Displacement (3,) in mm of the middle of the cube."""
    return Probe(motion.domain, np.array([[0.5, 0.5, 0.5]]))(motion.u)[0]


# --- the scheme in time


def test_radius_of_the_benchmark_is_two_thirds():
    """Chung and Hulbert 1993, eq. 25: alpha_m = (2 r - 1)/(r + 1), alpha_f = r/(r + 1) are 0.2 and 0.4 at r = 2/3."""
    scheme = GeneralisedAlpha.of_radius(2 / 3)
    assert (scheme.alpha_m, scheme.alpha_f) == approx((BENCHMARK.alpha_m, BENCHMARK.alpha_f))
    assert (scheme.gamma, scheme.beta) == approx((0.7, 0.36))


@pytest.mark.parametrize("radius", [0.0, 0.5, 2 / 3, 1.0])
def test_spectral_radius_at_high_frequency(radius):
    """u'' = -w^2 u with w dt = 1e5: the step as a matrix of (u, dt v, dt^2 a) has the asked-for spectral radius.

    It is approached like the cube root of 1 / (w dt)^2 at most, where a triple eigenvalue splits.
    """
    scheme, stiffness = GeneralisedAlpha.of_radius(radius), 1e10
    columns = []
    for state in np.eye(3):
        acceleration = scheme.slopes(1.0)[1]
        _, push = scheme.history(1.0, *state)
        between = -push / (acceleration + stiffness)
        columns.append(scheme.advance(1.0, between, *state))
    assert np.abs(np.linalg.eigvals(np.array(columns).T)).max() == approx(radius, abs=3e-3)


@pytest.mark.parametrize("radius", [-0.1, 1.1])
def test_a_radius_beyond_the_unit_interval_is_refused(radius):
    with pytest.raises(ValueError, match="expected a spectral radius from 0 to 1"):
        GeneralisedAlpha.of_radius(radius)


def test_predicted_and_advanced_agree_for_a_constant_velocity():
    """u = u0 + v t is integrated exactly."""
    u0, v0, a0 = (np.array([x]) for x in (1.0, 2.0, 0.0))
    u, v, a = BENCHMARK.advance(0.5, BENCHMARK.predict(0.5, u0, v0), u0, v0, a0)
    assert (u[0], v[0], a[0]) == approx((2.0, 2.0, 0.0))


# --- known motions, which tell whether the units fit


def test_bar_has_its_frequency():
    """A bar of 10 mm with E = 20 kPa and the density of water: c = sqrt(20 kPa / 1000 kg/m^3) = 4.472 m/s, and a period
    of 4 L / c = 8.944 ms. The error is that of the step, (w dt)^2 / 12 and some: 1.5e-4 with 200 of them a period."""
    assert vibration.period_ratio() == approx(1.0, abs=3e-4)


def test_order_in_the_time_step():
    """Generalised-alpha is of second order; steps of 0.2, 0.1 and 0.05 ms tell it from 1 or 3."""
    assert vibration.order() == approx(2.0, abs=0.05)


@pytest.mark.parametrize("viscosity", [0.0, 20.0])
def test_balance_of_energy(viscosity):
    """Kinetic + stored + dissipated energy stays but for an error of second order."""
    coarse, fine = (vibration.balance_gap(viscosity, steps) for steps in (40, 80))
    assert np.log2(coarse / fine) == approx(2.0, abs=0.05)
    assert fine < 2e-3


@pytest.mark.mpi
@pytest.mark.parametrize("normal", [False, True])
def test_block_on_springs_and_dashpots(normal):
    """1 mg on springs of 4 kPa/mm and dashpots of 0.4 kPa ms/mm over 1 mm^2 of the face z = 0 is a damped oscillator,
    u'' + 0.4 u' + 4 u = 0; with normal supports what moves along the face is not held."""
    motion = block(Support(1, 4.0, 0.4, normal))
    motion.v.interpolate(lambda x: np.stack([0.1 + 0 * x[0], 0 * x[0], 0.1 + 0 * x[0]]))
    motion.start()
    for _ in range(40):
        motion.step(0.025)
    along, _, across = centre(motion)
    w = np.sqrt(4 - 0.2**2)
    damped = 0.1 / w * np.exp(-0.2) * np.sin(w)
    assert across == approx(damped, rel=0.02)  # the cube of 1 MPa gives way by 4 kPa / 1 MPa as well
    if normal:
        assert along == approx(0.1, rel=1e-3)


@pytest.mark.mpi
def test_pressure_pushes_a_free_block():
    """0.01 kPa on 1 mm^2 is 0.01 mN, which speeds 1 mg up by 0.01 mm/ms^2: 0.02 mm after 2 ms, against the normal."""
    motion = block(loaded=(1,))
    motion.pressures[1].value = 0.01
    motion.start()
    for _ in range(20):
        motion.step(0.1)
    assert motion.time == approx(2.0)
    assert centre(motion) == approx([0, 0, 0.02], abs=2e-4)


def test_a_clamped_face_stays():
    domain, tags = box(MPI.COMM_SELF, (1.0, 1.0, 1.0), (1, 1, 1), "hexahedron")
    fiber = fem.Constant(domain, (1.0, 0.0, 0.0))
    motion = Motion(domain, tags, Wall(NeoHooke(10.0), 1.0, 1.0, 10.0), fiber, clamped=CLAMPED)
    motion.tension.value = 1.0
    motion.step(1.0)
    faces = np.array([[0.0, 0.3, 0.3], [1.0, 0.5, 0.5]])
    held, free = Probe(domain, faces)(motion.u)
    assert held == approx(np.zeros(3), abs=1e-12)
    assert free[0] < -1e-3  # the tension along x shortens it


def test_what_cannot_be_solved_is_quarantined_and_left_as_it_was():
    """100 kPa at once, within 10 ms, on a block of 1 kPa."""
    domain, tags = box(MPI.COMM_SELF, (1.0, 1.0, 1.0), (1, 1, 1), "hexahedron")
    fiber = fem.Constant(domain, (1.0, 0.0, 0.0))
    motion = Motion(domain, tags, Wall(NeoHooke(1.0), 1.0, 0.0, 100.0), fiber, loaded=(1, SIDES), clamped=CLAMPED)
    motion.pressures[SIDES].value, motion.pressures[1].value = -1e5, 1e5
    with pytest.raises(Quarantined, match="no 30 steps of the chord method"):
        motion.step(10.0)
    assert motion.time == 0 and not motion.u.x.array.any()


# --- laws


def strained(energy, stretch: float) -> float:
    """An energy of F = diag(s, 1/sqrt s, 1/sqrt s)."""
    domain = dolfinx.mesh.create_unit_cube(MPI.COMM_SELF, 1, 1, 1)
    F = ufl.diag(ufl.as_vector([fem.Constant(domain, float(s)) for s in (stretch, stretch**-0.5, stretch**-0.5)]))
    return fem.assemble_scalar(fem.form(energy(F) * ufl.dx(domain)))


@pytest.mark.parametrize("stretch", [0.9, 1.1])
def test_smooth_law_becomes_the_sharp_one(stretch):
    """With k = 1e4, 1 / (1 + exp(-k (I4 - 1))) is a step at I4 = 1 but for exp(-2000)."""
    f0, s0 = ufl.as_vector([1.0, 0.0, 0.0]), ufl.as_vector([0.0, 1.0, 0.0])
    sharp = HolzapfelOgden(0.059, 8.0, 18.5, 16.0, 2.5, 11.0, 0.2, 11.4)
    smooth = replace(sharp, steepness=1e4)
    values = [strained(lambda F, law=law: law.energy(F, f0, s0), stretch) for law in (sharp, smooth)]
    assert values[1] == approx(values[0], rel=1e-9)


def test_smooth_law_bears_half_where_it_switches():
    """Just above I4 = 1 the factor is 1/2."""
    f0, s0 = ufl.as_vector([1.0, 0.0, 0.0]), ufl.as_vector([0.0, 1.0, 0.0])
    sharp = HolzapfelOgden(0.0, 8.0, 18.5, 16.0, 0.0, 11.0, 0.0, 11.4)
    values = [strained(lambda F, k=k: replace(sharp, steepness=k).energy(F, f0, s0), 1 + 1e-5) for k in (None, 100.0)]
    assert values[1] / values[0] == approx(0.5, abs=1e-3)


def test_bulk_modulus():
    """bulk/4 (J^2 - 1 - 2 ln J) = bulk/2 (J - 1)^2 + O((J - 1)^3)."""
    domain = dolfinx.mesh.create_unit_cube(MPI.COMM_SELF, 1, 1, 1)
    F = fem.Constant(domain, (1 + 1e-3) ** (1 / 3)) * ufl.Identity(3)
    assert fem.assemble_scalar(fem.form(compressible(7.0, F) * ufl.dx)) == approx(3.5e-6, rel=1e-3)


def test_viscous_stress_of_shear():
    """F = I sheared at the rate g: Edot has g/2 off its diagonal, and S = eta Edot; a rotation at any rate has none."""
    domain = dolfinx.mesh.create_unit_cube(MPI.COMM_SELF, 1, 1, 1)
    rate = fem.Constant(domain, np.array([[0.0, 0.2, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    S = viscous(3.0, ufl.Identity(3), rate)
    turn = viscous(3.0, ufl.Identity(3), rate - rate.T)
    found = [fem.assemble_scalar(fem.form(x * ufl.dx)) for x in (S[0, 1], S[0, 0], turn[0, 1])]
    assert found == approx([0.3, 0.0, 0.0])
