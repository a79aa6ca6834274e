"""Scar, border zone and layers of cells: what they do to a wave, against lengths of paths and single cells."""

import electrical_samples as samples
import numpy as np
import pytest
import xarray as xr
from pytest import approx

from twinbeat import electrophysiology, ionic
from twinbeat.electrophysiology import niederer, substrate
from twinbeat.electrophysiology.assembly import tetrahedra
from twinbeat.electrophysiology.monodomain import Monodomain
from twinbeat.electrophysiology.mosaic import Mosaic, Passive, Patch, composed
from twinbeat.electrophysiology.propagation import Stimulus, propagate
from twinbeat.electrophysiology.velocity import Directions
from twinbeat.fibers.scar import BORDER, HEALTHY, SCAR
from twinbeat.parameters import Electrophysiology, Fibers
from twinbeat.verdicts import Quarantined

TTP = "tentusscher_panfilov_2006_"
LAYERS = [(0.3, f"{TTP}endo"), (0.7, f"{TTP}mid")]
WALL, GAP = (8.0, 10.0), 15.0  # mm: scar across a sheet of 20 mm x 20 mm, up to a gap


def test_passive_membrane_decays_exponentially():
    """From 20 mV above rest, after 30 ms of 10 ms: 20 e^-3, whatever the step."""
    cell = Passive(-80.0, 10.0)
    states = cell.initial(2) + np.array([[20.0, 0.0]])
    for _ in range(3):
        cell.advance(states, cell.values(), 0.0, 10.0)
    assert states[0] == approx([-80 + 20 * np.exp(-3), -80])


def test_layers_take_their_share_of_the_wall():
    """Nodes every tenth of the wall: 0 to 0.3 endocardial, to 0.7 mid, the rest by ``cell``; none twice."""
    slab = samples.slab((1.0, 1.0, 10.0), 1.0)
    parameters = Electrophysiology(layers=LAYERS)
    found = substrate.patches(slab, np.zeros(slab.sizes["cell"], int), parameters)
    levels = {one.cell.name: np.unique(slab["points"].values[one.nodes, 2]) for one in found}
    assert {name.removeprefix(TTP): level.tolist() for name, level in levels.items()} == {
        "endo": [0, 1, 2, 3], "mid": [4, 5, 6, 7], "epi": [8, 9, 10],
    }  # fmt: skip


def voltages(patches, points, tissue, duration=500.0):
    """Voltage (time, point) every ms of tissue that is stimulated everywhere at 0."""
    medium = Monodomain(tissue, *composed(patches), 0.05, Stimulus(np.zeros(len(points)), 40.0, 1.0))
    found = []
    for step in range(round(duration / 0.05)):
        if step % 20 == 0:
            found.append(medium.voltage.copy())
        medium.advance()
    return np.array(found)


@pytest.fixture(scope="module")
def sheet_apd():
    """APD90 (x,) of a sheet whose thirds along x are endo, mid and epi, by the conductivity in mS/mm."""
    slab = samples.slab((4.0, 0.5, 0.5), 0.5)
    points, cells = slab["points"].values, slab["cells"].values
    third = np.minimum((points[:, 0] / 1.5).astype(int), 2)
    models = [ionic.load(TTP + name) for name in ("endo", "mid", "epi")]
    patches = [Patch(cell, cell.unpaced(), np.flatnonzero(third == index)) for index, cell in enumerate(models)]

    def found(conductivity):
        tensors = np.broadcast_to(conductivity * np.eye(3), (len(cells), 3, 3))
        traces = voltages(patches, points, tetrahedra(points, cells, tensors))
        return np.array(
            [ionic.duration(np.arange(500.0), trace) for trace in traces[:, points[:, 1] + points[:, 2] == 0].T]
        )

    return found


def test_kinds_have_the_duration_of_their_cell_alone(sheet_apd):
    """Without coupling each node is a single cell with that stimulus, 40/1.4 = 28.6 mV/ms for 1 ms."""
    found = sheet_apd(0.0)
    for nodes, name in ((found[:3], "endo"), (found[3:6], "mid"), (found[6:], "epi")):
        cell, trace = ionic.load(TTP + name), []
        states = cell.initial(1)
        for step in range(10000):
            if step % 20 == 0:
                trace.append(states[cell.voltage, 0])
            cell.advance(states, cell.unpaced(), 0.0, 0.05)
            states[cell.voltage] += 0.05 * 40.0 / 1.4 * (step < 20)
        assert nodes == approx(ionic.duration(np.arange(500.0), np.array(trace)) * np.ones(3), abs=0.05)


def test_coupling_evens_durations_out(sheet_apd):
    """4 mm of muscle are about a length constant: the spread of 100 ms between mid and others falls below a third of
    it, and stays between those of the single cells."""
    alone, coupled = sheet_apd(0.0), sheet_apd(0.13)
    assert np.ptp(alone) > 80
    assert np.ptp(coupled) < np.ptp(alone) / 3
    assert alone.min() < coupled.min() < coupled.max() < alone.max()


