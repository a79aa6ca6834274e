"""Imaging of phantoms: surfaces against closed formulas, and images and labels against the shapes that were imaged."""

from functools import cache

import numpy as np
import pytest
import xarray as xr

from twinbeat.parameters import Phantom
from twinbeat.phantom import imaging, neighbours
from twinbeat.phantom.neighbours import Right
from twinbeat.phantom.plan import plan
from twinbeat.phantom.surfaces import Grid, Surface, capped, ellipsoid, filled, loft, profile, tube

FRAMES = 2


def dome(radius: float, depth: float, rings: int = 20, count: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """The half of an ellipsoid below z = 0, open there: vertices, and triangles from the apex to the rim."""
    angle = np.linspace(0, np.pi / 2, rings + 1)[1:, None]
    turn = 2 * np.pi * np.arange(count) / count
    x, y = radius * np.sin(angle) * np.cos(turn), radius * np.sin(angle) * np.sin(turn)
    ring = np.stack([x, y, np.broadcast_to(-depth * np.cos(angle), x.shape)], axis=-1).reshape(-1, 3)
    first = 1 + count * np.arange(rings - 1)[:, None] + np.arange(count)
    after = 1 + count * np.arange(rings - 1)[:, None] + (np.arange(count) + 1) % count
    a, b, c, d = first.ravel(), after.ravel(), first.ravel() + count, after.ravel() + count
    tip = np.column_stack([np.zeros(count, int), 1 + (np.arange(count) + 1) % count, 1 + np.arange(count)])
    return np.vstack([[0, 0, -depth], ring]), np.concatenate(
        [tip, np.column_stack([a, b, d]), np.column_stack([a, d, c])]
    )


def beating(frames: int = FRAMES) -> xr.Dataset:
    """A half-ellipsoid whose inner radius goes from 26 to 20 mm and back; the wall about keeps its volume."""
    time = 800.0 * np.arange(frames) / frames
    inner = 26 - 6 * np.sin(np.pi * time / 800) ** 2
    outer = np.sqrt(inner**2 + 36**2 - 26**2)
    points = [np.vstack([dome(a, 80)[0], dome(b, 90)[0]]) for a, b in zip(inner, outer, strict=True)]
    triangles = dome(1, 1)[1]
    return xr.Dataset(
        {
            "points": (("time", "vertex", "component"), np.array(points)),
            "endo_triangles": (("endo", "corner"), triangles),
            "epi_triangles": (("epi", "corner"), triangles + len(points[0]) // 2),
            "cycle": 800.0,
            "rv_angle": np.radians(55),
            "rv_width": 28.0,
        },
        coords={"time": time},
    )


@cache
def seen(spacing: str = "8 mm") -> xr.Dataset:
    return imaging.acquire(beating(), Phantom(slice_spacing=spacing), np.random.default_rng(7))


def test_volumes_of_closed_surfaces():
    """Half an ellipsoid 2/3 pi r² d, a cylinder pi r² h; inscribed polygons of 48 corners have 0.3 % less area."""
    assert capped(*dome(26, 80)).volume() == pytest.approx(2 / 3 * np.pi * 26**2 * 80, rel=0.01)
    straight = tube(np.array([[0.0, 0, 0], [0, 0, 30]]), np.array([10.0, 10]), count=200)
    assert straight.volume() == pytest.approx(np.pi * 100 * 30, rel=1e-3)
    assert ellipsoid(np.array([1.0, 2, 3]), np.array([10.0, 20, 30]), 60, 120).volume() == pytest.approx(
        4 / 3 * np.pi * 6000, rel=5e-3
    )


def test_a_moved_surface_keeps_its_volume():
    """A turn by 90 degrees about the first axis takes (0, 0, -80) to (0, 80, 0), then the shift adds 5."""
    surface = capped(*dome(26, 80))
    turned = surface.moved(np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]), np.array([0.0, 5, 0]))
    assert turned.volume() == pytest.approx(surface.volume())
    np.testing.assert_allclose(turned.vertices[0], [0, 85, 0], atol=1e-12)


def test_a_filled_cut_has_the_area_of_the_circle():
    """At height -40 a half-ellipsoid of 26 and 80 mm has the radius 26 sqrt(3)/2 = 22.52 mm, so 1593 mm²."""
    segments = capped(*dome(26, 80, 60, 200)).cut(-40.0)
    grid = Grid((-30.0, -30.0), 0.5, (121, 121))
    area = filled(segments, grid).sum() * 0.25
    assert area == pytest.approx(np.pi * 26**2 * 3 / 4, rel=0.005)
    small, part = grid.around(segments)
    np.testing.assert_array_equal(filled(segments, small), filled(segments, grid)[part])


def test_a_cut_past_the_surface_is_empty():
    assert len(capped(*dome(26, 80)).cut(-81.0)) == 0


def test_a_surface_inside_another_one_is_a_hole():
    """Even-odd rule: a square of 20 mm with a square hole of 10 mm in it has 300 mm²."""
    squares = [s * np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]]) for s in (10, 5)]
    segments = np.concatenate([np.stack([q, np.roll(q, -1, axis=0)], axis=1) for q in squares])
    assert filled(segments, Grid((-15.0, -15.0), 0.25, (121, 121))).sum() / 16 == pytest.approx(300, rel=0.02)


