"""How the networks are trained."""

import numpy as np
import pytest

from twinbeat.segmentation.network import PACKAGED, Network
from twinbeat.segmentation.synthesis import NAMES, sample


@pytest.fixture(scope="module")
def train():
    pytest.importorskip("torch")
    pytest.importorskip("monai")
    from twinbeat.segmentation import train

    return train


def test_training_goes_on_where_it_was_interrupted(tmp_path, monkeypatch, train):
    """One step, a stop, and one more see each sample once; the checkpoint gives back all that it was made of, bit by
    bit; another seed is refused."""
    seen, states = [], []
    small = {"SHAPES": ((8, 96),), "validate": lambda *_: [0.0, 0.0, 0.0], "export": lambda *_: None}
    small |= {"sample": lambda seed, index, *shape: seen.append(index) or sample(seed, index, *shape)}
    small |= {"advance": lambda *given, _advance=train.advance: states.append(_advance(*given)) or states[-1]}
    for name, value in small.items():
        monkeypatch.setattr(train, name, value)
    path = tmp_path / "x.pt"
    for stop in (1, 2):
        train.train(3, 1, train.Recipe(2, stop), path, tmp_path / "x.onnx", workers=0, every=10)
    assert seen == [0, 1, 2, 3]
    found, last = train.restore(path, 1, 3), states[-1][0]
    assert found.step == 2
    for part in ("network", "mean"):
        kept, known = (getattr(state, part).state_dict() for state in (found, last))
        assert all((kept[name] == known[name]).all() for name in known)
    moments = [state.optimizer.state_dict()["state"][0]["exp_avg"] for state in (found, last)]
    assert (moments[0] == moments[1]).all()
    assert (moments[0] != 0).any()
    with pytest.raises(ValueError, match="checkpoint of seed 1, expected seed 2"):
        train.restore(path, 2, 3)


def test_a_slow_machine_makes_fewer_steps(tmp_path, monkeypatch, train):
    """The second step tells the pace, a quarter of a second on a clock that no machine moves: of 0.01 hours there is
    time for 144 steps, of 0.0003 for four. The checkpoint knows that it is done."""
    steps, clock = [], iter((np.arange(1000) / 4).tolist())
    small = {"PACED": 2, "validate": lambda *_: [0.0, 0.0, 0.0], "export": lambda *_: None}
    small |= {"sample": lambda *_: (np.zeros((4, 32, 32), np.float32), np.zeros((4, 32, 32), np.uint8))}
    small |= {"advance": lambda state, *_: (steps.append(1), (state._replace(step=state.step + 1), 0.0))[1]}
    for name, value in small.items():
        monkeypatch.setattr(train, name, value)
    monkeypatch.setattr(train.time, "monotonic", lambda: next(clock))
    recipe = train.Recipe(2, 1000, hours=0.0003)
    for _ in range(2):
        train.train(3, 1, recipe, tmp_path / "x.pt", tmp_path / "x.onnx", workers=0, every=10)
    assert len(steps) == train.restore(tmp_path / "x.pt", 1, 3).step == 4
    train.train(3, 1, train.Recipe(2, 6), tmp_path / "x.pt", tmp_path / "x.onnx", workers=0, every=10)
    assert len(steps) == 6, "as many as were asked for, where no hours were"
    assert recipe._replace(hours=0.01).within(3600 / 0.25).steps == 144
    assert train.Recipe(2, 1000).within(3600 / 1e6).steps == 1000


def test_a_loss_that_is_no_number_stops_the_training(tmp_path, monkeypatch, train):
    monkeypatch.setattr(train, "advance", lambda state, *_: (state._replace(step=state.step + 1), float("nan")))
    with pytest.raises(FloatingPointError, match=r"loss nan at step 1 of x.pt"):
        train.train(3, 1, train.Recipe(2, 2), tmp_path / "x.pt", tmp_path / "x.onnx", workers=0, every=10)
    assert not any(tmp_path.iterdir())


def gradient(train, network, images, labels, reduced):
    """Logits, and the gradients of all weights in one vector."""
    torch = pytest.importorskip("torch")
    network.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=reduced):
        heads = network(images)
    train.deep_loss(heads.float(), labels).backward()
    return heads.detach(), torch.cat([kept.grad.flatten() for kept in network.parameters()])


