"""Virtual patients: shape, hexahedra and fibres against closed formulas, motion against what was planted."""

import json

import numpy as np
import pytest
import ufl
from dolfinx import fem
from mpi4py import MPI
from pytest import approx

from twinbeat.intake import clinical
from twinbeat.parameters import Calibration, ClinicalData, Fibers, Mechanics, Phantom
from twinbeat.phantom import hexmesh, hospital, identity, making, motion, patient
from twinbeat.phantom.shape import Shape
from twinbeat.units import KPA_PER_MMHG
from twinbeat.verdicts import Rejected

ROUND = Shape(
    radius=20.0, length=60.0, truncation=np.radians(110), wall=10.0, septal=1.0, apical=1.0, oval=0.0,
    apex_shift=(0.0, 0.0), rv_angle=1.0, rv_width=30.0,
)  # fmt: skip
COARSE = Phantom(around=8, along=2, layers=1, frames=10)


def cap_volume(radius, axis, centre):
    """Below z = 0, of a spheroid about z with semi-axes r and a and its centre c < 0 on the axis: the integral of
    pi r² (1 - (z - c)² / a²) from c - a to 0 is pi r² (2/3 a - c + c³ / (3 a²))."""
    return np.pi * radius**2 * (2 * axis / 3 - centre + centre**3 / (3 * axis**2))


def test_shape_is_the_truncated_ellipsoid():
    """Without oval, septum and shift the cavity is a spheroid: half its axis is 60 / (1 - cos 110°) = 44.71 mm, its
    centre at -15.29 mm, so 1256.6 mm² (29.80 + 15.29 - 0.60) mm = 55.9 mL, and the wall adds 10 mm to both semi-axes.
    16 x 6 quadratic elements are within 0.2 % of both."""
    axis = 60 / (1 - np.cos(np.radians(110)))
    centre = axis * np.cos(np.radians(110))
    inner, outer = cap_volume(20, axis, centre), cap_volume(30, axis + 10, centre)
    domain, tags = hexmesh.build(ROUND, 16, 6, 2).to_dolfinx(MPI.COMM_SELF)
    ds, x, n = ufl.Measure("ds", domain, subdomain_data=tags), ufl.SpatialCoordinate(domain), ufl.FacetNormal(domain)
    cavity = -fem.assemble_scalar(fem.form(x[2] * n[2] * ds(hexmesh.ENDOCARDIUM)))
    wall = fem.assemble_scalar(fem.form(fem.Constant(domain, 1.0) * ufl.dx))
    assert inner / 1000 == approx(55.9, abs=0.05)
    assert (cavity, wall) == approx((inner, outer - inner), rel=2e-3)


def test_every_hexahedron_is_sound():
    """The Jacobian is positive at 27 points of each, and nowhere below a third of its mean in the element."""
    mesh = hexmesh.build(patient.draw(np.random.default_rng(3), "infarct").shape, 16, 6, 2)
    domain, _ = mesh.to_dolfinx(MPI.COMM_SELF)
    grid = np.array(np.meshgrid(*[[0, 0.5, 1.0]] * 3)).reshape(3, -1).T
    jacobian = fem.Expression(ufl.JacobianDeterminant(domain), grid)
    values = jacobian.eval(domain, np.arange(len(mesh.cells), dtype=np.int32))
    assert values.min() > 0
    assert (values.min(axis=1) / values.mean(axis=1)).min() > 0.3


def test_facets_are_tagged():
    """8 + 4 x (rings) quadrilaterals per surface: n² + 4 n m with n = around / 4; the base is around x layers."""
    _, tags = hexmesh.build(ROUND, 8, 3, 2).to_dolfinx(MPI.COMM_SELF)
    counts = [len(tags.find(tag)) for tag in (hexmesh.ENDOCARDIUM, hexmesh.EPICARDIUM, hexmesh.BASE)]
    assert counts == [4 + 4 * 2 * 3, 4 + 4 * 2 * 3, 8 * 2]


