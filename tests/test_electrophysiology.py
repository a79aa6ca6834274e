"""The monodomain equation: its pieces against hand-derived values, the whole against published velocities."""

import electrical_samples as samples
import numpy as np
import pytest
from pytest import approx

from twinbeat import electrophysiology, fibers
from twinbeat.electrophysiology import niederer, sites, substrate, ventricle
from twinbeat.electrophysiology.assembly import box, conductivity, tetrahedra
from twinbeat.electrophysiology.diffusion import Diffusion, fastest, stages
from twinbeat.electrophysiology.monodomain import Monodomain
from twinbeat.electrophysiology.mosaic import Passive
from twinbeat.electrophysiology.propagation import Stimulus, propagate
from twinbeat.electrophysiology.velocity import DIRECTIONS, Directions, Grid, achieved, lattice, tuned
from twinbeat.evidence import electrophysiology as evidence
from twinbeat.parameters import Electrophysiology, Fibers
from twinbeat.verdicts import Quarantined


def test_box_is_filled_with_positive_tetrahedra():
    """2 x 1 x 1 mm in cubes of 0.5 mm: 16 cubes of six tetrahedra of 0.5³/6 mm³, 5 x 3 x 3 points."""
    points, cells = box((2.0, 1.0, 1.0), 0.5)
    _, volumes = fibers.shape_gradients(points, cells)
    assert (points.shape, cells.shape) == ((45, 3), (96, 4))
    assert volumes == approx(0.5**3 / 6 * np.ones(96))


def test_box_has_the_stencil_of_finite_differences():
    """At an inner point the row is -σ_x h, -σ_y h, -σ_z h for its six neighbours, and the lumped mass is h³."""
    points, cells = box((2.0, 2.0, 2.0), 1.0)
    tissue = tetrahedra(points, cells, np.broadcast_to(np.diag([3.0, 2.0, 1.0]), (len(cells), 3, 3)))
    row = tissue.stiffness[[13]].toarray().ravel()
    assert row[[12, 14, 10, 16, 4, 22]] == approx([-3, -3, -2, -2, -1, -1])
    assert row[13] == approx(12)
    assert np.count_nonzero(row) == 7
    assert tissue.mass[13] == approx(1.0)


def test_oblique_conductivity():
    """Fibres at 45 degrees in the xy plane with 3 along and 1 across: xx = yy = 2, xy = 1."""
    axes = np.array([[[1, 1, 0], [-1, 1, 0], [0, 0, np.sqrt(2)]]]) / np.sqrt(2)
    expected = [[2, 1, 0], [1, 2, 0], [0, 0, 1]]
    assert conductivity(axes, np.array([[3.0, 1.0, 1.0]]))[0] == approx(np.array(expected, dtype=float))


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_lattice_differentiates_a_parabola(direction):
    """The chain is second order: for u = x² along the wave, -K u = 2 σ_along at inner nodes, whatever is across."""
    chain = lattice(2.0, 0.4, 0.9, direction, 60.0)
    slope = -(chain.tissue.stiffness @ chain.position**2)
    inner = (chain.position > 5) & (chain.position < 55)
    assert slope[inner] == approx(2 * 0.4 * np.ones(inner.sum()))


def test_stages_are_the_fewest_stable_ones():
    """s stages are stable for λ dt <= s² + s (Meyer et al. 2014, eq. 6): 2, 6, 12; one at least."""
    assert [stages(limit) for limit in (0.0, 0.1, 2.0, 2.1, 6.0, 6.1, 12.0)] == [1, 1, 1, 2, 2, 3, 3]


def test_diffusion_is_stable_and_keeps_the_charge():
    """A step 40 times beyond the limit of forward Euler neither overshoots nor loses charge."""
    points, cells = box((2.0, 1.0, 1.0), 0.25)
    tissue = tetrahedra(points, cells, np.broadcast_to(evidence.TENSOR, (len(cells), 3, 3)))
    rate = tissue.stiffness.multiply(-1 / tissue.mass[:, None]).tocsr()
    step = 80 / fastest(rate)
    voltage = np.where(points[:, 0] < 0.5, 100.0, 0.0)
    charge = tissue.mass @ voltage
    diffusion = Diffusion(rate, step)
    for _ in range(5):
        voltage = diffusion.advance(voltage, None)
        assert np.abs(voltage - 50).max() < 51
        assert tissue.mass @ voltage == approx(charge, rel=1e-12)


