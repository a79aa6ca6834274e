"""Any network by configuration: how its card is read and what becomes of its answer."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinbeat.parameters import ConfigurationError
from twinbeat.segmentation import card, inference
from twinbeat.segmentation.network import PACKAGED, Network, networks
from twinbeat.segmentation.scale import standardise

CARD = """
pixel_size = "1.25 mm"
normalisation = "zscore"
output = "logits"
multiple = 8
slices = 2

[labels]
lv_blood = [3]
lv_myocardium = [2]
rv_blood = [1, 4]
"""


def exported(folder, dimensions: int = 3, text: str = CARD):
    """A tiny network with random weights and five channels, exported by torch, with a card beside it."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(3)
    kind = torch.nn.Conv3d if dimensions == 3 else torch.nn.Conv2d
    network = torch.nn.Sequential(kind(1, 6, 3, padding=1), torch.nn.ReLU(), kind(6, 5, 1)).eval()
    names = {0: "n", 2: "z", 3: "y", 4: "x"} if dimensions == 3 else {0: "n", 2: "y", 3: "x"}
    path = folder / "tiny.onnx"
    torch.onnx.export(
        network, torch.zeros(1, 1, *(4, 16, 16)[3 - dimensions :]), path, input_names=["data"], output_names=["answer"],
        dynamic_axes={"data": names, "answer": names}, opset_version=17, dynamo=False,
    )  # fmt: skip
    path.with_suffix(".toml").write_text(text)
    return path, network


@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_foreign_network_gives_what_torch_gives(tmp_path, dimensions):
    """Logits become probabilities, its channels our labels (4 and 1 are both the right ventricle, 0 is background);
    five slices, which it cannot halve, come back as five."""
    torch = pytest.importorskip("torch")
    path, network = exported(tmp_path, dimensions)
    stack = np.random.default_rng(0).normal(0, 1, (5, 16, 16)).astype(np.float32)
    whole = np.concatenate([stack, stack[-1:]]) if dimensions == 3 else stack
    with torch.no_grad():
        images = torch.from_numpy(whole)[None, None] if dimensions == 3 else torch.from_numpy(whole)[:, None]
        answer = network(images).softmax(1)
    answer = (answer[0] if dimensions == 3 else answer.movedim(1, 0)).numpy()[:, :5]
    found = Network(path)
    assert found.flat == (dimensions == 2)
    expected = np.stack([answer[0], answer[3], answer[2], answer[1] + answer[4]])
    assert found.probability(stack) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_turns_and_flips_are_undone(dimensions):
    """Averaging over turned and flipped copies through a network that copies the image into a label gives the image."""
    network = object.__new__(Network)
    network._session = SimpleNamespace(run=lambda _, feed: [np.repeat(feed["image"], 4, axis=1)])
    network._name, network._shape = "image", (None,) * (dimensions + 2)
    network._channels = [(1,), (2,), (3,)]
    network.card = SimpleNamespace(slices=2, output="probability")
    stack = np.random.default_rng(0).random((5, 16, 16)).astype(np.float32)
    for orientations in (1, 2, 4):
        assert network.probability(stack, orientations)[1] == pytest.approx(stack, abs=1e-6)


def test_a_network_alone_is_what_configuration_names(tmp_path):
    path, _ = exported(tmp_path)
    finder, labeller = networks(str(path))
    assert finder is labeller
    assert labeller.card.pixel_size == 1.25
    assert [network.flat for network in networks(None)] == [True, False]


def test_the_labels_grid_suits_the_network(tmp_path):
    """192 mm of 1.25 mm pixels are 153.6; the next multiple of 8 is 160."""
    grid = inference.around((10.0, 20.0), card.read(exported(tmp_path)[0]))
    assert len(grid.y) == 160
    assert np.diff(grid.y) == pytest.approx(1.25)
    assert grid.y.mean() == pytest.approx(10.0)


def test_standardised_signals_have_mean_0_and_deviation_1():
    images = standardise(np.random.default_rng(1).gamma(2, 300, (3, 4, 20, 20)))
    assert images.mean() == pytest.approx(0, abs=1e-5)
    assert images.std() == pytest.approx(1, abs=1e-5)
    assert np.isfinite(standardise(np.ones((2, 4)))).all()


def test_a_network_of_another_kind_is_no_network(tmp_path):
    """One that takes vectors; the message says what was found and expected."""
    torch = pytest.importorskip("torch")
    path = tmp_path / "line.onnx"
    torch.onnx.export(torch.nn.Linear(4, 4), torch.zeros(1, 4), path, dynamo=False)
    path.with_suffix(".toml").write_text(CARD)
    with pytest.raises(
        ConfigurationError, match=r"the first with 2 axes, and 1 outputs; expected one input \(batch, 1"
    ):
        Network(path)


def test_a_card_that_names_a_channel_that_is_not_there_is_refused(tmp_path):
    path, _ = exported(tmp_path, text=CARD.replace("[1, 4]", "[1, 7]"))
    with pytest.raises(ConfigurationError, match="names channel 7 of 5"):
        Network(path)


def test_a_file_that_is_no_network_is_refused(tmp_path):
    path = tmp_path / "tiny.onnx"
    path.write_bytes(b"no graph")
    path.with_suffix(".toml").write_text(CARD)
    with pytest.raises(ConfigurationError, match="no ONNX network that can be run"):
        Network(path)


def test_a_missing_card_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"no card beside it; expected tiny\.toml or tiny\.json"):
        card.read(tmp_path / "tiny.onnx")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (("zscore", "minmax"), "normalisation: input should be 'percentile' or 'zscore', got 'minmax'"),
        (("1.25 mm", "1.25"), 'pixel_size: value error, expected a length such as "2 mm", got "1.25"'),
        (("1.25 mm", "0 mm"), "pixel_size: value error, expected a length above 0 mm"),
        (("multiple = 8", "multiple = 0"), "multiple: input should be greater than or equal to 1, got 0"),
        (("multiple", "multipel"), "multipel: extra inputs are not permitted, got 8"),
        (("lv_blood = [3]\n", ""), "labels.lv_blood: field required"),
        (("[3]", "[-1]"), "labels.lv_blood.0: input should be greater than or equal to 0, got -1"),
        (("slices = 2", "slices 2"), "no TOML"),
    ],
)
def test_faults_of_a_card_are_named(tmp_path, wrong, words):
    (tmp_path / "tiny.toml").write_text(CARD.replace(*wrong))
    with pytest.raises(ConfigurationError) as stopped:
        card.read(tmp_path / "tiny.onnx")
    assert words in str(stopped.value)


def test_a_card_may_be_json(tmp_path):
    """As tools of nnU-Net write it."""
    given = {"pixel_size": "1.5 mm", "normalisation": "zscore"}
    given |= {"labels": {"lv_blood": [3], "lv_myocardium": [2], "rv_blood": [1]}}
    (tmp_path / "tiny.json").write_text(json.dumps(given))
    found = card.read(tmp_path / "tiny.onnx")
    assert found.labels.lv_blood == (3,)
    assert found.output == "probability"
    (tmp_path / "tiny.json").write_text("{")
    with pytest.raises(ConfigurationError, match="no JSON"):
        card.read(tmp_path / "tiny.onnx")


@given(text=st.text(max_size=80))
def test_no_text_makes_reading_a_card_fail_otherwise(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("card")
    (folder / "tiny.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError):
        card.read(folder / "tiny.onnx")


def test_the_packaged_networks_have_cards():
    for path in PACKAGED:
        assert card.read(path).normalisation == "percentile"