def test_stacks_are_computed_slice_by_slice_as_they_are_in_space(train):
    """Of each shape of stack, two at a time: the logits, and the gradients in the directions of all weights together,
    in single precision to rounding and in bfloat16 nearly; on processors with AMX, too. Afterwards all is as before."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    network = train.build(3)
    kinds = [type(layer) for layer in network.modules()]
    for shape in train.SHAPES:
        given = zip(*(sample(5, index, *shape) for index in range(2)), strict=True)
        images, labels = (torch.from_numpy(np.stack(part)) for part in given)
        images, labels = images[:, None], labels.long()
        logits, known = gradient(train, network, images, labels, False)
        with train.by_slices(network):
            (same, found), (_, nearly) = (gradient(train, network, images, labels, kind) for kind in (False, True))
        assert torch.allclose(same, logits, atol=1e-3)
        assert torch.linalg.norm(found - known) < 1e-2 * torch.linalg.norm(known)
        assert torch.nn.functional.cosine_similarity(nearly, known, dim=0) > 0.98, shape
        assert torch.linalg.norm(nearly) == pytest.approx(float(torch.linalg.norm(known)), rel=0.05)
    assert kinds == [type(layer) for layer in network.modules()]


def test_gradients_of_slices_are_those_in_single_precision(train):
    """Of the network of slices, in bfloat16 and on processors with AMX, too."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    network = train.build(2)
    images, labels = (torch.from_numpy(np.array(part)) for part in sample(5, 0, 8, 96))
    known, nearly = (gradient(train, network, images[:, None], labels.long(), kind)[1] for kind in (False, True))
    assert torch.nn.functional.cosine_similarity(nearly, known, dim=0) > 0.98
    assert torch.linalg.norm(nearly) == pytest.approx(float(torch.linalg.norm(known)), rel=0.05)


def test_training_goes_on_from_a_published_network(tmp_path, train):
    """The network that comes with Twinbeat gives in torch what it gives in ONNX Runtime, to rounding; one step changes
    it, the mean of its weights moves nine tenths of the way (1 less 1 / 10 at the first step), and other files are
    refused."""
    torch = pytest.importorskip("torch")
    flat, stacked = PACKAGED
    state = train.fresh(3, 3, stacked)
    image = sample(5, 0, 8, 64)[0]
    with torch.no_grad():
        given = train.Merged(state.network.eval())(torch.from_numpy(image)[None, None])[0].numpy()
    assert given == pytest.approx(Network(stacked).probability(image), abs=1e-4)
    assert "seed 1" in state.origin
    before = [kept.clone() for kept in state.mean.parameters()]
    images, labels = (part[None] for part in train.Samples(3, 0, 1, 1)[0])
    state, _ = train.advance(state, images, labels, train.FURTHER[3])
    for old, kept, new in zip(before, state.mean.parameters(), state.network.parameters(), strict=True):
        assert torch.allclose(kept - old, 0.9 * (new - old), atol=1e-6)
    train.save(tmp_path / "x.pt", 3, state)
    assert train.restore(tmp_path / "x.pt", 3, 3).origin == state.origin
    with pytest.raises(ValueError, match="other weights than those of DynUNet"):
        train.fresh(3, 3, flat)


def test_blended_weights_lie_between_those_of_two_networks(tmp_path, train):
    """Biases of 1 and 3, a quarter of the way: 1.5. The notes of both are kept."""
    torch = pytest.importorskip("torch")
    from twinbeat.segmentation.blend import blend

    paths = [tmp_path / "a.onnx", tmp_path / "b.onnx"]
    for path, value in zip(paths, (1.0, 3.0), strict=True):
        network = train.build(2)
        with torch.no_grad():
            for kept in network.parameters():
                kept.normal_()  # equal tensors would be stored once
            network.output_block.conv.conv.bias.fill_(value)
        train.export(network, path, 2, {"seed": value})
    blended, notes = blend(*paths, 0.25, 2)
    assert blended.output_block.conv.conv.bias.tolist() == pytest.approx([1.5] * len(NAMES))
    assert notes == "0.75 of (seed 1.0), 0.25 of (seed 3.0)"


def test_the_loss_of_a_perfect_answer_is_nearly_zero(train):
    """At every resolution of the answer; its opposite costs more than the logits' difference."""
    torch = pytest.importorskip("torch")
    truth = torch.from_numpy(sample(5, 0, 4, 48)[1].astype(np.int64))[None]
    logits = 50 * torch.nn.functional.one_hot(truth, len(NAMES)).movedim(-1, 1).float()
    heads = torch.stack([logits, logits], 1)
    assert float(train.deep_loss(heads, truth)) == pytest.approx(0, abs=1e-3)
    assert float(train.deep_loss(-heads, truth)) > 50


def test_the_learning_rate_rises_and_falls_to_a_hundredth(train):
    recipe = train.Recipe(2, 1000)
    assert train.rate(0, recipe) == pytest.approx(train.RATE / 300, rel=0.01)
    assert train.rate(1000, recipe) == pytest.approx(train.RATE / 100, rel=0.01)


def test_slices_of_stacks_train_the_flat_network(train):
    torch = pytest.importorskip("torch")
    images, labels = torch.zeros(2, 1, 3, 8, 8), torch.zeros(2, 3, 8, 8)
    assert [part.shape for part in train.flatten(images, labels, 2)] == [(6, 1, 8, 8), (6, 8, 8)]
    assert [part.shape for part in train.flatten(images, labels, 3)] == [images.shape, labels.shape]