def test_stimulus_brings_its_charge():
    """50 µA/mm³ for 2 ms into the passive slab's corner: Σ m χ C_m V = 50 * 2 * (lumped) stimulated volume, in nC."""
    points, cells = box((2.0, 2.0, 2.0), 0.5)
    tissue = tetrahedra(points, cells, np.broadcast_to(evidence.TENSOR, (len(cells), 3, 3)))
    start = np.where((points < 1.1).all(axis=1), 1.0, np.inf)
    cell = Passive(0.0, np.inf)
    medium = Monodomain(tissue, cell, cell.values(), 0.1, Stimulus(start))
    for _ in range(50):
        medium.advance()
    assert tissue.mass @ medium.voltage * 1.4 == approx(100 * tissue.mass[np.isfinite(start)].sum(), rel=1e-12)


def test_crossing_is_interpolated_in_time():
    """A passive membrane at 0 mV charged at 50/1.4 mV/ms from 1 ms on starts above 0 at once: activated at 1.0 ms."""
    cell = Passive(0.0, np.inf)
    tissue = tetrahedra(*(mesh := box((1.0, 1.0, 1.0), 0.5)), np.broadcast_to(np.eye(3), (len(mesh[1]), 3, 3)))
    medium = Monodomain(tissue, cell, cell.values(), 0.3, Stimulus(np.full(27, 0.9)))
    medium.voltage[:] = -10.0
    wave = propagate(medium, duration=5.0, interval=0.6)
    assert wave.activation == approx(0.9 + 10 * 1.4 / 50 * np.ones(27))
    assert wave.times == approx([0.0, 0.6])
    assert wave.voltage[:, 0] == approx([-10.0, -10.0])


def test_manufactured_solution_converges():
    """Second order in space (dt ~ h²) and first order in time, with an oblique tensor and a cubic reaction."""
    assert evidence.space_order([4, 6, 8]) == approx(2.0, abs=0.15)
    assert evidence.time_order(elements=4) == approx(1.0, abs=0.05)


@pytest.mark.parametrize(
    ("size", "conductivity", "velocity"), [(0.5, niederer.ALONG, 0.4211), (0.2, niederer.ACROSS, 0.1447)]
)
def test_cable_conducts_as_an_independent_program_found(size, conductivity, velocity):
    """ttp06_cable_cv_lumped_vs_consistent.txt, lumped, dt 0.005; here dt 0.01."""
    assert evidence.cable_velocity(size, conductivity, time_step=0.01) == approx(velocity, rel=0.02)


def test_slab_of_niederer():
    """At 0.5 mm the wave reaches P3, 18.5 mm from the stimulus along the fibres, at 1.2 + 18.5/0.4211 = 45.2 ms."""
    medium, points = niederer.slab(0.5, 0.05)
    corner = niederer.nearest(points, "P3")
    assert propagate(medium, 60.0, watch=[corner]).activation[corner] == approx(45.2, rel=0.02)


def test_tuned_conductivities_meet_the_velocities():
    """At 1 mm, with a coarse time step: each velocity within 2 %, and conductivities above those of the continuum
    (0.1334 (0.6/0.611)² = 0.129 mS/mm along the fibres), as lumping slows the wave."""
    wanted, grid = Directions(0.6, 0.4, 0.4, 1.0), Grid(1.0, 1.2, 0.1)
    conductivities = tuned(wanted, grid)
    assert np.array(achieved(conductivities, wanted, grid)) == approx(np.array(wanted), rel=0.02)
    assert conductivities.fiber > 0.129


def test_other_cells_are_tuned_too():
    """The minimal cell conducts as wanted along the fibres, within the 2 % of the others."""
    wanted, grid = Directions(0.6, 0.4, 0.4, 1.0), Grid(1.0, 1.2, 0.1, "bueno_orovio_2008_epi")
    assert achieved(tuned(wanted, grid), wanted, grid).fiber == approx(0.6, rel=0.02)


def test_matched_slab_is_near_the_converged_one():
    """At 0.5 mm and 0.05 ms, lumped: matched to the continuum's plane waves, P2 (5.5 mm across) and P3 (18.5 mm along
    the fibres) come within 4 % of the converged 26.3 and 31.5 ms; unmatched, P3 alone is 43 % late."""
    medium, points = niederer.slab(0.5, 0.05, matched=True)
    watched = [niederer.nearest(points, name) for name in ("P2", "P3")]
    assert propagate(medium, 60.0, watch=watched).activation[watched] == approx(np.array([26.3, 31.5]), rel=0.04)


@pytest.fixture(scope="module")
def small():
    return samples.ventricle(), samples.QUICK


@pytest.fixture(scope="module")
def activated(small):
    anatomy, parameters = small
    return electrophysiology.activate(anatomy, parameters, Fibers())


