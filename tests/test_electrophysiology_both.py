"""Activation of both ventricles: where it starts, which ways it has, and what the left one and the beat are told."""

import electrical_samples as samples
import hearts
import numpy as np
import pytest
import xarray as xr
from pytest import approx

from twinbeat import beat, biventricle, electrophysiology, fibers, mesh
from twinbeat.calibration import conduction
from twinbeat.electrophysiology import electrocardiogram, irregular, sites, substrate, velocity
from twinbeat.electrophysiology.velocity import Directions, Grid
from twinbeat.fibers import regions
from twinbeat.fibers.regions import LEFT_WALL, RIGHT_ENDOCARDIUM, RIGHT_WALL
from twinbeat.mesh import boundary
from twinbeat.parameters import Electrophysiology, Fibers, Study
from twinbeat.parameters.calibration import Conduction

SMALLER = 2.5  # times smaller than the human heart
SPEED = 0.5  # mm/ms, alike in all directions
ALIKE = {f"velocity_{name}": SPEED for name in ("fiber", "transverse", "endocardium")}
QUICK = Electrophysiology(ventricles="both", method="eikonal", size="2 mm", time_step="0.1 ms").model_copy(update=ALIKE)
BUENO = "bueno_orovio_2008_epi"


@pytest.fixture(scope="module")
def both() -> xr.Dataset:
    """Walls of the left and right ventricle of 4 and 2.4 mm, mirrored about the plane y = 0."""
    heart = hearts.biventricle(8.0, 2)
    return fibers.assign(heart.assign(points=heart["points"] / SMALLER), Fibers())


@pytest.fixture(scope="module")
def left(both) -> xr.Dataset:
    """Its left wall alone, as an anatomy whose points are told their times."""
    return both.isel(cell=both["cell_tags"].values == LEFT_WALL)


@pytest.fixture(scope="module")
def whole(both) -> xr.Dataset:
    return substrate.build(both, QUICK, Fibers()).whole


def times(wave: xr.Dataset, whole: xr.Dataset, places: np.ndarray) -> np.ndarray:
    """Activation at places (n, 3) in mm."""
    found = mesh.interpolation(wave["fine_points"].values, wave["fine_cells"].values, np.atleast_2d(places))
    return found @ wave["fine_activation"].values


def from_sites(both, left, **chosen) -> xr.Dataset:
    parameters = QUICK.model_copy(update={"roots": (), "right_roots": ()} | chosen)
    return electrophysiology.activate(left, parameters, Fibers(), both=both)


def test_finer_mesh_is_the_same_heart(both, whole):
    """Edges of 2 mm, each wall with its volume to 3 % (chords, and a border that follows other elements), in one piece,
    with no face on the border of the mesh that belongs to no surface."""
    assert irregular.edge(whole["points"].values, whole["cells"].values) == approx(2.0, rel=0.15)
    for wall in (LEFT_WALL, RIGHT_WALL):
        found, start = (
            mesh.cell_volumes(one["points"].values, one["cells"].values)[one["cell_tags"].values == wall].sum()
            for one in (whole, both)
        )
        assert found == approx(start, rel=0.03)
        assert len(np.unique(boundary.components(whole["cells"].values[whole["cell_tags"].values == wall]))) == 1
    surface, _ = boundary.facets(whole["cells"].values, np.ones(whole.sizes["cell"], int))
    assert len(surface) == whole.sizes["facet"]


def test_both_endocardia_are_fast(whole):
    """Each element with a node on one of them, also on the right side of the septum: a shell one element thick."""
    inner = np.union1d(regions.on(whole, regions.ENDOCARDIUM), regions.on(whole, RIGHT_ENDOCARDIUM))
    fast = whole["endocardial"].values
    np.testing.assert_array_equal(fast, np.isin(whole["cells"].values, inner).any(axis=1))
    assert fast[(whole["cell_tags"] == LEFT_WALL).values].mean() < 0.8
    axes = substrate.along(whole, np.zeros(len(fast), int), [Directions(0.6, 0.3, 0.3, 1.5)])
    assert (axes[fast] == [1.5, 1.5, 0.3]).all() and (axes[~fast] == [0.6, 0.3, 0.3]).all()


@pytest.mark.parametrize(("height", "angle"), [(0.5, -60.0), (0.6, 15.0), (0.8, 60.0)])
def test_right_root_is_where_it_was_asked_for(whole, height, angle):
    """On the inside of the right free wall, within an element of 2 mm: 0.07 of its height of 30 mm, 20 degree on an arc
    of 180 degree that is 50 mm long."""
    point = sites.site(whole, height, np.radians(angle), ventricle=sites.RIGHT)
    assert point in regions.on(whole, RIGHT_ENDOCARDIUM)
    assert whole["ventricle"].values[point] == 1
    assert whole["longitudinal"].values[point] == approx(height, abs=0.1)
    assert np.degrees(whole["circumferential"].values[point]) == approx(angle, abs=20)


