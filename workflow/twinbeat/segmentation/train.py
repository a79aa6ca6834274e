"""Train a network on synthesised stacks alone and export it to ONNX.

python -m twinbeat.segmentation.train --dimensions 3 --seed 1

Interrupted, the same command goes on from its last checkpoint. Sample i depends on seed and i only; with ``--from`` a
published network learns more, which wants another seed. A GPU is used where torch sees one, with a larger recipe.
"""

import argparse
import copy
import logging
import math
import os
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn.functional import nll_loss, one_hot
from torch.utils.data import DataLoader, Dataset

from .slicewise import by_slices
from .synthesis import sample
from .unet import HEADS, LABELS, TRAINED, Dimensions, Merged, build

SHAPES = ((8, 96), (10, 96), (12, 96), (6, 112), (8, 112), (6, 128))
"""Slices and pixels along each side of the stacks of one batch. Their gradients in bfloat16 point where those in
single precision do (cosine 0.99); of much smaller stacks oneDNN 3.7 gives none or NaN."""
RATE = 1.5e-3
AVERAGING = 0.999
"""Decay of the running mean of the weights, which is what is exported."""
VALIDATION, VALIDATION_SEED = 32, 1_000_003  # stacks
log = logging.getLogger("twinbeat")


class Recipe(NamedTuple):
    """Stacks to a batch, batches, the highest learning rate, how many resolutions of the answer are looked at, and
    hours: on a machine that is too slow for all batches there are fewer."""

    batch: int
    steps: int
    rate: float = RATE
    heads: int = HEADS
    hours: float = math.inf

    def within(self, speed: float) -> Self:
        """With as many steps as there is time for at a ``speed`` in steps per hour."""
        return self._replace(steps=int(min(self.steps, max(PACED, speed * self.hours))))


PACED = 100
"""Steps that tell the speed."""
CPU = {2: Recipe(2, 4000, hours=0.6), 3: Recipe(2, 16_000, hours=2.1)}
"""Under three hours for both, with what validation takes."""
GPU = {2: Recipe(4, 20_000), 3: Recipe(4, 60_000)}
FURTHER = {2: Recipe(2, 1000, 4e-4, 1), 3: Recipe(2, 4500, 4e-4, 1)}
"""For a published network, which has no heads of deep supervision."""


