"""What the network is trained on, and how."""

from types import SimpleNamespace

import numpy as np
import pytest
from label_samples import ring

from twinbeat.segmentation import heart, postprocess
from twinbeat.segmentation.fields import PIXEL, SIZE, Layer, blob, grid, normalise
from twinbeat.segmentation.network import PACKAGED, Network
from twinbeat.segmentation.synthesis import labels as labels_of
from twinbeat.segmentation.synthesis import sample

BLOOD, MYOCARDIUM, RV = 1, 2, 3
needs_weights = pytest.mark.skipif(not PACKAGED.exists(), reason="no unet.onnx beside the library")


@pytest.fixture(scope="module")
def samples():
    return [sample(5, index) for index in range(150)]


def test_a_sample_depends_on_its_seed_and_number_only():
    first, again = sample(3, 14), sample(3, 14)
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], sample(3, 15)[0])
    assert not np.array_equal(first[0], sample(4, 14)[0])


def test_samples_are_images_in_the_range_of_the_network(samples):
    for image, labels in samples:
        assert image.shape == labels.shape == (SIZE, SIZE)
        assert np.isfinite(image).all()
        assert image.min() >= -1.3
        assert image.max() <= 2.0
        assert labels.max() <= RV


def test_blood_of_closed_rings_never_touches_the_background():
    """The wall is at least 2.5 mm thick, more than one pixel of 1.5 mm, so that the rim of the pool is muscle: a few
    corners may be missed where a thin wall runs askew. Horseshoes, one heart in 25, are open on purpose."""
    shares = [postprocess.enclosure(sample(6, index)[1]) for index in range(120)]
    assert np.mean(np.array(shares) > 0.97) > 0.9


def test_samples_span_small_and_large_pools_and_empty_slices(samples):
    """Pools between apical ones (below 1 cm2) and dilated ones (above 40 cm2); some slices without a ventricle."""
    areas = np.array([(labels == BLOOD).sum() for _, labels in samples]) * PIXEL**2 / 100
    assert (areas == 0).mean() > 0.05
    assert ((areas > 0) & (areas < 1)).mean() > 0.03
    assert (areas > 40).any()
    assert np.mean([(labels == RV).any() for _, labels in samples]) > 0.6


def test_blood_is_mostly_brighter_than_muscle_but_not_always(samples):
    """Seven in ten samples have cine contrast; of the others one in ten has dark blood: 3 in 100."""
    contrast = [
        image[labels == BLOOD].mean() - image[labels == MYOCARDIUM].mean()
        for image, labels in samples
        if (labels == BLOOD).sum() > 100
    ]
    assert np.mean(np.array(contrast) > 0) > 0.9
    assert np.std(contrast) > 0.2


def test_a_round_blob_has_its_radius():
    x, y = (np.mgrid[-60:60, -60:60][i].astype(np.float32) + 0.5 for i in (1, 0))
    depth = blob(np.random.default_rng(0), x, y, (20, 20), 0.0)
    radius = np.hypot(x, y)
    assert np.allclose(depth[radius > 3], 20 - radius[radius > 3], atol=0.01)


def test_the_topmost_labelled_layer_counts():
    inside, outside = np.ones((SIZE, SIZE), np.float32), -np.ones((SIZE, SIZE), np.float32)
    layers = [Layer(inside, "myocardium", 2), Layer(inside, "trabecula", None), Layer(outside, "blood", 1)]
    assert (labels_of(layers) == 2).all()


def test_every_kind_of_slice_is_drawn():
    found = set()
    for seed in range(80):
        rng = np.random.default_rng(seed)
        layers, _ = heart.draw(rng, *grid(rng, 5, 0.0), heart.any_kind(rng))
        drawn = {layer.label for layer in layers}
        found.add((bool(layers), BLOOD in drawn, MYOCARDIUM in drawn))
    assert found == {(False, False, False), (True, False, False), (True, False, True), (True, True, True)}


def test_normalisation_ignores_scale_and_offset():
    image = np.random.default_rng(1).gamma(2, 1, (3, 40, 40)).astype(np.float32)
    assert np.allclose(normalise(image), normalise(700 * image + 30), atol=1e-4)
    assert np.isfinite(normalise(np.zeros((1, 8, 8), np.float32))).all()


def test_onnx_gives_what_torch_gives(tmp_path):
    """The exported graph has the batch normalisation folded in: equal to single precision, also for another size."""
    torch = pytest.importorskip("torch")
    from twinbeat.segmentation import train
    from twinbeat.segmentation.unet import UNet

    torch.manual_seed(4)
    network = UNet((4, 6, 8)).eval()
    train.export(network, tmp_path / "small.onnx", {"seed": 4})
    images = np.random.default_rng(0).normal(0, 0.5, (3, 48, 48)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(images)[:, None]).softmax(1).numpy()
    assert Network(str(tmp_path / "small.onnx")).probability(images) == pytest.approx(expected, abs=1e-5)


def test_turns_are_undone():
    """Averaging over quarter turns of a network that copies the image into a label gives the image itself."""
    network = object.__new__(Network)
    network._session = SimpleNamespace(run=lambda _, feed: [np.repeat(feed["image"], 4, axis=1)])
    images = np.random.default_rng(0).random((2, 16, 16)).astype(np.float32)
    assert network.probability(images, 4)[:, 1] == pytest.approx(images, abs=1e-6)


def test_training_goes_on_where_it_was_interrupted(tmp_path, monkeypatch):
    """Two steps at once give the same weights as one step, a stop, and one more; another seed is refused."""
    torch = pytest.importorskip("torch")
    from twinbeat.segmentation import train

    monkeypatch.setattr(train, "BATCH", 2)
    monkeypatch.setattr(train, "validate", lambda network: [0.0, 0.0, 0.0])

    def weights(name: str, *stops: int) -> dict:
        state = None
        for stop in stops:
            monkeypatch.setattr(train, "rate", lambda step, steps: 1e-3)
            train.train(1, stop, tmp_path / f"{name}.pt", tmp_path / f"{name}.onnx", workers=0, every=10)
            state = train.restore(tmp_path / f"{name}.pt", 1)
        return state.mean.state_dict()

    whole, halves = weights("whole", 2), weights("halves", 1, 2)
    assert all(torch.allclose(whole[name], halves[name], atol=1e-6) for name in whole)
    with pytest.raises(ValueError, match="checkpoint of seed 1, expected seed 2"):
        train.restore(tmp_path / "whole.pt", 2)


def test_the_loss_of_a_perfect_answer_is_nearly_zero():
    torch = pytest.importorskip("torch")
    from twinbeat.segmentation import train

    labels = torch.from_numpy(ring().astype(np.int64))[None].repeat(2, 1, 1)
    labels[:, :4, :4] = RV
    logits = 50 * torch.nn.functional.one_hot(labels, 4).movedim(-1, 1).float()
    assert float(train.loss(logits, labels)) == pytest.approx(0, abs=0.03)
    assert float(train.loss(-logits, labels)) > 2