def test_left_root_is_on_the_left_endocardium(whole):
    for height, angle in QUICK.roots:
        point = sites.site(whole, height, np.radians(angle))
        assert point in regions.on(whole, regions.ENDOCARDIUM)
        assert whole["longitudinal"].values[point] == approx(height, abs=0.1)


def test_wave_crosses_the_septum_and_goes_round_the_right_cavity(both, left, whole):
    """From the left side of the septum, where the nodes within 3 mm are stimulated: its right side opposite, 4 mm away,
    is reached straight from the nearest of them, at 0.5 mm/ms. The free wall 9 mm away is beyond the cavity: the way
    round takes more than twice as long as that would."""
    wave = from_sites(both, left, roots=[(0.6, 0.0)])
    root = whole["points"].values[sites.site(whole, 0.6, 0.0)]
    right = whole["points"].values[regions.on(whole, RIGHT_ENDOCARDIUM)]
    opposite = right[np.linalg.norm(right[:, 1:] - root[1:], axis=1) < 1.5]
    places = opposite[[opposite[:, 0].argmin(), opposite[:, 0].argmax()]]
    begin = wave["fine_activation"].values.min()
    septum, free = times(wave, whole, places) - begin
    assert (np.linalg.norm(places - root, axis=1) - 3.0) / SPEED == approx([1.8, 12.7], abs=1.0)
    started = wave["fine_points"].values[wave["fine_activation"].values < begin + 0.1]
    straight = np.linalg.norm(places[:, None] - started, axis=2).min(axis=1) / SPEED
    assert septum == approx(straight[0], abs=1.5)
    assert free > 2 * straight[1]


def test_mirrored_sites_give_mirrored_times(both, left, whole):
    """One root in each ventricle, in the plane of the mirror, and equal velocities along all axes: the heart is
    symmetric, its irregular mesh is not: an edge of 2 mm takes 4 ms, and so much times may differ; half on average."""
    wave = from_sites(both, left, roots=[(0.5, 0.0)], right_roots=[(0.6, 0.0, 5.0)])
    points = wave["fine_points"].values
    away = np.abs(times(wave, whole, points * [1, -1, 1]) - wave["fine_activation"].values)
    assert away.mean() < 2.0
    assert np.quantile(away, 0.99) < 4.0


def test_right_root_alone_paces_the_right_wall_first(both, left, whole):
    """At its own time, 7 ms; the left free wall comes last (left bundle branch block)."""
    wave = from_sites(both, left, right_roots=[(0.6, 0.0, 7.0)])
    found = wave["fine_activation"].values
    point = sites.site(whole, 0.6, 0.0, ventricle=sites.RIGHT)
    assert 7 < found.min() < 9
    assert np.linalg.norm(wave["fine_points"].values[found.argmin()] - whole["points"].values[point]) < 4.0
    assert wave["fine_points"].values[found.argmax(), 0] < 0  # the septum is at positive x
    assert set(np.unique(wave["fine_wall"])) == {LEFT_WALL, RIGHT_WALL}


def test_anatomy_of_the_left_one_is_told_its_own_times(both, left):
    """Its nodes lie on those of the heart, some of which the right wall shares: times are those of the left wall."""
    wave = from_sites(both, left, roots=[(0.5, 0.0)])
    used = np.unique(left["cells"].values)
    walls = wave["fine_cells"].values[wave["fine_wall"].values == LEFT_WALL]
    onto = mesh.interpolation(wave["fine_points"].values, walls, left["points"].values[used])
    np.testing.assert_allclose(wave["activation"].values[used], onto @ wave["fine_activation"].values)
    assert wave.sizes["point"] == left.sizes["point"]


def test_irregular_tetrahedra_conduct_as_wanted():
    """The conductivities of a mesh of 1.5 mm give its block the velocities, to 5 %; across fibres it needs less than
    layers of such elements, on which some waves nearly stall."""
    wanted, grid = Directions(0.6, 0.3, 0.3, 1.2), Grid(1.5, 1.5, 0.1, BUENO)
    found = irregular.tuned(wanted, grid)
    assert [*irregular.achieved(found, wanted, grid)] == approx([*wanted], rel=0.05)
    assert found.transverse < 0.8 * velocity.tuned(wanted, grid).transverse


def test_diffusing_waves_agree_with_the_eikonal_one(both, left):
    """Roots in both ventricles, walls of two or three elements: the diffusing wave is a few ms late, because it starts
    on a curved front, and then as fast; by the bidomain equation it is half a ms earlier."""
    chosen = {"size": 1.5, "cell": BUENO, "velocity_fiber": 0.6, "velocity_transverse": 0.4}
    chosen |= {"velocity_endocardium": 1.0, "roots": [(0.5, 0.0)], "right_roots": [(0.6, 0.0, 5.0)]}
    methods = ("eikonal", "monodomain", "bidomain")
    waves = [from_sites(both, left, method=method, **chosen) for method in methods]
    early, late, other = (wave["fine_activation"].values for wave in waves)
    assert 0 < (late - early).mean() < 3
    assert np.abs(late - early).max() < 8
    assert np.polyfit(early, late, 1)[0] == approx(1.0, abs=0.05)
    assert np.abs(other - late).max() < 2


