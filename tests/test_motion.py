"""Strips and movie of a fabricated heart: strains, moments and durations that are known by hand."""

import base64
import io
import itertools

import fabricated
import hearts
import numpy as np
import pytest
from PIL import Image
from pytest import approx

from twinbeat import fibers
from twinbeat.parameters import Fibers
from twinbeat.report import motion, patient, rendering


@pytest.fixture(scope="module")
def stores():
    return fabricated.twin()


def opened(source):
    return Image.open(io.BytesIO(base64.b64decode(source.split(",")[1])))


def coloured(pixels):
    """Share of pixels whose largest and smallest channels differ by more than 60 of 255."""
    return float((np.ptp(np.asarray(pixels.convert("RGB"), int), axis=-1) > 60).mean())


def test_strain_along_fibres_of_a_heart_that_is_stretched(stores):
    """u = 0.1 z e3: E = (1.1² - 1)/2 = 0.105 along the axis, so fibres 30 degrees up from the base plane have
    0.105 / 4 = 0.02625. Turned as a whole, nothing is strained."""
    anatomy = stores["anatomy"]
    points = anatomy.points.values
    upwards = np.tile([0.6 * 0.75**0.5, 0.8 * 0.75**0.5, 0.5], (anatomy.sizes["cell"], 1))
    stretched = motion.fiber_strain(anatomy.assign(fiber=anatomy.fiber.copy(data=upwards)), 0.1 * points * (0, 0, 1))
    assert stretched == approx(np.full(len(points), 0.02625))
    turned = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]])
    assert motion.fiber_strain(anatomy, points @ turned.T - points) == approx(0, abs=1e-12)


def test_moments_are_equal_steps_of_the_volume(stores):
    """90 + 30 cos(phase) in ten frames: end-diastole, then a half of the stroke each at 1/4, 1/2 and 3/4 of the cycle;
    a quarter of ten frames lies between two of them."""
    first, falling, end_systole, rising = motion.moments(stores["beat"], 4).tolist()
    assert (first, end_systole) == (0, 5)
    assert falling in (2, 3) and rising in (7, 8)


def test_frames_take_a_cycle(stores):
    assert motion.durations(stores["beat"]) == approx(np.full(10, 80.0))
    assert motion.durations(stores["beat"].isel(frame=[0, 1, 4])) == approx([80, 240, 480])


def test_activation_spreads_over_the_strip(stores):
    """From the apex up: each column has more colour than the one before, and the last is coloured as the map is."""
    pixels = np.asarray(opened(motion.spreading(stores["activation"])))
    columns = np.array_split(pixels[: pixels.shape[0] * 4 // 5], motion.STRIP, axis=1)
    shares = [coloured(Image.fromarray(column)) for column in columns]
    assert np.all(np.diff(shares) > 0) and shares[-1] > 2 * shares[0]


def test_the_movie_of_the_activation_fills_with_colour(stores):
    """From bare to all active in slow motion, in under half a megabyte; 30 times the span is what it takes."""
    found = opened(source := motion.spreading_movie(stores["activation"]))
    assert (found.format, found.n_frames, found.info["loop"]) == ("WEBP", motion.PAGES, 0) and len(source) < 500_000
    shares, shown = [], 0
    for page in range(found.n_frames):
        found.seek(page)
        height = found.size[1] * 3 // 4
        shares.append(coloured(found.crop((0, 0, found.size[0], height))))
        shown += found.info["duration"]
    assert shares[0] < 0.01 and shares[-1] > 0.1 and np.all(np.diff(shares) > -0.005)
    first, last = rendering.span(stores["activation"])
    assert shown == approx(motion.SLOWLY * (last - first), rel=0.05)


def test_the_beating_heart_is_red_where_it_is_short(stores):
    """Circles around the cavity are a fifth shorter at the middle of the cycle, and as they were at its start."""
    pixels = np.asarray(opened(motion.beating(stores["anatomy"], stores["beat"])))
    columns = np.array_split(pixels[: pixels.shape[0] * 4 // 5], motion.STRIP, axis=1)
    shares = [coloured(Image.fromarray(column)) for column in columns]
    assert shares[0] < 0.01 and shares[3] == max(shares) > 0.05


def test_both_ventricles_beat_on_their_own_mesh(stores):
    """Where both are solved, displacements are those of the store ``heart``, whose points are not the anatomy's."""
    both = fibers.assign(hearts.biventricle(12.0, 1), Fibers())
    sideways = both.points.values * (1.0, 1.0, 0.0)
    motions = (fabricated.SQUEEZE - 1)[:, None, None] * sideways
    beat = stores["beat"].drop_vars("displacement")
    beat = beat.assign(displacement=(("frame", "point", "component"), motions))
    source = patient.PICTURES["beating"][1]({"anatomy": stores["anatomy"], "heart": both, "beat": beat})
    assert coloured(opened(source)) > coloured(opened(motion.beating(stores["anatomy"], stores["beat"])))


def test_the_movie_has_the_frames_of_the_beat(stores):
    """Ten pages, 80 ms each, over and over, none like the one before it, under half a megabyte."""
    source = motion.movie(stores["anatomy"], stores["beat"])
    found = opened(source)
    assert (found.format, found.n_frames, found.info["loop"]) == ("WEBP", 10, 0)
    assert len(source) < 500_000
    pages = []
    for page in range(found.n_frames):
        found.seek(page)
        pages.append(np.asarray(found.convert("RGB"), int))
        assert found.info["duration"] == 80
    assert all(np.abs(one - other).max() > 60 for one, other in itertools.pairwise(pages))
