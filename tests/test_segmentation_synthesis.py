"""The generator of what the networks are trained on."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from twinbeat.segmentation.postprocess import enclosure
from twinbeat.segmentation.scale import PIXEL, normalise
from twinbeat.segmentation.synthesis import NAMES, contoured, frame, labels, left, sample, scanner, stack, thorax
from twinbeat.segmentation.synthesis.canvas import PLANES, Canvas, Layer, ellipsoid, meet

BLOOD, MYOCARDIUM, RV = 1, 2, 3


@pytest.fixture(scope="module")
def samples():
    return [sample(5, index, 10) for index in range(60)]


def canvas(slices: int = 8, size: int = 64) -> Canvas:
    return stack(np.random.default_rng(0), slices, size)


def test_a_sample_depends_on_its_seed_and_number_only():
    first, again = sample(3, 14), sample(3, 14)
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], sample(3, 15)[0])
    assert not np.array_equal(first[0], sample(4, 14)[0])


def test_samples_are_stacks_in_the_range_of_the_network(samples):
    """Signals of -1.25 to 1.5 on a scale that moves by a fifth and 0.05 (one standard deviation)."""
    for images, truth in samples:
        assert images.shape == truth.shape == (10, 96, 96)
        assert images.dtype == np.float32
        assert images.min() >= -1.6
        assert images.max() <= 2.3
        assert truth.max() < len(NAMES)
    assert set(np.unique([truth for _, truth in samples])) == set(range(len(NAMES)))


def test_samples_span_small_and_large_cavities_and_thin_and_thick_walls(samples):
    """Middle sections of cavities between 3 cm2 (systole) and 40 cm2 (dilated); muscle from a third of the ventricle
    to five sixths, and a right ventricle beside nearly all of them."""
    areas = np.array([(truth == BLOOD).sum((1, 2)).max() for _, truth in samples]) * PIXEL**2 / 100
    muscle = np.array([(truth == MYOCARDIUM).sum() / ((truth == BLOOD) | (truth == MYOCARDIUM)).sum()
                       for _, truth in samples])  # fmt: skip
    assert areas.min() < 3
    assert areas.max() > 40
    assert muscle.min() < 1 / 3
    assert muscle.max() > 5 / 6
    assert np.mean([(truth == RV).any() for _, truth in samples]) > 0.9


def test_stacks_reach_beyond_base_and_apex(samples):
    """Ten slices 6 to 13 mm apart span 54 to 117 mm, ventricles 45 to 150: many stacks see what lies beyond."""
    ends = [(truth[[0, -1]] == MYOCARDIUM).any((1, 2)) for _, truth in samples]
    assert np.mean([not end.all() for end in ends]) > 0.2
    assert np.mean([end.all() for end in ends]) > 0.02


def test_the_pool_is_closed_by_muscle_below_the_valve(samples):
    """The wall is at least 2 mm thick, more than a pixel of 1.5 mm: but for slices that the valve plane cuts, muscle
    surrounds the blood."""
    rims = [enclosure(slice_) for _, truth in samples for slice_ in np.where(truth < RV, truth, 0)]
    assert np.mean(np.array(rims) > 0.95) > 0.8


def test_blood_is_mostly_brighter_than_muscle_but_not_always():
    """Seven in ten samples have cine contrast; of the others one in ten has dark blood: 3 in 100."""
    contrast = []
    for index in range(300):
        rng = np.random.default_rng(index)
        signals = scanner.cine_contrast(rng) if rng.random() < 0.7 else scanner.random_contrast(rng)
        contrast.append(signals["blood"] - signals["myocardium"])
    assert 0.94 < np.mean(np.array(contrast) > 0) < 1
    assert np.std(contrast) > 0.2


def test_trabeculae_darken_the_rim_of_what_is_labelled_blood():
    """Over many ventricles a tenth to a third of the cavity is more than half muscle, nothing of it outside of the
    compacted wall, and the apical half has more of it than the basal half."""
    shares, halves = [], []
    for index in range(30):
        rng = np.random.default_rng([3, index])
        heart = left.size(rng)
        around = canvas(10, 96)
        ventricle = left.shape(rng, around, frame.place(rng, around, heart.length), heart)
        share = left.trabeculae(rng, around, ventricle, heart)[0].depth + 0.5
        cavity = (ventricle.endocardium > 0) & (ventricle.below > 0)
        assert (share[~cavity] <= 0).all()
        apical, basal = (cavity & (ventricle.along < 0.5)), (cavity & (ventricle.along >= 0.5))
        shares.append((share[cavity] > 0.5).mean())
        if apical.any() and basal.any():
            halves.append(share[apical].mean() - share[basal].mean())
    assert 0.1 < np.mean(shares) < 0.35
    assert np.mean(halves) > 0.05


def test_roots_of_trabeculae_fall_from_the_endocardium_on():
    """Outside of it, where the blood's edge is soft, they are all that is seen; at it their share is 0.65 to 0.95; from
    there on ever less, so that no rim looks like a smooth wall, and a half of that within 3.3 mm (2.5 times 1.3)."""
    rng = np.random.default_rng(4)
    depth = np.linspace(-2, 12, 281, dtype=np.float32)
    for _ in range(50):
        ventricle = left.Left(depth, *[depth + 10] * 3, depth.astype(np.complex64))
        share = left.roots(rng, ventricle, np.float32(1.3), left.Size(25, 10, 80))
        inside = share[depth > 0]
        assert (share[(depth > -1.4) & (depth <= 0)] == 1).all()
        assert (share[depth < -1.6] == 0).all()
        assert 0.6 < inside[0] < 0.95
        assert (np.diff(inside[inside > 0]) < 0).all()
        assert inside[depth[depth > 0] > 3.4].max() < 0.5 * inside[0]


def test_a_sharp_edge_is_that_of_a_smooth_wall():
    """A fifth of the walls has no trabeculae, and the softness of their blood is at most 2 mm."""
    smooth = []
    for index in range(150):
        rng = np.random.default_rng([6, index])
        heart, around = left.size(rng), canvas(4, 48)
        seen = frame.place(rng, around, heart.length)
        drawn = left.layers(rng, around, seen, left.shape(rng, around, seen, heart), heart)
        assert drawn[1].label == BLOOD
        assert drawn[1].softness <= 2
        smooth.append(drawn[2:4] == [] or [layer.tissue for layer in drawn[2:4]] != ["trabecula", "myocardium"])
    assert np.mean(smooth) == pytest.approx(0.2, abs=0.1)


def beside_fat(lean: float, blur: float) -> tuple[float, float, float]:
    """Radii in mm of the true surface, the labels and the black line, of a round heart in fat of opposed phase (signals
    0.3 and -1) whose wall leans inwards by ``lean`` mm for each of height, in a slice of 8 mm."""
    around = Canvas(np.float32([-8 / 3, 0, 8 / 3]), 64)
    radius = np.hypot(around.axis[:, None], around.axis)
    surface = 30 - radius - lean * around.heights[:, None, None]
    looks = {name: np.full((1, 1, 64, 64), value) for name, value in (("fat", -1), ("myocardium", 0.3))}
    drawn = [Layer(surface + 10, "fat", 0), Layer(surface, "myocardium", MYOCARDIUM)]
    signal = gaussian_filter(scanner.paint(around, [], drawn, looks), (0, blur, blur))
    found = contoured(labels(around, drawn), signal, around.middle(surface))[0]
    bins = np.round(radius / 0.25)
    profile = {b: np.abs(signal[0])[bins == b].mean() for b in np.unique(bins) if 20 < 0.25 * b < 38}
    return 30.0, PIXEL * float(np.sqrt((found == MYOCARDIUM).sum() / np.pi)), 0.25 * min(profile, key=profile.get)


@pytest.mark.parametrize("lean", [0, 0.5])
@pytest.mark.parametrize("blur", [0.3, 0.7])
def test_the_contour_runs_along_the_black_line_between_muscle_and_fat_of_opposed_phase(lean, blur):
    """Within a third of a pixel, and inside of the true surface: the signals cancel at a share of fat of
    0.3 / (0.3 + 1) = 0.23. Over the 1.5 mm in which both blend that is 0.4 mm inside, and more in a blurred image.
    Where the wall leans, the innermost of three planes, 1.33 mm further in, must be 0.69 fat: 1.05 mm inside."""
    surface, contour, line = beside_fat(lean, blur)
    assert contour == pytest.approx(line, abs=0.5)
    assert surface - contour > (0.3 if lean == 0 else 0.9)


def test_no_contour_leaves_the_surface_far_behind_or_moves_without_fat():
    """However blurred, it stays within 2.5 mm of the surface; and where nothing is negative labels stay."""
    surface, contour, _ = beside_fat(0, 5)
    assert surface - contour == pytest.approx(2.5, abs=0.2)
    truth = np.full((2, 4, 4), MYOCARDIUM, np.uint8)
    assert (contoured(truth, np.zeros(truth.shape), np.zeros(truth.shape)) == truth).all()


def test_the_sac_lies_around_what_is_on_the_heart():
    """Around a heart of 30 mm, fat on it lies on top, and three in four have a sac, 0.6 to 2.4 mm thick, just below."""
    around, rng, sacs = canvas(4, 48), np.random.default_rng(0), []
    outline = 30 - np.hypot(around.axis[:, None], around.axis)[None].repeat(4 * PLANES, axis=0)
    for _ in range(200):
        drawn = thorax.pericardium(rng, around, outline, np.full_like(outline, -30))
        for number, layer in enumerate(drawn):
            if layer.tissue == "dark":
                inner = drawn[number + 1].depth if number + 1 < len(drawn) else outline
                sacs.append(float((layer.depth - inner).mean()))
                assert np.ptp(layer.depth - inner) < 1e-4
    assert len(sacs) / 200 == pytest.approx(0.75, abs=0.1)
    assert 0.6 <= min(sacs) <= max(sacs) <= 2.4


def test_a_ventricle_keeps_its_wall():
    """Epicardium and endocardium lie at least 2 mm apart, wherever one looks along a ray."""
    rng = np.random.default_rng(2)
    heart, around = left.size(rng), canvas(8, 96)
    ventricle = left.shape(rng, around, frame.place(rng, around, heart.length), heart)
    assert (ventricle.epicardium >= ventricle.endocardium + 2).all()


def test_a_sphere_has_its_distance():
    """Of an ellipsoid with three equal axes the distance is exact: 20 - r, but for what guards the centre."""
    radius = np.linspace(2, 40, 50, dtype=np.float32)
    for angle in (0, 0.7, 1.5):
        depth = ellipsoid(radius * np.cos(angle), 20, radius * np.sin(angle), 20)
        assert depth == pytest.approx(20 - radius, abs=5e-3)


def test_the_inside_of_two_shapes_is_rounded_off_at_their_edge_alone():
    """Far from the edge it is the smaller distance; at the edge log(2) times half the radius less."""
    a, b = np.float32([5, -3, 0]), np.float32([40, 30, 0])
    assert meet(a, b, 2) == pytest.approx([5, -3, -np.log(2)], abs=1e-5)


def test_smooth_fields_have_unit_variance_and_the_asked_scale():
    """Pooled over many fields, to three standard errors; points closer than a tenth of the pitch hardly differ."""
    rng, around = np.random.default_rng(1), canvas(6, 48)
    fields = np.stack([around.smooth(rng, 30, 30) for _ in range(200)])
    assert fields.std() == pytest.approx(1, abs=0.05)
    assert np.abs(np.diff(fields, axis=-1)).mean() < 0.15


def test_planes_lie_within_their_slices():
    rng = np.random.default_rng(0)
    for _ in range(20):
        heights = stack(rng, 9, 32).heights.reshape(9, PLANES)
        spacing = np.diff(heights[:, 1])
        assert 6 <= spacing.min() <= spacing.max() <= 13
        assert (np.ptp(heights, axis=1) < spacing[0]).all()


def test_the_topmost_labelled_layer_counts_in_the_middle_plane():
    around = canvas(2, 8)
    inside = np.ones((2 * PLANES, 8, 8), np.float32)
    edge = inside.copy()
    edge[1::PLANES] = -1
    layers = [Layer(inside, "myocardium", 2), Layer(inside, "trabecula", None), Layer(edge, "blood", 1)]
    assert (labels(around, layers) == 2).all()


def test_normalisation_ignores_scale_and_offset():
    image = np.random.default_rng(1).gamma(2, 1, (3, 40, 40)).astype(np.float32)
    assert np.allclose(normalise(image), normalise(700 * image + 30), atol=1e-4)
    assert np.isfinite(normalise(np.zeros((1, 8, 8), np.float32))).all()