def test_surface_triangles_are_closed_but_for_the_base_and_turn_outwards():
    """Each inner edge belongs to two triangles in opposite senses; the flux of z e3 through the surface, closed by the
    base z = 0, is the volume inside, positive when the triangles face outwards."""
    mesh = hexmesh.build(ROUND, 16, 6, 1)
    surface = mesh.surface(1.0)
    points, triangles = surface.interpolate(mesh.points), surface.triangles
    edges = np.concatenate([triangles[:, [i, (i + 1) % 3]] for i in range(3)])
    lone = {tuple(edge) for edge in edges} - {tuple(edge[::-1]) for edge in edges}
    assert all(points[i, 2] == approx(0, abs=1e-9) for edge in lone for i in edge)
    a, b, c = points[triangles].swapaxes(0, 1)
    flux = np.sum(np.cross(b - a, c - a)[:, 2] / 2 * (a + b + c)[:, 2] / 3)
    axis = 60 / (1 - np.cos(np.radians(110)))
    assert flux == approx(cap_volume(30, axis + 10, axis * np.cos(np.radians(110))), rel=0.01)


def test_fibres_turn_as_asked():
    """At the septum of the spheroid (on the first axis) circumferential is the second axis, so the fibre is
    (., cos a, .) with a = 60°, 0 and -60° at the endocardium, mid-wall and epicardium; inside it rises to the base."""
    fibre = hexmesh.fibres(ROUND, np.full(3, 0.6), np.zeros(3), np.array([0.0, 0.5, 1.0]), Fibers())
    assert fibre[:, 1] == approx([0.5, 1.0, 0.5], abs=1e-6)
    assert fibre[0, 2] > 0 > fibre[2, 2]
    assert np.linalg.norm(fibre, axis=1) == approx(np.ones(3))


@pytest.mark.parametrize("phenotype", patient.RANGES)
def test_draws_are_repeatable_and_within_their_ranges(phenotype):
    drawn, again = (patient.draw(np.random.default_rng(7), phenotype) for _ in range(2))
    low, high = patient.ranges(phenotype)["stiffness"]
    assert drawn == again and low <= drawn.stiffness <= high
    assert (drawn.scar is not None) == (phenotype == "infarct")


def test_scar_is_a_sector():
    scar = patient.Scar(centre=np.pi / 3, half_width=np.pi / 3, top=0.7)
    assert scar.contractile(np.array([0.5, 0.5, 0.8]), np.array([0.1, -0.1, 1.0])) == approx([0, 1, 1])


def test_names_carry_the_number():
    assert making.number("phantom-03") == 3
    with pytest.raises(Rejected, match="called heart-3; expected a name such as phantom-03"):
        making.number("heart-3")


@pytest.fixture(scope="module")
def simulated():
    """A coarse infarct, 10 frames: heart and beat."""
    drawn = patient.draw(np.random.default_rng(5), "infarct")
    return motion.simulate(drawn, COARSE, Mechanics(), Fibers())


def test_beat_shows_what_was_planned(simulated):
    """The circulation is fitted to filling, diastolic pressure and ejection fraction, so the beat shows them."""
    heart, beat = simulated
    filling, _, diastolic, _ = beat.loop.shows()
    planned = heart.patient
    assert (filling, diastolic) == approx((planned.end_diastolic_pressure, planned.diastolic_pressure), rel=0.02)
    assert beat.loop.cycle.ejection_fraction == approx(planned.ejection_fraction, abs=0.01)
    assert beat.steadiness < 0.05  # ten frames a beat


def test_moving_surfaces_enclose_the_volume(simulated):
    """The triangles of every frame enclose the volume at which the heart was held, within 1.5 %."""
    heart, beat = simulated
    moving = motion.dataset(heart, beat)
    triangles = moving.endo_triangles.values
    rim = np.flatnonzero(moving.along.values[: triangles.max() + 1] > 1 - 1e-9)
    for points, volume in zip(moving.points.values, moving.volume.values, strict=True):
        a, b, c = (points[triangles[:, i]] - points[rim].mean(axis=0) for i in range(3))
        assert np.einsum("ij,ij->", a, np.cross(b, c)) / 6000 == approx(volume, rel=0.015)