def test_the_profile_of_a_shifted_cone():
    """Radius 10 + height at every angle, about a centre that moves by height / 2."""
    heights = np.linspace(0, 10, 5)
    centres = np.column_stack([heights / 2, 0 * heights, heights])
    radii, found = profile(tube(centres, 10 + heights, count=180), np.array([2.0, 6.0]))
    np.testing.assert_allclose(radii, [[12] * 72, [16] * 72], rtol=2e-3)
    np.testing.assert_allclose(found, [[1, 0], [3, 0]], atol=0.02)


@pytest.mark.parametrize("frame", range(FRAMES))
def test_labels_have_the_volumes_of_the_shapes(frame):
    """With thin slices the labelled volumes are those of the surfaces: of 80 mm, half a slice is 1.3 %."""
    found, voxel = seen("2 mm"), 2e-3 * float(seen("2 mm").x[1]) ** 2
    inner, outer = imaging._ventricle(beating(), frame)
    labels = found.labels.values[frame]
    assert (labels == 1).sum() * voxel == pytest.approx(inner.volume() / 1000, rel=0.025)
    assert (labels == 2).sum() * voxel == pytest.approx((outer.volume() - inner.volume()) / 1000, rel=0.035)


def test_both_ventricles_eject_alike():
    """The crescent's volume falls by what the left ventricle ejects; its labels show it to a tenth of the stroke."""
    found = seen("2 mm")
    volumes = {k: (found.labels.values == k).sum(axis=(1, 2, 3)) * 2e-3 * float(found.x[1]) ** 2 for k in (1, 3)}
    left, right = (volume[0] - volume[1] for volume in (volumes[1], volumes[3]))
    assert right == pytest.approx(left, rel=0.1)
    assert left / volumes[1][0] == pytest.approx(1 - (20 / 26) ** 2, abs=0.01)


def test_the_crescent_has_the_wanted_volume():
    """A stroke of 80 mL at an ejection fraction of 58 % needs 137.9 mL; a wide crescent keeps its own volume."""
    around = neighbours.contours(imaging._ventricle(beating(), 0)[1])
    assert Right(0.9, 5.0, 80.0, around).filled == pytest.approx(80e3 / 0.58)
    assert Right(0.9, 45.0, 10.0, around).filled > 100e3


def test_tissues_have_their_contrast():
    """Medians of the labelled voxels: blood brightest, muscle about a third of it; the coils change both by little."""
    found = seen()
    deep = {k: np.median(found.image.values[found.labels.values == k]) for k in (1, 2, 3)}
    assert deep[1] / imaging.GAIN == pytest.approx(1.0, abs=0.15)
    assert deep[2] / deep[1] == pytest.approx(0.36, abs=0.06)
    assert deep[3] / deep[1] == pytest.approx(0.95, abs=0.12)


def test_noise_is_rician():
    """Without signal, the magnitude of complex noise of 0.04 of blood has the mean 0.04 sqrt(pi/2) = 0.0501 of it."""
    scan = plan(imaging._ventricle(beating(), 0)[1], 8.0, np.random.default_rng(0))
    signal = np.zeros((2, *scan.shape), np.float32)
    imaging._receive(scan, 0, 0.04, signal, np.random.default_rng(1))
    assert signal.mean() / imaging.GAIN == pytest.approx(0.04 * np.sqrt(np.pi / 2), rel=0.01)


def test_geometry_of_the_stack():
    """Slices 8 mm apart from below the apex to above the base, right-handed axes near the usual short axis."""
    found = seen()
    z, y, x = found.directions.values
    np.testing.assert_allclose(found.directions @ found.directions.rename(axis="other"), np.eye(3), atol=1e-12)
    np.testing.assert_allclose(np.cross(x, y), z, atol=1e-12)
    np.testing.assert_allclose(np.diff(found.z), 8.0)
    assert 1.4 <= float(found.x[1]) <= 1.8
    heart = (found.labels.values > 0).any(axis=(0, 2, 3))
    assert not heart[0] and not heart[-1] and heart.sum() in (11, 12, 13)
    assert z @ [-0.67, 0.60, 0.43] > np.cos(np.radians(30))


def test_the_heart_frame_is_known():
    """``to_lps`` takes the heart frame's origin, the middle of the base, to where the labelled base ends."""
    found = seen()
    base = found.to_lps.values[:3, 3] - found.origin.values
    place = found.directions.values @ base
    top = found.z.values[(found.labels.values[0] == 1).any(axis=(1, 2))].max() + 4
    assert place[0] == pytest.approx(top, abs=2.5)
    blood = np.argwhere(found.labels.values[0] == 1)
    highest = blood[blood[:, 0] == blood[:, 0].max()].mean(axis=0)
    np.testing.assert_allclose(place[1:], [found.y.values[1] * highest[1], found.x.values[1] * highest[2]], atol=5)


def test_breath_holds_differ():
    """Each slice is moved by 1 to 3 mm in the plane."""
    outer = imaging._ventricle(beating(), 0)[1]
    size = np.linalg.norm(plan(outer, 8.0, np.random.default_rng(0)).shifts, axis=1)
    assert (size >= 1).all() and (size <= 3).all() and np.ptp(size) > 0.5


def test_the_same_seed_gives_the_same_image():
    again = imaging.acquire(beating(), Phantom(), np.random.default_rng(7))
    xr.testing.assert_identical(again, seen())


def test_a_loft_needs_no_order_of_its_contours():
    """Contours from top to bottom enclose the same volume as from bottom to top."""
    rings = np.stack([tube(np.array([[0.0, 0, h], [0, 0, h + 1]]), np.ones(2)).vertices[:20] for h in range(4)])
    assert loft(rings).volume() == pytest.approx(loft(rings[::-1]).volume())
    assert isinstance(loft(rings), Surface)