def test_velocity_is_recovered_from_the_qrs_of_both(both, left):
    """Planted: 0.7 mm/ms in the fast layer instead of 0.5. The QRS complex is that of both walls."""
    fast = QUICK.model_copy(update={"velocity_endocardium": 0.7})
    times = electrophysiology.activate(left, fast, Fibers(), both=both)["fine_activation"].values
    known = Conduction(
        fitted=["endocardium"], spread=1.0, qrs_sigma="0.5 ms", bounds_endocardium=("0.2 mm/ms", "3 mm/ms")
    )
    found = conduction.calibrate(both, (known, QUICK, Fibers()), qrs=float(np.ptp(times)))
    assert float(found.velocity_endocardium) == approx(0.7, rel=0.02)


def test_scar_is_of_the_left_wall_alone(both):
    """Enhancement everywhere: the right wall stays muscle, and is then cut off from nothing."""
    grid = np.arange(-60.0, 61.0, 4.0)
    labels = xr.Dataset(
        {
            "enhancement": (("z", "y", "x"), np.ones((31, 31, 31))),
            "origin": ("component", np.zeros(3)),
            "directions": (("axis", "component"), np.eye(3)[::-1]),
        },
        {"z": grid, "y": grid, "x": grid},
    )
    moved = both.assign(to_lps=(("row", "column"), np.eye(4)))
    parameters = QUICK.model_copy(update={"scar": QUICK.scar.model_copy(update={"kind": "passive"})})
    found = substrate.build(moved, parameters, Fibers(border_zone="0 mm"), (labels, ()))
    np.testing.assert_array_equal(found.tissue == fibers.SCAR, found.whole["cell_tags"].values == LEFT_WALL)


def test_electrodes_are_placed_from_the_left_wall():
    """A slab of 4 mm x 2 mm x 2 mm whose half beyond x = 2 mm is right wall: the middle of the left half."""
    slab = samples.slab((4.0, 2.0, 2.0), 1.0).assign(to_lps=(("row", "column"), np.eye(4)))
    right = slab["points"].values[slab["cells"].values].mean(axis=1)[:, 0] > 2
    slab = slab.assign(cell_tags=("cell", np.where(right, RIGHT_WALL, LEFT_WALL)))
    offsets = dict.fromkeys((*electrocardiogram.LIMBS, *electrocardiogram.CHEST), (0.0, 0.0, 0.0))
    assert electrocardiogram.electrodes(slab, offsets)[0] == approx([1, 1, 1])


def test_beat_takes_the_activation_of_the_right_wall(both):
    """Planted: the left wall at 20 ms, the nodes of the right one alone at 50. Without these times the right wall goes
    with the left one."""
    cells, tags = both["cells"].values, both["cell_tags"].values
    only = np.setdiff1d(cells[tags == RIGHT_WALL], cells[tags == LEFT_WALL])
    planted = np.full(both.sizes["point"], 20.0)
    planted[only] = 50.0
    fine = {"fine_points": (("fine_point", "component"), both["points"].values)}
    fine |= {"fine_cells": (("fine_cell", "corner"), cells), "fine_activation": ("fine_point", planted)}
    wave = xr.Dataset(fine)
    found = biventricle.delayed(both, wave, 20.0)
    assert found[tags == LEFT_WALL] == approx(0)
    inside = np.isin(cells, only).all(axis=1)
    assert inside.any() and found[inside] == approx(30)
    alone = wave.isel(fine_cell=tags == LEFT_WALL)
    assert biventricle.delayed(both, alone, 20.0) == approx(0)
    assert beat.of_cells(both, wave.assign(fine_wall=("fine_cell", tags))) == approx(20), "those of the left wall alone"


BOTH = {"mesh": {"ventricles": "both"}, "electrophysiology": {"ventricles": "both"}}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"electrophysiology": {"ventricles": "both"}}, "ventricles: both: expected mesh.ventricles both, got left"),
        (
            BOTH
            | {"electrophysiology": {"ventricles": "both", "feedback": {"conduction": True}}}
            | {"beat": {"contraction": "land_2017"}, "surrogate": {"patients": []}},
            "feedback: expected ventricles left, got both",
        ),
        (
            {"mesh": {"ventricles": "both"}, "whatif": {"other": {"electrophysiology": {"ventricles": "both"}}}},
            "whatif.other.electrophysiology.ventricles: expected left, got both",
        ),
        ({"electrophysiology": {"roots": []}}, "roots and leads are both empty"),
        (
            BOTH | {"electrophysiology": {"ventricles": "both", "roots": [], "right_roots": []}},
            "roots and leads are both empty",
        ),
    ],
)
def test_what_cannot_be_is_refused(config, words):
    with pytest.raises(ValueError, match=words.replace(".", r"\.")):
        Study.model_validate(config)


def test_right_roots_alone_are_enough():
    assert Study.model_validate(BOTH | {"electrophysiology": {"ventricles": "both", "roots": []}})