def test_mean_tension_is_the_planted_curve(simulated):
    """What healthy cells develop, each in its own time, is on average the planted curve to 3 % of its peak."""
    heart, _ = simulated
    weight = heart.volumes() * heart.contractile
    for time in (100.0, 200.0, 300.0):
        mean = np.average(heart.tension(time), weights=weight)
        assert mean == approx(float(heart.curve(time)), abs=0.03 * heart.patient.peak_tension)


def test_scarred_segments_are_those_of_the_sector(simulated):
    """The sector lies about the anterior septum below the base: segments 7 or 8 have scar, 1 to 6 and 10 to 11 none."""
    heart, _ = simulated
    scar = making.scarred(heart)
    assert np.all((scar >= 0) & (scar <= 1))
    assert scar[[6, 7]].max() > 0.5 and scar[:6].max() == scar[[9, 10]].max() == 0


def test_truth_and_clinical_file(simulated):
    """At the frames the catheter shows the pressure of the three-dimensional ventricle, within five standard deviations
    of its noise of 0.16 mmHg (a mean of ten beats) and as much again for the curve between samples 4 ms apart."""
    _, beat = simulated
    cycle, scar = beat.loop.cycle, np.array([*[0.0] * 6, 0.9, 0.4, *[0.0] * 9])
    corrected = making.correction(beat)
    assert np.interp(beat.time / 1000, cycle.time, cycle.pressure + corrected) == pytest.approx(
        beat.pressure / KPA_PER_MMHG, abs=0.5
    )
    figures = making.figures(70.0, cycle, corrected, scar, np.random.default_rng(1))
    trace = figures["lv_pressure"]
    found = np.interp(beat.time, np.array(trace["time"]), np.array(trace["pressure"]))
    assert np.abs(found - beat.pressure / KPA_PER_MMHG).max() < 1.6
    assert figures["scar_segments"] == [7] and figures["heart_rate"] == "70 beat/min"


def test_a_hospital_with_fhir_has_the_same_figures(tmp_path):
    """Both clinical files of one phantom are cleaned to the same figures. The hospital's has more in it: a rate of
    250 /min over 48 h (13 values, one every 4 h), a creatinine of 214 days, a beta blocker."""
    whoever = identity.draw(np.random.default_rng(5), "series")
    trace = {"time": [0.0, 4.0, 8.0, 12.0], "pressure": [11.25, 30.5, 118.0, 9.75], "beats": 10}
    known = {"heart_rate": "70 beat/min", "systolic": "118 mmHg", "diastolic": "76 mmHg"}
    figures = known | {"lv_end_diastolic_pressure": "11.3 mmHg", "lv_pressure": trace, "scar_segments": [7, 13]}
    cleaned = []
    for content in (whoever.clinical(figures), hospital.bundle(whoever, figures)):
        (tmp_path / "clinical.json").write_text(json.dumps(content))
        content = clinical.read(tmp_path / "clinical.json")
        cleaned.append(clinical.clean(content, 800.0, ClinicalData(), Calibration()))
    short, long = cleaned
    same = ("heart_rate", "systolic", "diastolic", "lv_end_diastolic_pressure", "scar_segments")
    assert [getattr(short, name) for name in same] == [getattr(long, name) for name in same]
    assert (short.lv_pressure.time, short.lv_pressure.sigma) == (long.lv_pressure.time, long.lv_pressure.sigma)
    assert short.lv_pressure.pressure == pytest.approx(long.lv_pressure.pressure)
    assert len(long.set_aside) == 13 and long.ages_from == "imaging study"
    assert {value.name: value.age_days for value in long.values}["creatinine"] == 214.0
    assert not any(planted in long.model_dump_json() for planted in whoever.planted())
