"""Inertia, viscosity, dashpots: closed solutions, orders in time, and the laws of the elastodynamics benchmark.

The benchmark itself takes minutes: ``make verify`` runs it (``twinbeat.evidence.dynamics``).
"""

from dataclasses import replace

import dolfinx
import numpy as np
import pytest
import ufl
from dicom_samples import needs_shared
from dolfinx import fem
from mpi4py import MPI
from pytest import approx

from twinbeat.evidence import dynamics, fibers
from twinbeat.materials import HolzapfelOgden, NeoHooke, compressible, viscous
from twinbeat.mechanics import vibration
from twinbeat.mechanics.elastodynamics import LEFT, Activation, Case, History, Loads, Material, Pressure, solved
from twinbeat.mechanics.ellipsoid import Ellipsoid, at_quadrature, share
from twinbeat.mechanics.motion import Motion, Support, Wall
from twinbeat.mechanics.probe import Probe
from twinbeat.mechanics.problems import CLAMPED, box
from twinbeat.mechanics.timescheme import BENCHMARK, GeneralisedAlpha
from twinbeat.mesh import synthetic
from twinbeat.verdicts import Quarantined, Rejected

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


# --- the benchmark


def test_activation_rises_and_falls_as_solved_by_hand():
    """Between t_sys and t_dias tau' = 5 (150 kPa - tau): 150 kPa (1 - exp(-5 t)); after it tau' = -30 tau.

    The switches take some ms (tanh), and a > 0 comes only where f > 6/7, gamma atanh(5/7) = 4.5 ms after t_sys: the
    rise is late by about that.
    """
    tau = solved(Activation(), 1.0)
    assert tau(0.1) == approx(0.0, abs=1.0)
    assert tau(0.36) == approx(150e3 * (1 - np.exp(-5 * (0.2 - 0.0045))), rel=0.01)
    assert tau(0.6) / tau(0.55) == approx(np.exp(-30 * 0.05), rel=1e-3)
    assert solved(None, 1.0)(0.5) == 0


def test_pressure_before_the_systole_is_as_solved_by_hand():
    """a = -30, g = 1, b = -30 + 5 + 1 = -24: p' = -24 p + 7000, 291.7 Pa (1 - exp(-24 t)); LEFT: -10 and 12000."""
    for law, rate, source in ((Pressure(), 24.0, 7000.0), (LEFT, 10.0, 12000.0)):
        p = solved(law, 1.0)
        assert p(0.1) == approx(source / rate * (1 - np.exp(-rate * 0.1)), rel=1e-4)


def test_units_of_the_benchmark():
    """1e8 Pa/m = 100 kPa/mm, 5e3 Pa s/m = 5 kPa ms/mm, 100 Pa s = 100 kPa ms, 1000 kg/m^3 = 1 mg/mm^3."""
    wall = Material().wall()
    epicardium, base = wall.supports
    assert (epicardium.spring, epicardium.dashpot, base.spring, base.dashpot) == approx((100.0, 5.0, 0.1, 5.0))
    assert (wall.viscosity, wall.bulk, wall.density, wall.law.a_f) == approx((100.0, 1000.0, 1.0, 18.472))


@pytest.fixture(scope="module")
def ellipsoid() -> dynamics.Setup:
    """The benchmark's ellipsoid in a few large tetrahedra, filled and contracting at once for 4 steps of 5 ms."""
    anatomy = synthetic.ellipsoid(25.0, 1, (25.0, 35.0), (90.0, 97.0), fibers.HEIGHT)
    early = Activation(t_sys=0.0), Pressure(t_sys_pre=0.0)
    case = Case(activation=early[0], pressures={1: early[1]}, points=((-0.02, 0.03, 0.0),), duration=0.02, dt=5e-3)
    return dynamics.Setup(case, *dynamics.mono(anatomy, Ellipsoid()))


def test_fibres_of_the_ellipsoid(ellipsoid):
    """Unit vectors, perpendicular to each other; from -60 to 60 degree by the share t of the wall from within.

    The circumferential direction is that of the ellipsoid exactly, so that the fibre has cos alpha of it.
    """
    f, s = (values.x.array.reshape(-1, 3) for values in (ellipsoid.fiber, ellipsoid.sheet))
    assert np.linalg.norm(f, axis=1) == approx(np.ones(len(f)))
    assert np.sum(f * s, axis=1) == approx(np.zeros(len(f)), abs=1e-12)
    x, t = ufl.SpatialCoordinate(ellipsoid.domain), share(ellipsoid.domain, ellipsoid.facet_tags)
    x, t = (at_quadrature(ellipsoid.domain, e).x.array.reshape(-1, 3) for e in (x, ufl.as_vector([t, t, t])))
    around = np.cross([1.0, 0, 0], x * [0, 1, 1])
    around /= np.linalg.norm(around, axis=1)[:, None]
    assert np.sum(f * around, axis=1) == approx(np.cos(np.radians(-60 + 120 * t[:, 0])))
    assert t.min() < 0.2 and t.max() > 0.8


