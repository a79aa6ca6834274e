"""Repolarisation, lead fields and intervals, against closed forms."""

import electrical_samples as samples
import numpy as np
import pytest
from pytest import approx
from scipy.sparse import csr_array

from twinbeat import electrophysiology, ionic
from twinbeat.electrophysiology import electrocardiogram as ecg
from twinbeat.electrophysiology.assembly import Discretisation, box, tetrahedra
from twinbeat.electrophysiology.monodomain import Monodomain
from twinbeat.electrophysiology.propagation import Stimulus, propagate
from twinbeat.electrophysiology.substrate import divide
from twinbeat.evidence import activation as evidence
from twinbeat.parameters import Electrophysiology, Fibers
from twinbeat.verdicts import Quarantined

INNER, TORSO = 0.17, 0.2


class Scripted:
    """A membrane whose voltage is a given function of time."""

    voltage = 0

    def __init__(self, course):
        self.course = course

    def initial(self, cells):
        return np.full((1, cells), self.course(0.0))

    def values(self):
        return np.empty(0)

    def advance(self, states, parameters, time, step):
        states[:] = self.course(time + step)


def quiet(time):
    return None


def test_repolarisation_is_timed_at_nine_tenths_of_the_amplitude():
    """-80 mV, up to 20 mV from 5 to 6 ms, down again from 10 to 210 ms: 0 mV is crossed at 5.8 ms, and
    20 - 0.9 * 100 = -70 mV at 190 ms. The notch to 0 mV at 8 ms is no repolarisation."""
    cell = Scripted(lambda t: float(np.interp(t, [5, 6, 8, 10, 210], [-80, 20, 0, 20, -80])))
    medium = Monodomain(Discretisation(csr_array((2, 2)), np.ones(2)), cell, cell.values(), 0.3, quiet)
    wave = propagate(medium, 300.0, repolarised=True)
    assert wave.activation == approx(5.8 * np.ones(2))
    assert wave.repolarisation == approx(190 * np.ones(2))
    assert medium.time == approx(190.2)


def test_leads_see_the_tail():
    """A sample every ms from 0 on, until 30 ms after the last repolarisation at 190 ms: 0 to 220."""
    cell = Scripted(lambda t: float(np.interp(t, [5, 6, 10, 210], [-80, 20, 20, -80])))
    medium = Monodomain(Discretisation(csr_array((1, 1)), np.ones(1)), cell, cell.values(), 0.5, quiet)
    wave = propagate(medium, 300.0, repolarised=True, leads=lambda voltage: 2 * voltage)
    assert wave.seen[:, 0] == approx([2 * cell.course(float(t)) for t in range(220)])


def test_tissue_repolarises_as_its_cell():
    """Muscle stimulated everywhere at once is one cell: APD90 of the same cell alone, but for the 0.4 ms between the
    steepest upstroke and 0 mV, and what a stimulus of 29 mV/ms instead of 52 changes."""
    points, cells = box((0.5, 0.5, 0.5), 0.5)
    tissue = tetrahedra(points, cells, np.broadcast_to(0.1 * np.eye(3), (len(cells), 3, 3)))
    cell = ionic.load()
    medium = Monodomain(tissue, cell, cell.unpaced(), 0.05, Stimulus(np.zeros(len(points)), 40.0, 1.0))
    wave = propagate(medium, 500.0, repolarised=True)
    assert wave.repolarisation - wave.activation == approx(ionic.duration(*ionic.pace(cell, 1000, 1)), abs=1.0)


def test_plane_front_has_the_potential_of_a_double_layer():
    """∇(1/r) over a cross-section is the solid angle Ω of the square: φ = -σ_i/(4π σ_b) ∫ V'(z) Ω(d - z) dz, positive
    as the front comes; linear elements approach it with the second order."""
    exact = evidence.double_layer(12.0)
    errors = [evidence.front(size, 12.0) - exact for size in (1.0, 0.5, 0.25)]
    assert exact == approx(
        INNER / (4 * np.pi * TORSO) * 105 * evidence.solid_angle(10.0, 10.0), rel=0.02
    )  # thin layer, 2 mm
    assert abs(errors[-1]) < 0.005 * exact
    assert np.log2(errors[1] / errors[2]) == approx(2.0, abs=0.2)


def test_closed_front_is_not_seen_from_outside():
    """A sphere of excited muscle has the solid angle 0 outside, though its front is larger than one across the box: it
    gives less than a thousandth of that one's potential."""
    points, cells = box((12.0, 12.0, 12.0), 0.5)
    stiffness = tetrahedra(points, cells, np.broadcast_to(INNER * np.eye(3), (len(cells), 3, 3))).stiffness
    radius = np.linalg.norm(points - 6.0, axis=1)
    sphere = -50 * np.tanh(radius - 3.5)
    across = -50 * np.tanh(points[:, 2] - 6)
    field = ecg.potential(points, stiffness, np.array([[6.0, 6.0, 40.0], [30.0, 6.0, 20.0]]), TORSO)
    assert np.abs(field @ sphere).max() < 1e-3 * (field @ across)[0]