def test_charge_is_kept_across_kinds_and_beside_scar():
    """Membranes that do not leak, three conductivities: the charge that the stimulus brings, 100 nC/mm³, stays."""
    slab = samples.slab((3.0, 1.0, 1.0), 0.5)
    x = slab["points"].values[slab["cells"].values].mean(axis=1)[:, 0]
    kind = np.select([x < 1, x < 2], [HEALTHY, BORDER], SCAR)
    of_kind = [Directions(0.13, 0.02, 0.02, 0.5), Directions(0.05, 0.01, 0.01, 0.1), Directions(*[0.02] * 4)]
    tissue = substrate.discretise(slab, substrate.along(slab, kind, of_kind))
    nodes, still = np.arange(len(tissue.mass)), Passive(0.0, np.inf)
    patches = [Patch(still, still.values(), nodes[nodes % 2 == parity]) for parity in (0, 1)]
    start = np.where(slab["points"].values[:, 0] < 0.6, 0.0, np.inf)
    medium = Monodomain(tissue, *composed(patches), 0.1, Stimulus(start))
    for _ in range(300):
        medium.advance()
    assert np.ptp(medium.voltage) < 0.9 * medium.voltage.max()  # it has spread, and is not gone
    assert tissue.mass @ medium.voltage * 1.4 == approx(100 * tissue.mass[np.isfinite(start)].sum(), rel=1e-12)


@pytest.fixture(scope="module")
def sheet():
    """20 x 20 mm of muscle with scar across it, and conductivities at which 0.5 mm conduct as the continuum does."""
    slab = samples.slab((20.0, 20.0, 0.5), 0.5)
    x, y, _ = slab["points"].values[slab["cells"].values].mean(axis=1).T
    kind = np.where((x > WALL[0]) & (x < WALL[1]) & (y < GAP), SCAR, HEALTHY)
    healthy = Directions(*[niederer.match_continuum(0.5, 0.05)[0]] * 4)
    return slab, kind, [healthy, healthy, Directions(*[0.02] * 4)]


def crossed(whole, kind, of_kind, insulating, plane=False):
    """Activation (point of the whole,) from the corner, or the whole side, at x = 0; infinite where there is no node.

    And the substrate."""
    heart = substrate.divide(whole, kind, insulating)
    tissue = substrate.discretise(heart.muscle, substrate.along(heart.muscle, heart.kind, of_kind))
    cells = composed(substrate.patches(heart.muscle, heart.kind, Electrophysiology()))
    away = np.linalg.norm(heart.muscle["points"].values[:, : 1 if plane else 3], axis=1)
    start = np.where(away < 1.6, 0.0, np.inf)
    medium = Monodomain(tissue, *cells, 0.05, Stimulus(start))
    wave = propagate(medium, 100.0, np.inf, np.flatnonzero(heart.fires))
    times = np.full(whole.sizes["point"], np.inf)
    times[heart.points] = wave.activation
    return times, heart


@pytest.mark.parametrize("insulating", [True, False])
def test_wave_goes_round_scar(sheet, insulating):
    """To the far corner (20, 0) the way is 20 mm in healthy muscle; round the ends of the scar, (8, 15) and (10, 15),
    it is 17 + 2 + 18.03 = 37.03 mm. At 0.611 mm/ms, less the 1.5 mm of the stimulus: 58.1 ms, and longer by what two
    sharp turns cost. No node of the scar fires."""
    whole, kind, of_kind = sheet
    times, heart = crossed(whole, kind, of_kind, insulating)
    x, y, z = whole["points"].values.T
    corner = (x == 20) & (y == 0) & (z == 0)
    inside = (x > WALL[0]) & (x < WALL[1]) & (y < GAP)
    assert 58.1 < times[corner][0] < 58.1 * 1.1
    assert np.isinf(times[inside]).all()
    assert np.isfinite(times[heart.points[heart.fires]]).all()


def test_without_scar_the_way_is_straight(sheet):
    """18.5 mm at 0.611 mm/ms are 30.3 ms, for a plane wave."""
    whole, kind, of_kind = sheet
    times, _ = crossed(whole, np.zeros_like(kind), of_kind, True, plane=True)
    corner = (whole["points"].values == [20, 0, 0]).all(axis=1)
    assert times[corner][0] == approx(30.3, rel=0.05)