def test_a_case_runs(ellipsoid):
    """A quarter of the peak tension moves the wall by millimetres in 20 ms; the history starts at rest."""
    history = ellipsoid.run()
    assert history.displacement.shape == (5, 1, 3) and history.time == approx([0, 0.005, 0.01, 0.015, 0.02])
    assert not history.displacement[0].any()
    assert 0.1 < np.linalg.norm(history.displacement[-1]) < 20


def test_a_point_outside_is_rejected(ellipsoid):
    with pytest.raises(Rejected, match="point-outside"):
        Probe(ellipsoid.domain, np.array([[0.0, 0.0, 0.0]]))


class Stubborn:
    """A motion whose steps fail while they are longer than ``limit`` ms."""

    pressures: dict = {}  # noqa: RUF012

    def __init__(self, limit: float) -> None:
        self.limit, self.time, self.steps, self.tension = limit, 0.0, [], fem.Constant(_cube(), 0.0)

    def between(self, dt: float) -> float:
        return self.time + dt

    def step(self, dt: float) -> int:
        if dt > self.limit:
            raise Quarantined("mechanics-diverged", "too long")
        self.time += dt
        self.steps.append(dt)
        return 1


def _cube() -> dolfinx.mesh.Mesh:
    return dolfinx.mesh.create_unit_cube(MPI.COMM_SELF, 1, 1, 1)


def test_steps_that_fail_are_halved():
    motion = Stubborn(0.3)
    loads = Loads(motion, lambda t: 2000.0 * t, {})
    loads.advance(1.0)
    assert motion.steps == [0.25] * 4 and loads.iterations == 4
    assert float(motion.tension) == approx(2e-3)  # kPa: 2000 Pa/s over 1 ms


def test_steps_that_fail_for_good_stop_the_case():
    with pytest.raises(Quarantined, match="too long"):
        Loads(Stubborn(0.0), lambda t: 0.0, {}).advance(1.0)


def test_deviation_from_the_mean():
    """Ours twice the mean: 1; only times of the curves within our history count."""
    curves = dynamics.Curves(np.linspace(0, 1, 11), np.ones((11, 2, 3)))
    ours = History(np.linspace(0, 0.5, 6), np.stack([2 * np.ones((6, 3)), np.ones((6, 3))], axis=1), 0, 0)
    assert dynamics.deviations(ours, curves) == approx([1.0, 0.0])


@needs_shared
@pytest.mark.parametrize("name", dynamics.CASES)
def test_published_curves_are_read(name):
    """The peaks of BENCHMARKS: 30.62, 29.25, 35.98 and 9.33 mm of p0 (the mean of the peaks is not the mean's peak)."""
    peak = {"mono_step0A": 30.62, "mono_step0B": 29.25, "mono_step1": 35.98, "biv_coarse": 9.33}[name]
    curves = dynamics.published(name)
    assert np.linalg.norm(curves.displacement[:, 0], axis=1).max() == approx(peak, rel=0.01)
    low, high = dynamics.published_peaks(name)[0]
    assert low < peak < high


@needs_shared
def test_the_published_heart_has_its_frame():
    """The points of the benchmark lie in the walls of the mesh turned back; both cavities bear a pressure. Sheets are
    perpendicular to fibres: the law's shear term is far from 0 at rest where they are not. Fibres turn through the
    circumferential direction from one surface to the other: 0.06 % of those of the file are within 18 degree of the
    long axis (x), and 4 % would be if they turned the short way."""
    setup = dynamics.setup("biv_coarse", dynamics.CASES["biv_coarse"].case)
    Probe(setup.domain, 1e3 * np.array(setup.case.points))
    assert set(setup.case.pressures) <= set(setup.facet_tags.values)
    f, s = (axis.x.array.reshape(-1, 3) for axis in (setup.fiber, setup.sheet))
    assert np.linalg.norm(f, axis=1) == approx(np.ones(len(f)))
    assert (f * s).sum(axis=1) == approx(0, abs=1e-12)
    assert (np.abs(f[:, 0]) > np.cos(np.radians(18))).mean() < 0.01


def test_directions_of_one_cell_are_turned_alike():
    """Of two opposite signs at the corners of a cell, those of its first corner count; lines stay as they are."""
    domain = dolfinx.mesh.create_unit_cube(MPI.COMM_SELF, 2, 2, 2)
    signs = np.where(np.arange(27) % 2, 1.0, -1.0)
    found = dynamics.alike(domain, signs[:, None] * np.array([0.0, 0.6, 0.8])).x.array.reshape(-1, 3)
    corners = found[fem.functionspace(domain, ("Discontinuous Lagrange", 1)).dofmap.list]
    assert corners == approx(np.broadcast_to(corners[:, :1], corners.shape))
    assert np.abs(found) == approx(np.tile([0.0, 0.6, 0.8], (len(found), 1)))