def test_ventricle_is_activated_from_inside_out(small, activated):
    """Roots first, right after the 2 ms of the stimulus; then the wave crosses the 6 mm of the wall at 0.4 mm/ms in at
    most 15 ms, and in at least 9 ms: 1.2 mm at either side are fast (Purkinje layer; the wave meets the boundary)."""
    anatomy, parameters = small
    times, depth = activated["activation"].values, anatomy["depth"].values
    first = [sites.site(anatomy, height, np.radians(angle)) for height, angle in parameters.roots]
    assert times.min() < 2.5
    assert times[first].max() < np.median(times[depth == 0])
    assert 9 < np.median(times[depth == 1]) - np.median(times[depth == 0]) < 15


def test_ventricle_conducts_at_the_wanted_speed(activated):
    """The median of the eikonal ratio is 1 for plane waves. This wave spreads from an endocardium with a radius r of
    about 12 mm: curvature takes D 2/r = 0.2 mm²/ms / 6 mm = 0.033 mm/ms, 8 % of its speed."""
    assert activated.attrs["wave_speed_ratio"] == approx(0.92, abs=0.05)
    assert activated.attrs["velocity_fiber"] == approx(0.6, rel=0.02)


def test_anatomy_takes_the_times_of_the_electrical_mesh(small, activated):
    """The nearest node is less than an element away, 1.2 mm, and so at most 3 ms at 0.4 mm/ms."""
    anatomy, _ = small
    fine, points = activated["fine_points"].values, anatomy["points"].values
    nearest = np.argmin(np.linalg.norm(points[:, None] - fine[None], axis=2), axis=1)
    assert np.abs(activated["activation"].values - activated["fine_activation"].values[nearest]).max() < 3
    assert activated["voltage"].sizes["snapshot"] == len(activated["snapshot"]) > 2


def test_root_is_where_it_was_asked_for(small):
    """Height and angle of the found point are within an element (4 mm on a ring of 10 mm radius: 0.4 rad, halved)."""
    anatomy, _ = small
    point = sites.site(anatomy, 0.5, np.pi / 3)
    assert anatomy["depth"].values[point] == 0
    assert anatomy["longitudinal"].values[point] == approx(0.5, abs=0.1)
    assert anatomy["circumferential"].values[point] == approx(np.pi / 3, abs=0.25)


def test_lead_paces_alone(small):
    """One lead on the epicardium that fires at 5 ms, without roots: there the wave starts, within the 2 ms of the
    stimulus (the site is good to half a ring of the coarse mesh, 2 mm), and crosses the 6 mm of the wall at 0.4 mm/ms
    in at most 15 ms (plus 5 ms for a site beside the lead), in at least 9 ms."""
    anatomy, parameters = small
    paced = parameters.model_copy(update={"roots": (), "leads": ((0.5, 0.0, 1.0, 5.0),)})
    wave, points = electrophysiology.activate(anatomy, paced, Fibers()), anatomy["points"].values
    times, fine = wave["fine_activation"].values, wave["fine_points"].values
    lead, below = (points[sites.site(anatomy, 0.5, 0.0, depth)] for depth in (1.0, 0.0))
    assert 5 < times.min() < 7.0
    assert np.linalg.norm(fine[times.argmin()] - lead) < 4.0
    assert 9 < times[np.linalg.norm(fine - below, axis=1).argmin()] - times.min() < 20


def test_wave_must_start_somewhere():
    with pytest.raises(ValueError, match="roots and leads are both empty; expected at least one site"):
        Electrophysiology(roots=())


def test_unreached_muscle_is_quarantined(small):
    anatomy, parameters = small
    with pytest.raises(Quarantined, match=r"points were not activated within 3 ms; expected all"):
        electrophysiology.activate(anatomy, parameters.model_copy(update={"duration": 3.0}), Fibers())


def test_speed_ratio_of_a_planted_wave(small):
    """A wave along z with the speed c has the slowness 1/c there and in the eikonal equation the ratio
    c / sqrt(v_f² f_z² + v_t² (1 - f_z²)); its median over the wall is asked for."""
    anatomy, parameters = small
    times = anatomy["points"].values[:, 2] / 0.5
    inner = substrate.endocardial(anatomy)
    share = anatomy["fiber"].values[~inner, 2] ** 2
    expected = np.median(0.5 / np.sqrt(0.6**2 * share + 0.4**2 * (1 - share)))
    assert ventricle.speed_ratio(anatomy, times, ~inner, parameters) == approx(expected, rel=1e-3)


def test_wave_that_never_comes_is_infinite():
    with pytest.raises(Quarantined, match="1 of 2 points"):
        ventricle.require_complete(np.array([1.0, np.inf]), "activated", 300.0)