def test_resting_heart_has_no_electrocardiogram():
    """A constant voltage drives no current: the rows of a lead field add up to 0."""
    heart = divide(slab := samples.slab((4.0, 4.0, 2.0), 1.0), np.zeros(slab.sizes["cell"], int), False)
    whole = heart.whole.assign(to_lps=(("row", "column"), np.eye(4)))
    field = ecg.lead_field(type(heart)(**{**vars(heart), "whole": whole}), Electrophysiology())
    assert field.shape == (9, slab.sizes["point"])
    assert np.abs(field.sum(axis=1)).max() < 1e-12 * np.abs(field).max()


def test_electrodes_are_placed_from_the_middle_of_the_heart():
    """Offsets are along left, back and head; a heart frame turned by a quarter about the long axis has the left of the
    patient along its own second axis reversed."""
    turn = np.array([[0.0, -1, 0, 7], [1, 0, 0, 8], [0, 0, 1, 9], [0, 0, 0, 1]])  # e1 points back, e2 to the right
    slab = samples.slab((4.0, 2.0, 2.0), 1.0).assign(to_lps=(("row", "column"), turn))
    offsets = dict.fromkeys((*ecg.LIMBS, *ecg.CHEST), (0.0, 0.0, 0.0)) | {"LA": (100.0, 0.0, 30.0)}
    found = ecg.electrodes(slab, offsets)
    assert found[0] == approx([2, 1, 1])
    assert found[1] == approx([2, 1 - 100, 31])


def test_leads_are_those_of_einthoven_goldberger_and_wilson():
    """RA 1, LA 2, LL 4 mV: I = 1, II = 3, III = 2; aVR = 1 - 3, aVL = 2 - 2.5, aVF = 4 - 1.5; V1 = 10 - 7/3."""
    leads = ecg.twelve(np.array([[1.0, 2, 4, 10, 10, 10, 10, 10, 10]]))[:, 0]
    assert leads[:6] == approx([1, 3, 2, -2, -0.5, 2.5])
    assert leads[6:] == approx((10 - 7 / 3) * np.ones(6))


def test_intervals_of_a_drawn_electrocardiogram():
    """QRS as a triangle from 20 to 100 ms, with slopes of 25 and -25 uV/ms. T as a triangle from 250 over 300 to 340
    ms, at 4 and -5 uV/ms; its tangent meets zero at 340 ms. A central difference smears each corner by one sample."""
    t = np.arange(400.0)
    course = np.interp(t, [20, 60, 100], [0, 1, 0]) + np.interp(t, [250, 300, 340], [0, 0.2, 0])
    found = ecg.intervals(np.outer(np.linspace(-1, 1, 12), course))
    assert found.onset == approx(20, abs=1)
    assert found.qrs == approx(80, abs=2)
    assert found.qt == approx(320, abs=2)


def test_notch_is_part_of_the_complex():
    """Two triangles, from 20 to 40 and from 50 to 70 ms: 10 ms of silence do not end a complex, 100 ms do."""
    t = np.arange(300.0)
    course = np.interp(t, [20, 30, 40], [0, 0.8, 0]) + np.interp(t, [50, 60, 70], [0, 1, 0])
    course += np.interp(t, [170, 190, 210], [0, 0.5, 0])
    assert ecg.intervals(np.outer(np.ones(12), course)).qrs == approx(50, abs=2)


def test_electrodes_must_be_complete():
    some = {name: ["1 mm", "2 mm", "3 mm"] for name in ("RA", "LA", "LL")}
    with pytest.raises(ValueError, match="expected all of RA, LA, LL, V1, V2, V3, V4, V5, V6, got no V1"):
        Electrophysiology(ecg={"electrodes": some})


@pytest.fixture(scope="module")
def beat():
    quick = samples.QUICK.model_copy(update={"until": "repolarisation", "size": 1.6, "cell": "bueno_orovio_2008_epi"})
    return electrophysiology.activate(samples.ventricle(), quick, Fibers())


def test_ventricle_beats_to_its_end(beat):
    """QRS is about as long as the activation; every point repolarises an APD90 of 269 ms after its activation, evened
    out by its neighbours (here by at most 15 ms); T ends near the last of them."""
    lasted = float(beat.fine_activation.max() - beat.fine_activation.min())
    assert float(beat.qrs_duration) == approx(lasted, abs=10)
    assert (beat.fine_repolarisation - beat.fine_activation).values == approx(269, abs=15)
    assert float(beat.qrs_onset + beat.qt_interval) == approx(float(beat.fine_repolarisation.max()), abs=15)
    assert beat.ecg.sizes["lead"] == 12
    assert float(np.abs(beat.ecg).max()) > 0


def test_beat_that_does_not_end_is_quarantined():
    short = samples.QUICK.model_copy(update={"until": "repolarisation", "size": 1.6, "duration": 40.0})
    with pytest.raises(Quarantined, match="points were not repolarised within 40 ms"):
        electrophysiology.activate(samples.ventricle(), short, Fibers())
