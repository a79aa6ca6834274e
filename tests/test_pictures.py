"""Pictures of a fabricated twin: where its image, mesh, segments and fibres come to lie."""

import base64
import io

import fabricated
import hearts
import numpy as np
import pytest
import xarray as xr
from PIL import Image
from pytest import approx

from twinbeat import assessment, fibers, mesh
from twinbeat.parameters import Fibers
from twinbeat.report import bullseye, curves, electrocardiogram, frames, patient, rendering


@pytest.fixture(scope="module")
def stores():
    return fabricated.twin()


def test_section_of_a_tetrahedron():
    """The plane z = 1/4 cuts the corner tetrahedron in a right triangle with legs of 3/4."""
    points = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 0], [1, 0, 0]], float)  # (z, y, x)
    triangles = np.array([[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]])
    segments = frames.section(points, triangles, 0.25)
    lengths = np.sort(np.linalg.norm(segments[:, 0] - segments[:, 1], axis=1))
    assert lengths == approx([0.75, 0.75, 0.75 * 2**0.5])


def test_section_through_a_node_counts_each_triangle_once():
    """A plane exactly through a corner meets the triangle in one segment."""
    points = np.array([[0.0, 0, 0], [1.0, 0, 0], [-1.0, 2, 0]])
    assert frames.section(points, np.array([[0, 1, 2]]), 0.0).shape == (1, 2, 2)


def test_mesh_meets_the_image(stores):
    """The fabricated image has the axis of the heart at x = y = 64 mm and the base at z = 4 mm."""
    image, to_lps = stores["image"], stores["anatomy"].to_lps.values
    assert frames.in_image(np.zeros((1, 3)), to_lps, image)[0] == approx([4.0, 64.0, 64.0])
    assert frames.in_image(np.array([[30.0, 0, -40.0]]), to_lps, image)[0] == approx([44.0, 64.0, 34.0])


def test_mesh_follows_the_breath_hold_of_each_slice(stores):
    """x and y of the image run against the first and second axis of LPS; no slice was shifted at 28 mm."""
    shift = [frames.slice_shift(stores["anatomy"], stores["image"], z).tolist() for z in (12.0, 20.0, 28.0)]
    assert np.array(shift) == approx(np.array([[0, 0], [-2, -3], [0, 0]]))


def test_calcium_is_drawn_where_cells_drive_the_beat(stores):
    """Calcium, stress and the strains of 17 segments; nothing for a phenomenological beat, which has no calcium."""
    beat = stores["beat"]
    assert curves.contraction(beat.drop_vars("calcium")) is None
    source = curves.contraction(beat)
    text = base64.b64decode(source.split(",")[1]).decode()
    assert text.count("<!-- calcium (µM) -->") == text.count("<!-- active stress (kPa) -->") == 1


def test_what_the_segmentation_cleaned_away_is_not_drawn(stores):
    """A probable island far from the label has no border; the label's own border stays."""
    at = stores["labels"].isel(time=0, z=3)
    island = at.probability.copy()
    island[{"label": 1, "y": slice(0, 3), "x": slice(0, 3)}] = 1.0
    before, after = (frames.borders(one)[0] for one in (at, at.assign(probability=island)))
    assert after.max() == 1.0
    assert (after > 0.5).tolist() == (before > 0.5).tolist()


def test_slices_run_from_base_to_apex(stores):
    """The heart shrinks towards large z; turned around, the same slices come out in the same order of the body."""
    labels = stores["labels"]
    base, mid, apex = (float(labels.z[z]) for z in frames.chosen_slices(labels))
    assert base < mid < apex
    turned = labels.isel(z=slice(None, None, -1))
    assert [float(turned.z[z]) for z in frames.chosen_slices(turned)] == [base, mid, apex]


def test_bullseye_shows_lost_contraction_where_it_was_sought():
    """A third bullseye beside strain and tension, and only then."""
    values = {name: ("segment", np.linspace(0.1, 0.9, 17)) for name in ("peak_strain", "contractility")}
    two = bullseye.bullseye(xr.Dataset(values))
    three = bullseye.bullseye(xr.Dataset(values | {"probability_lost": ("segment", np.linspace(0, 1, 17))}))
    svg = [base64.b64decode(one.split(",")[1]).decode() for one in (two, three)]
    assert [one.count("anterior") for one in svg] == [2, 3]


def test_bullseye_has_the_segments_where_the_association_puts_them():
    """1 and 13 above (anterior), 2 upper left (anteroseptal), 4 below, 14 left (septal), 16 right, 17 in the middle."""
    ring = bullseye.wedges()
    middle = {i + 1: ((first + last) / 2) % 360 for i, (_, _, first, last) in enumerate(ring)}
    assert [middle[i] for i in (1, 7, 13, 2, 4, 14, 16)] == approx([90, 90, 90, 150, 270, 180, 0])
    area = sum((outer**2 - inner**2) * (last - first) / 360 for inner, outer, first, last in ring)
    assert area == approx(1.0)  # of the unit disc, without gap or overlap