class Samples(Dataset[tuple[Tensor, Tensor]]):
    """Samples ``start`` to ``stop`` of the stream ``seed``; those of one batch have one shape."""

    def __init__(self, seed: int, start: int, stop: int, batch: int) -> None:
        self.seed, self.start, self.stop, self.batch = seed, start, stop, batch

    def __len__(self) -> int:
        return self.stop - self.start

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        number = self.start + index
        shape = SHAPES[np.random.default_rng([self.seed, number // self.batch]).integers(len(SHAPES))]
        images, labels = sample(self.seed, number, *shape)
        return torch.from_numpy(images)[None], torch.from_numpy(labels.astype(np.int64))


class State(NamedTuple):
    """What a checkpoint holds: ``origin`` are the notes of the published network that it began with, if any, ``speed``
    that of the first PACED steps, per hour."""

    network: nn.Module
    mean: nn.Module
    optimizer: torch.optim.Optimizer
    step: int
    origin: str = ""
    speed: float = math.inf


def device() -> torch.device:
    """The GPU, if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def fresh(seed: int, dimensions: Dimensions, start: Path | None = None) -> State:
    """The state before the first step, with the weights of the network ``start``."""
    torch.manual_seed(seed)
    network = build(dimensions)
    origin = load(start, network) if start else ""
    network = network.to(device())
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-4)
    return State(network, copy.deepcopy(network), optimizer, 0, origin)


def restore(path: Path, seed: int, dimensions: Dimensions, start: Path | None = None) -> State:
    """The state of a checkpoint, or the first one where there is none; ValueError if it is of another seed."""
    if not path.exists():
        return fresh(seed, dimensions, start)
    state = fresh(seed, dimensions)
    saved = torch.load(path, weights_only=True, map_location=device())
    if saved["seed"] != seed:
        raise ValueError(f"{path}: checkpoint of seed {saved['seed']}, expected seed {seed}")
    state.network.load_state_dict(saved["network"])
    state.mean.load_state_dict(saved["mean"])
    state.optimizer.load_state_dict(saved["optimizer"])
    return state._replace(step=saved["step"], origin=saved["origin"], speed=saved["speed"])


def load(path: Path, network: nn.Module) -> str:
    """Give ``network`` the weights of a file that ``export`` wrote, and return its notes; ValueError if it is other."""
    model = onnx.load(path)
    tensors = {tensor.name.removeprefix("network."): tensor for tensor in model.graph.initializer}
    weights = {name: torch.tensor(onnx.numpy_helper.to_array(tensor)) for name, tensor in tensors.items()}
    own = {name: kept for name, kept in network.named_parameters() if not name.startswith("deep_supervision")}
    if {name: kept.shape for name, kept in own.items()} != {name: new.shape for name, new in weights.items()}:
        raise ValueError(f"{path}: other weights than those of {type(network).__name__}, as twinbeat builds it")
    with torch.no_grad():
        for name, kept in own.items():
            kept.copy_(weights[name])
    return ", ".join(f"{note.key} {note.value}" for note in model.metadata_props)


def save(path: Path, seed: int, state: State) -> None:
    """Write a checkpoint so that a kill leaves the old or the new one."""
    parts = {"network": state.network, "mean": state.mean, "optimizer": state.optimizer}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    rest = {"seed": seed, "step": state.step, "origin": state.origin, "speed": state.speed}
    torch.save({name: part.state_dict() for name, part in parts.items()} | rest, draft)
    draft.replace(path)


def deep_loss(heads: Tensor, labels: Tensor) -> Tensor:
    """``loss`` at each resolution of logits (batch, head, label, ...), each with half the weight of the one before."""
    weights = [0.5**head for head in range(heads.shape[1])]
    truth = one_hot(labels, heads.shape[2]).movedim(-1, 1).to(heads.dtype).contiguous()
    return sum(w * loss(head, labels, truth) for w, head in zip(weights, heads.unbind(1), strict=True)) / sum(weights)


def loss(logits: Tensor, labels: Tensor, truth: Tensor) -> Tensor:
    """Cross entropy plus one minus the soft Dice of each label over the batch (Milletari et al. 2016); the ``truth``
    are the labels, one-hot."""
    logarithms, space = logits.contiguous().log_softmax(1), (0, *range(2, logits.ndim))
    probability = logarithms.exp()
    overlap = (probability * truth).sum(space)
    dice = (2 * overlap + 1) / (probability.sum(space) + truth.sum(space) + 1)
    return nll_loss(logarithms, labels) + (1 - dice[1:]).mean()


def rate(step: int, recipe: Recipe) -> float:
    """Learning rate: a short rise, then half a cosine down to 1 %."""
    return recipe.rate * min(1, (step + 1) / 300) * (0.505 + 0.495 * math.cos(math.pi * min(1, step / recipe.steps)))


def flatten(images: Tensor, labels: Tensor, dimensions: Dimensions) -> tuple[Tensor, Tensor]:
    """Stacks (batch, 1, z, y, x) and labels (batch, z, y, x) as the network wants them: for 2 dimensions, slices."""
    if dimensions == 3:
        return images, labels
    return images.movedim(2, 1).flatten(0, 1), labels.flatten(0, 1)


def advance(state: State, images: Tensor, labels: Tensor, recipe: Recipe) -> tuple[State, float]:
    """One step of the optimiser and of the running mean of the weights."""
    for group in state.optimizer.param_groups:
        group["lr"] = rate(state.step, recipe)
    state.network.train()
    kind = images.device.type
    with torch.autocast(kind, dtype=torch.bfloat16), by_slices(state.network) if kind == "cpu" else nullcontext():
        heads = state.network(images)[:, : recipe.heads]
    value = deep_loss(heads.float(), labels)
    state.optimizer.zero_grad()
    value.backward()
    nn.utils.clip_grad_norm_(state.network.parameters(), 5.0)
    state.optimizer.step()
    _average(state.mean, state.network, min(AVERAGING, (1 + state.step) / (10 + state.step)))
    return state._replace(step=state.step + 1), float(value.detach())


@torch.no_grad()
def _average(mean: nn.Module, network: nn.Module, decay: float) -> None:
    for kept, new in zip(mean.parameters(), network.parameters(), strict=True):
        kept.lerp_(new, 1 - decay)


@torch.no_grad()
def validate(network: nn.Module, dimensions: Dimensions) -> list[float]:
    """Dice of labels 1 to 3 over VALIDATION synthetic stacks that no training stream contains."""
    network.eval()
    overlap, total = torch.zeros(TRAINED), torch.zeros(TRAINED)
    for batch in DataLoader(Samples(VALIDATION_SEED, 0, VALIDATION, 1), 1):
        images, labels = flatten(*batch, dimensions)
        found = one_hot(network(images.to(device())).argmax(1).cpu(), TRAINED).float().flatten(0, -2)
        truth = one_hot(labels, TRAINED).float().flatten(0, -2)
        overlap += (found * truth).sum(0)
        total += (found + truth).sum(0)
    return (2 * overlap / total)[1:LABELS].tolist()


def export(network: nn.Module, path: Path, dimensions: Dimensions, notes: dict[str, Any]) -> None:
    """Write the network as ONNX: images (batch, 1, [z,] y, x) to probabilities (batch, label, [z,] y, x)."""
    whole = Merged(copy.deepcopy(network)).cpu().eval()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    names = ["batch", None, "z", "y", "x"] if dimensions == 3 else ["batch", None, "y", "x"]
    axes = {axis: name for axis, name in enumerate(names) if name}
    example = torch.zeros(1, 1, *(4, 64, 64)[3 - dimensions :])
    torch.onnx.export(
        whole, example, draft, input_names=["image"], output_names=["probability"],
        dynamic_axes={"image": axes, "probability": axes}, opset_version=17, dynamo=False,
    )  # fmt: skip
    model = onnx.load(draft)
    onnx.helper.set_model_props(model, {name: str(value) for name, value in notes.items()})
    onnx.save(model, draft)
    draft.replace(path)


def train(
    dimensions: Dimensions, seed: int, recipe: Recipe, checkpoint: Path, output: Path, workers: int, every: int,
    start: Path | None = None,
) -> None:  # fmt: skip
    """Train up to the last step; every ``every`` steps and in the end write the checkpoint and the network.

    That is the recipe's last step, or an earlier one where its hours do not suffice: the first PACED steps tell, those
    of a checkpoint have told. FloatingPointError where the loss is no number; the last checkpoint stays.
    """
    state = restore(checkpoint, seed, dimensions, start)
    recipe = recipe.within(state.speed)
    samples = Samples(seed, state.step * recipe.batch, recipe.steps * recipe.batch, recipe.batch)
    begin, first, losses = time.monotonic(), state.step, list[float]()
    for batch in DataLoader(samples, recipe.batch, num_workers=workers):
        images, labels = (part.to(device()) for part in flatten(*batch, dimensions))
        state, value = advance(state, images, labels, recipe)
        if not math.isfinite(value):
            raise FloatingPointError(f"loss {value} at step {state.step} of {checkpoint.name}; expected a number")
        losses.append(value)
        pace = (time.monotonic() - begin) / (state.step - first)
        if state.step == PACED:
            state = state._replace(speed=3600 / pace)
            recipe = recipe.within(state.speed)
        if state.step >= recipe.steps:
            break
        if state.step % every == 0:
            left = pace * (recipe.steps - state.step)
            log.info("train: loss %.4f over the last %d steps, %.0f s left", np.mean(losses[-every:]), every, left)
            keep(state, dimensions, seed, recipe, checkpoint, output)
    keep(state, dimensions, seed, recipe, checkpoint, output)


def keep(state: State, dimensions: Dimensions, seed: int, recipe: Recipe, checkpoint: Path, output: Path) -> None:
    """Validate, and write the checkpoint and the network with its Dice of labels 1 to 3."""
    dice = [round(value, 4) for value in validate(state.mean, dimensions)]
    log.info("train: step %d of %d, Dice %s", state.step, recipe.steps, dice)
    save(checkpoint, seed, state)
    notes = {"seed": seed, "stacks": state.step * recipe.batch, "synthetic_dice": dice}
    notes |= {"from": state.origin} if state.origin else {}
    export(state.mean, output, dimensions, notes)


def main() -> None:
    """Parse the command line and train."""
    cores = os.process_cpu_count() or 1
    parser = argparse.ArgumentParser(prog="python -m twinbeat.segmentation.train", description=__doc__)
    parser.add_argument("--dimensions", type=int, choices=(2, 3), default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, help="default: those of the recipe")
    parser.add_argument("--from", type=Path, dest="start", help="network of train that learns more, with a lower rate")
    parser.add_argument("--folder", type=Path, default=Path("results/segmenter"), help="of the checkpoint")
    parser.add_argument("--output", type=Path, help="default: beside the library")
    parser.add_argument("--workers", type=int, default=max(1, cores // 2), help="processes that make samples")
    parser.add_argument("--every", type=int, default=500)
    parser.add_argument("--threads", type=int, default=cores - cores // 2)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(options.threads)
    dimensions = options.dimensions
    recipe = (FURTHER if options.start else GPU if device().type == "cuda" else CPU)[dimensions]
    recipe = recipe._replace(steps=options.steps, hours=math.inf) if options.steps else recipe
    output = options.output or Path(__file__).with_name(f"unet{dimensions}d.onnx")
    checkpoint = options.folder / f"unet{dimensions}d.pt"
    train(dimensions, options.seed, recipe, checkpoint, output, options.workers, options.every, options.start)


if __name__ == "__main__":
    main()
