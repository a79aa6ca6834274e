"""Targets of calibration: known shapes, pressures and their uncertainty."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from twinbeat import calibration, fibers, mesh
from twinbeat.calibration import pressure, targets
from twinbeat.calibration.windows import Windows, weight
from twinbeat.intake.clinical import Clinical, Figure, Trace
from twinbeat.mesh import synthetic
from twinbeat.parameters import Calibration, Fibers, Mesh

APEX = -78.0


def figure(value: float, sigma: float = 0.1) -> Figure:
    return Figure(value=value, sigma=sigma, source="measured")


def clinical(trace: Trace | None = None) -> Clinical:
    pressures = {"systolic": figure(16.0), "diastolic": figure(10.0), "lv_end_diastolic_pressure": figure(1.2)}
    return Clinical(heart_rate=figure(75.0), lv_pressure=trace, **pressures)


def test_windows_cover_the_endocardium_once():
    """The 16 weights add up to 1 at any height and angle but for the blur at their edges (at most a tenth)."""
    angle, z = np.meshgrid(np.linspace(0, 2 * np.pi, 50), np.linspace(0.8 * APEX, -5, 20))
    x, y = 20 * np.cos(angle), 20 * np.sin(angle)
    total = sum(weight(np, x, y, z, Windows(APEX).parameters(s)) for s in range(1, 17))
    assert np.abs(total - 1).max() < 0.1


def test_radii_of_a_cone():
    """On r = 30 + z/4 the basal segments (z from -26 to 0) have 30 - 13/4 = 26.75 mm, the middle ones 20.25 mm.

    The blur of 4 mm at the windows' ends leaves the mean in place, but for the end at the base: 0.5 mm.
    """
    around = np.linspace(0, 2 * np.pi, 80, endpoint=False)
    spans, measures = np.zeros(16), np.zeros(16)
    for z in np.arange(-0.25, APEX, -0.5):
        r = 30 + z / 4
        loop = np.stack([r * np.cos(around), r * np.sin(around), np.full(80, z)], axis=1)
        ring = targets._spans(loop, Windows(APEX))
        spans, measures = spans + ring, measures + ring / r
    radii = spans / measures
    assert radii[:6] == pytest.approx(np.full(6, 26.75), abs=0.5)
    assert radii[6:12] == pytest.approx(np.full(6, 20.25), abs=0.1)


@pytest.fixture(scope="module")
def stack() -> tuple[xr.Dataset, xr.Dataset]:
    """Labels of an ellipsoid whose inner short radius is 26, 20.8 and 23.4 mm in three frames, and its anatomy."""
    (inner, outer), long, base = synthetic.HUMAN
    frames = [synthetic.labels(synthetic.ellipsoids((inner * s, outer), long, base, 2)) for s in (1.0, 0.8, 0.9)]
    labels = xr.concat(frames, "time", data_vars=["labels", "probability"]).assign_coords(time=[0.0, 300.0, 600.0])
    labels = labels.assign(cycle=800.0)
    return labels, fibers.assign(mesh.build(frames[0], Mesh(size="15 mm", layers=1)), Fibers())


def test_targets_of_a_narrowing_ellipsoid(stack):
    """Volumes go with the square of the radius (0.64, 0.81), radii with the radius; end-diastole is the mesh's.

    Slices of 8 mm see the narrow tip of the cavity less well in one frame than in another: 1 % and 2 %.
    """
    labels, anatomy = stack
    found = calibration.extract(labels, anatomy, clinical(), Calibration())
    cavity = mesh.cavity_volume(*(anatomy[name].values for name in ("points", "facets", "facet_tags")))
    assert found.volume[0] == pytest.approx(cavity, rel=1e-12)
    assert found.volume.values / cavity == pytest.approx([1, 0.64, 0.81], rel=0.01)
    ratio = (found.radius / found.radius.isel(time=0)).values
    assert ratio[:, 1] == pytest.approx(np.full(16, 0.8), rel=0.02)
    assert ratio[:, 2] == pytest.approx(np.full(16, 0.9), rel=0.02)
    assert found.radius_sigma.values == pytest.approx(np.full((16, 3), 1.5))
    assert (int(found.end_diastole), int(found.end_systole)) == (0, 1)
    assert "epicardial_radius" not in found


def test_epicardial_targets_of_a_fixed_epicardium(stack):
    """The outer short radius is 36 mm in all frames: its radii stay those of the mesh, with the configured sigma."""
    found = calibration.extract(*stack, clinical(), Calibration(epicardial_sigma="2 mm"))
    outside = found.epicardial_radius.values
    assert outside == pytest.approx(np.tile(outside[:, :1], 3), rel=0.01)
    assert outside[:6, 0] == pytest.approx(np.full(6, 35.5), abs=1.0)
    assert found.epicardial_radius_sigma.values == pytest.approx(np.full((16, 3), 2.0))
    inside = calibration.extract(*stack, clinical(), Calibration())
    assert found.radius.values == pytest.approx(inside.radius.values)


@given(tip=st.floats(0.1, 0.9), slope=st.floats(5.0, 80.0))
def test_the_tip_of_a_paraboloid_is_not_lost_between_slices(tip, slope):
    """Areas falling linearly to nought at any place between two slices: the volume slope x length² / 2 is exact."""
    length, thickness = 40.0 + 8.0 * tip, 8.0
    middles = 4.0 + thickness * np.arange(8)
    areas = np.maximum(slope * (length - middles), 0)
    assert targets.stacked(areas, thickness) == pytest.approx(slope * length**2 / 2, rel=1e-9)


def test_one_slice_is_a_cylinder():
    assert targets.stacked(np.array([100.0, 0.0]), 8.0) == 800.0


def test_a_window_that_no_slice_shows_says_nothing():
    """With no contour in segment 16, its radius stays that of the mesh, with ten times itself as deviation."""
    spans = np.ones((3, 16))
    spans[:, 15] = 0.0
    radius, sigma = targets._radii(spans, 0, np.full(16, 20.0), 1.5)
    assert radius[15].tolist() == [20.0] * 3
    assert sigma[15].tolist() == [200.0] * 3
    assert sigma[0].tolist() == [1.5] * 3


def test_smoothed_trace():
    """Local cubic regression keeps a parabola, around the end of the cycle too, and takes noise of 1 kPa to 0.63.

    With samples every 10 ms and a kernel of 12 ms, the deviation is sqrt(27 / 16 / (2 sqrt(pi)) 10 / 12) = 0.63 of it.
    """
    samples = np.arange(0.0, 800, 10)
    arch = Trace(time=tuple(samples), pressure=tuple(2 + (samples - 400) ** 2 / 1e4), sigma=1.0)
    values, sigmas = pressure.smoothed(arch, np.array([200.0, 605.0]), 800.0, 12.0)
    assert values == pytest.approx([6.0, 6.2025], abs=1e-6)
    assert sigmas == pytest.approx([0.63, 0.63], rel=0.02)


def test_trace_and_figure_meet_at_end_diastole():
    """Trace 1.0 kPa with sigma 0.063 and figure 1.2 kPa with sigma 0.1: weights 2.5 to 1, so 1.057 with sigma 0.053."""
    trace = Trace(time=tuple(np.arange(0.0, 800, 10)), pressure=(1.0,) * 80, sigma=0.1)
    values, sigmas = pressure.at(clinical(trace), np.array([0.0, 400.0]), 800.0, np.ones(2), 0, Calibration())
    assert values == pytest.approx([1.057, 1.0], abs=1e-3)
    assert sigmas == pytest.approx([0.0533, 0.063], rel=0.02)


def test_a_sparse_trace_is_smoothed_over_four_samples():
    """Samples 50 ms apart leave a kernel of 12 ms with one or two: a cubic needs four, and keeps a straight line."""
    samples = np.arange(0.0, 800, 50)
    trace = Trace(time=tuple(samples), pressure=tuple(1 + np.abs(samples - 400) / 100), sigma=0.1)
    values, _ = pressure.smoothed(trace, np.array([210.0]), 800.0, 12.0)
    assert values == pytest.approx([2.9], abs=1e-3)


def test_template_meets_the_clinical_figures():
    """End-diastole 1.2 kPa (9.0 mmHg), peak 16 kPa, 80 % of it at end-systole, relaxed 80 ms later.

    There, V = 65.6 mL; V0 = 100 (0.6 - 0.054) = 54.6 mL, V30 - V0 = 45.4 / (9.0 / 27.78)^(1 / 2.76) = 68.3 mL, so that
    P = 27.78 (11.0 / 68.3)^2.76 = 0.18 mmHg = 0.024 kPa.
    """
    times = np.arange(0.0, 800, 20)
    volume = 100 - 50 * np.interp(times, [0, 60, 320, 500, 800], [0, 0, 1, 0.3, 0])
    values, sigmas = pressure.at(clinical(), times, 800.0, volume, 0, Calibration())
    assert values[0] == 1.2
    assert values.max() == pytest.approx(16, rel=0.02)
    assert values[16] == pytest.approx(12.8)
    assert values[20] == pytest.approx(0.024, rel=0.03)
    assert np.all(np.diff(values[20:]) > 0)
    assert sigmas[16] == pytest.approx(np.hypot(0.15 * 12.8, 0.1))