def test_border_zone_is_late(sheet):
    """A strip of 10 mm at half the velocity takes 16.4 ms longer than healthy muscle."""
    whole, _, of_kind = sheet
    x = whole["points"].values[whole["cells"].values].mean(axis=1)[:, 0]
    slow = Directions(*[niederer.match_continuum(0.5, 0.05)[0] * 0.39] * 4)
    times, _ = crossed(whole, np.where((x > 5) & (x < 15), BORDER, HEALTHY), [of_kind[0], slow, slow], True, plane=True)
    corner = (whole["points"].values == [20, 0, 0]).all(axis=1)
    assert times[corner][0] == approx(30.3 + 16.4, rel=0.05)


def test_border_zone_has_scaled_currents():
    """g_Na 14.838 nS/pF at 0.38 is 5.638 there, and its own stimulus is off as everywhere."""
    slab = samples.slab((2.0, 1.0, 1.0), 1.0)
    parameters = Electrophysiology(scar={"kind": "insulating", "border_currents": {"g_Na": 0.38}})
    (patch,) = substrate.patches(slab, np.full(slab.sizes["cell"], BORDER), parameters)
    values = dict(zip(patch.cell.parameters, patch.parameters, strict=True))
    healthy = dict(zip(patch.cell.parameters, patch.cell.unpaced(), strict=True))
    assert values["g_Na"] == approx(14.838 * 0.38)
    assert {name for name in values if values[name] != healthy[name]} == {"g_Na"}


def test_unknown_current_is_named():
    slab = samples.slab((2.0, 1.0, 1.0), 1.0)
    parameters = Electrophysiology(scar={"border_currents": {"g_Xy": 0.5}})
    with pytest.raises(KeyError, match="tentusscher_panfilov_2006_epi has no parameter g_Xy"):
        substrate.patches(slab, np.full(slab.sizes["cell"], BORDER), parameters)


def test_patches_cover_each_node_once():
    cell = Passive(0.0, 1.0)
    with pytest.raises(ValueError, match="each node in exactly one"):
        Mosaic([Patch(cell, cell.values(), np.array(nodes)) for nodes in ([0, 1], [1, 2])])


def test_layers_must_increase():
    with pytest.raises(ValueError, match=r"ends that increase from the endocardium on, got \[0.7, 0.3\]"):
        Electrophysiology(layers=LAYERS[::-1])


def test_a_wall_of_scar_is_quarantined():
    slab = samples.slab((1.0, 1.0, 1.0), 1.0)
    with pytest.raises(Quarantined, match="the whole wall is scar"):
        substrate.divide(slab, np.full(slab.sizes["cell"], SCAR), insulating=False)


def test_muscle_that_scar_cuts_off_is_scar():
    """Scar from 4 to 5 mm across a slab of 7 mm: of its 7 layers of 6 tetrahedra, 4 stay muscle, and 18 are scar."""
    slab = samples.slab((7.0, 1.0, 1.0), 1.0)
    x = slab["points"].values[slab["cells"].values].mean(axis=1)[:, 0]
    heart = substrate.divide(slab, np.where((x > 4) & (x < 5), SCAR, BORDER), insulating=True)
    assert np.bincount(heart.tissue).tolist() == [0, 24, 18]
    assert heart.muscle["points"].values[:, 0].max() == 4
    np.testing.assert_array_equal(heart.tissue[x > 5], SCAR)


@pytest.fixture(scope="module")
def scarred():
    """The small ventricle with segment 8 as insulating scar, and its activation."""
    parameters = samples.QUICK.model_copy(update={"scar": samples.QUICK.scar.model_copy(update={"kind": "insulating"})})
    anatomy = samples.ventricle()
    return anatomy, electrophysiology.activate(anatomy, parameters, Fibers(border_zone="2 mm"), (xr.Dataset(), (8,)))


def test_ventricle_stores_its_scar(scarred):
    """Segment 8 and 2 mm about it; a sixth of a third of the cavity's length, so 3 to 7 % of the wall."""
    _, found = scarred
    kinds = np.bincount(found["fine_tissue"].values, minlength=3)
    assert 0.03 < kinds[SCAR] / kinds.sum() < 0.07
    assert kinds[BORDER] > 0
    assert all(np.isfinite(found[name]).all() for name in ("activation", "fine_activation", "voltage"))


def test_scar_has_the_times_of_muscle_nearby(scarred):
    """Nodes of scar alone have the time of a node of muscle, so no time occurs in scar only."""
    _, found = scarred
    cells, tissue, times = (found[f"fine_{name}"].values for name in ("cells", "tissue", "activation"))
    muscle = np.unique(cells[tissue != SCAR])
    inner = np.setdiff1d(np.arange(len(times)), muscle)
    assert len(inner) > 10
    assert np.isin(times[inner], times[muscle]).all()


def test_scar_is_muscle_unless_the_study_says_otherwise(scarred):
    anatomy, _ = scarred
    found = electrophysiology.activate(anatomy, samples.QUICK, Fibers(), (xr.Dataset(), (8,)))
    assert "fine_tissue" not in found