def test_helix_angle():
    """On the first axis the circumference runs along the second: straight along it 0, and 60 degrees up from it."""
    position = np.array([[30.0, 0, 0]] * 3)
    fiber = np.array([[0, 1, 0], [0, 0.5, 0.75**0.5], [0, -0.5, -(0.75**0.5)]])
    assert rendering.helix_angle(fiber, position) == approx([0, 60, 60])


def test_each_facet_has_its_cell(stores):
    anatomy = stores["anatomy"]
    facets, cells = anatomy.facets.values, anatomy.cells.values
    for facet, owner in zip(facets, mesh.owners(cells, facets), strict=True):
        assert set(facet) <= set(cells[owner])


def test_both_ventricles_are_rendered():
    """Two hearts on white, the right ventricle's inside with fibres of its own: warm colours in the opened one."""
    anatomy = fibers.assign(hearts.biventricle(8.0, 2), Fibers())
    source = rendering.heart(anatomy, None)
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))), float)
    opened = np.array_split(pixels[: pixels.shape[0] * 3 // 4], 4, axis=1)[1]
    assert 0.1 < (opened.min(axis=2) < 250).mean() < 0.67
    assert ((opened[..., 0] - opened[..., 2]) > 80).mean() > 0.01


def test_heart_is_rendered_without_a_display(stores, monkeypatch):
    """Four hearts on white: between a tenth and two thirds of each quarter is not white, nor all of one colour."""
    monkeypatch.delenv("DISPLAY", raising=False)
    source = rendering.heart(stores["anatomy"], stores["activation"], stores["posterior"].tissue.values)
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))), float)
    quarters = np.array_split(pixels[: pixels.shape[0] * 3 // 4], 4, axis=1)
    for quarter in quarters:
        assert 0.1 < (quarter.min(axis=2) < 250).mean() < 0.67
        assert quarter.std(axis=(0, 1)).min() > 10


def test_scar_is_darker_than_any_activation(stores):
    """The half of the wall with the first axis above 0 as scar: its brown, #6b5348, which viridis has not, shows up in
    the activation's two pictures, and not without it."""
    x = stores["activation"].fine_points.values[stores["activation"].fine_cells.values].mean(axis=1)[:, 0]
    scarred = stores["activation"].assign(fine_tissue=("fine_cell", np.where(x > 0, fibers.SCAR, 0)))

    def brown(activation):
        source = rendering.heart(stores["anatomy"], activation)
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",")[1]))), float)
        right = pixels[: pixels.shape[0] * 3 // 4, pixels.shape[1] // 2 :]
        return ((right[..., 0] > right[..., 1] + 8) & (right[..., 1] > right[..., 2])).mean()

    assert brown(stores["activation"]) < 0.01
    assert brown(scarred) > 0.05


def beating(stores):
    """Its activation with twelve sines as leads."""
    time = np.arange(400.0)
    waves = np.sin(time / 30)[None] * np.arange(1, 13)[:, None]
    figures = {"qrs_onset": 5.0, "qrs_duration": 90.0, "qt_interval": 350.0}
    leads = {"ecg": (("lead", "time"), waves)} | {name: ((), value) for name, value in figures.items()}
    return stores["activation"].assign(leads).assign_coords(lead=[f"lead {i}" for i in range(12)], time=time)


def test_electrocardiogram_is_drawn_where_there_is_one(stores):
    """Twelve panels, each with its name; nothing for an activation alone."""
    svg = base64.b64decode(electrocardiogram.electrocardiogram(beating(stores)).split(",")[1]).decode()
    assert all(f"<!-- lead {i} -->" in svg for i in range(12))
    assert patient.PICTURES["ecg"][1](stores) is None


def test_figures_of_the_beat_reach_the_page(stores):
    """QRS and QT are figures of the twin, and of its page, only where there is an electrocardiogram."""
    stages = {name: stores[name] for name in ("labels", "anatomy", "targets", "posterior", "beat")}
    with_beat = assessment.assess(**stages, activation=beating(stores))
    without = assessment.assess(**stages, activation=stores["activation"])
    assert (float(with_beat.qrs_duration), float(with_beat.qt_interval)) == (90.0, 350.0)
    assert "qt_interval" not in without
    assert {"QT interval, simulated", "QRS duration, simulated"} <= {
        row["name"] for row in patient._rows(with_beat, patient.KEY_FIGURES)
    }
