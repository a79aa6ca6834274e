"""The elastodynamics benchmark of ten codes (Arostica et al. 2025): its laws, its reader, and steps that fail.

The benchmark itself takes minutes: ``make verify`` runs it (``twinbeat.evidence.dynamics``).
"""

import dolfinx
import numpy as np
import pytest
import ufl
from dicom_samples import needs_shared
from dolfinx import fem
from mpi4py import MPI
from pytest import approx

from twinbeat.evidence import dynamics, fibers
from twinbeat.mechanics.elastodynamics import LEFT, Activation, Case, History, Loads, Material, Pressure, solved
from twinbeat.mechanics.ellipsoid import Ellipsoid, at_quadrature, share
from twinbeat.mechanics.probe import Probe
from twinbeat.mesh import synthetic
from twinbeat.verdicts import Quarantined, Rejected


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
    """The published peaks: 30.62, 29.25, 35.98 and 9.33 mm of p0 (the mean of the peaks is not the mean's peak)."""
    peak = {"mono_step0A": 30.62, "mono_step0B": 29.25, "mono_step1": 35.98, "biv_coarse": 9.33}[name]
    curves = dynamics.published(name)
    assert np.linalg.norm(curves.displacement[:, 0], axis=1).max() == approx(peak, rel=0.01)
    sizes = np.linalg.norm(list(dynamics.published_peaks(name).values()), axis=2)
    assert sizes[:, 0].min() < peak < sizes[:, 0].max()


@needs_shared
def test_peaks_of_teams_are_read():
    """A line of the file: ambit, p1 of both ventricles."""
    found = dynamics.published_peaks("biv_coarse")
    assert len(found) == 9 and found["ambit"].shape == (3, 3)
    assert found["ambit"][1] == approx([12.836, -0.923, 3.130])


def test_peaks_are_where_displacements_are_largest():
    """The first point at the second time, the second at the first; half as far off as a displacement is long."""
    displacement = np.array([[[1, 0, 0], [0, 4, 0]], [[0, 0, 2], [0, 1, 0]]], float)
    found = dynamics.peaks(History(np.arange(2.0), displacement, 0, 0))
    assert found == approx(np.array([[0, 0, 2], [0, 4, 0]]))
    assert dynamics.apart(found, 2 * found) == approx(0.5)


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
