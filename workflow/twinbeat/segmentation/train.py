"""Train the network on synthesised images alone and export it to ONNX.

python -m twinbeat.segmentation.train --seed 1 --steps 4500

Interrupted, the same command goes on from its last checkpoint. Sample i of step s depends on seed, i and s only.
"""

import argparse
import copy
import logging
import math
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot
from torch.utils.data import DataLoader, Dataset

from .fields import SIZE
from .synthesis import sample
from .unet import LABELS, UNet

BATCH = 16
RATE = 2e-3
AVERAGING = 0.998
"""Decay of the running mean of the weights, which is what is exported."""
VALIDATION_SEED = 1_000_003
log = logging.getLogger("twinbeat")


class Samples(Dataset[tuple[Tensor, Tensor]]):
    """Samples ``start`` to ``stop`` of the stream ``seed``."""

    def __init__(self, seed: int, start: int, stop: int) -> None:
        self.seed, self.start, self.stop = seed, start, stop

    def __len__(self) -> int:
        return self.stop - self.start

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, labels = sample(self.seed, self.start + index)
        return torch.from_numpy(image)[None], torch.from_numpy(labels.astype(np.int64))


class State(NamedTuple):
    """What a checkpoint holds."""

    network: UNet
    mean: UNet
    optimizer: torch.optim.Optimizer
    step: int


def fresh(seed: int) -> State:
    """The state before the first step."""
    torch.manual_seed(seed)
    network = UNet().to(memory_format=torch.channels_last)
    return State(network, copy.deepcopy(network), torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-4), 0)


def restore(path: Path, seed: int) -> State:
    """The state of a checkpoint, or the first one where there is none; ValueError if it is of another seed."""
    state = fresh(seed)
    if not path.exists():
        return state
    saved = torch.load(path, weights_only=True)
    if saved["seed"] != seed:
        raise ValueError(f"{path}: checkpoint of seed {saved['seed']}, expected seed {seed}")
    state.network.load_state_dict(saved["network"])
    state.mean.load_state_dict(saved["mean"])
    state.optimizer.load_state_dict(saved["optimizer"])
    return state._replace(step=saved["step"])


def save(path: Path, seed: int, state: State) -> None:
    """Write a checkpoint so that a kill leaves the old or the new one."""
    parts = {"network": state.network, "mean": state.mean, "optimizer": state.optimizer}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    torch.save({name: part.state_dict() for name, part in parts.items()} | {"seed": seed, "step": state.step}, draft)
    draft.replace(path)


def loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy plus one minus the soft Dice of each label over the batch (Milletari et al. 2016)."""
    probability, truth = logits.softmax(1)[:, 1:], one_hot(labels, LABELS).movedim(-1, 1)[:, 1:]
    overlap = (probability * truth).sum((0, 2, 3))
    dice = 2 * overlap / (probability.sum((0, 2, 3)) + truth.sum((0, 2, 3)) + 1)
    return cross_entropy(logits, labels) + (1 - dice).mean()


def rate(step: int, steps: int) -> float:
    """Learning rate: a short rise, then half a cosine down to 1 %."""
    return RATE * min(1, (step + 1) / 200) * (0.505 + 0.495 * math.cos(math.pi * min(1, step / steps)))


def advance(state: State, images: Tensor, labels: Tensor, steps: int) -> tuple[State, float]:
    """One step of the optimiser and of the running mean of the weights."""
    for group in state.optimizer.param_groups:
        group["lr"] = rate(state.step, steps)
    state.network.train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = state.network(images.contiguous(memory_format=torch.channels_last))
    value = loss(logits.float(), labels)
    state.optimizer.zero_grad()
    value.backward()
    nn.utils.clip_grad_norm_(state.network.parameters(), 5.0)
    state.optimizer.step()
    _average(state.mean, state.network, min(AVERAGING, (1 + state.step) / (10 + state.step)))
    return state._replace(step=state.step + 1), float(value.detach())


@torch.no_grad()
def _average(mean: nn.Module, network: nn.Module, decay: float) -> None:
    for kept, new in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
        kept.copy_(decay * kept + (1 - decay) * new if kept.is_floating_point() else new)


@torch.no_grad()
def validate(network: UNet, count: int = 192) -> list[float]:
    """Dice of labels 1 to 3 over ``count`` synthetic samples that no training stream contains."""
    network.eval()
    overlap, total = torch.zeros(LABELS), torch.zeros(LABELS)
    for images, labels in DataLoader(Samples(VALIDATION_SEED, 0, count), 32):
        found = one_hot(network(images).argmax(1), LABELS).float()
        truth = one_hot(labels, LABELS).float()
        overlap += (found * truth).sum((0, 1, 2))
        total += (found + truth).sum((0, 1, 2))
    return (2 * overlap / total)[1:].tolist()


def export(network: UNet, path: Path, notes: dict[str, Any]) -> None:
    """Write the network with a softmax as ONNX: images (batch, 1, y, x) to probabilities (batch, label, y, x)."""
    whole = nn.Sequential(copy.deepcopy(network).to(memory_format=torch.contiguous_format), nn.Softmax(1)).eval()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    axes = {"image": {0: "batch", 2: "y", 3: "x"}, "probability": {0: "batch", 2: "y", 3: "x"}}
    torch.onnx.export(
        whole, torch.zeros(1, 1, SIZE, SIZE), draft, input_names=["image"], output_names=["probability"],
        dynamic_axes=axes, opset_version=17, dynamo=False,
    )  # fmt: skip
    model = onnx.load(draft)
    onnx.helper.set_model_props(model, {name: str(value) for name, value in notes.items()})
    onnx.save(model, draft)
    draft.replace(path)


def train(seed: int, steps: int, checkpoint: Path, output: Path, workers: int, every: int) -> None:
    """Train up to step ``steps``; every ``every`` steps and in the end write the checkpoint and the network."""
    state = restore(checkpoint, seed)
    samples = Samples(seed, state.step * BATCH, steps * BATCH)
    begin, first, losses = time.monotonic(), state.step, list[float]()
    for images, labels in DataLoader(samples, BATCH, num_workers=workers):
        state, value = advance(state, images, labels, steps)
        losses.append(value)
        if state.step % every == 0 and state.step < steps:
            left = (time.monotonic() - begin) / (state.step - first) * (steps - state.step)
            log.info("train: loss %.4f over the last %d steps, %.0f s left", np.mean(losses[-every:]), every, left)
            keep(state, seed, steps, checkpoint, output)
    keep(state, seed, steps, checkpoint, output)


def keep(state: State, seed: int, steps: int, checkpoint: Path, output: Path) -> None:
    """Validate, and write the checkpoint and the network with its Dice of labels 1 to 3."""
    dice = [round(value, 4) for value in validate(state.mean)]
    log.info("train: step %d of %d, Dice %s", state.step, steps, dice)
    save(checkpoint, seed, state)
    export(state.mean, output, {"seed": seed, "steps": state.step, "of": steps, "synthetic_dice": dice})


def main() -> None:
    """Parse the command line and train."""
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(prog="python -m twinbeat.segmentation.train", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=4500)
    parser.add_argument("--checkpoint", type=Path, default=Path("results/segmenter/checkpoint.pt"))
    parser.add_argument("--output", type=Path, default=here / "unet.onnx")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--every", type=int, default=250)
    parser.add_argument("--threads", type=int, default=1)
    options = vars(parser.parse_args())
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(options.pop("threads"))
    train(**options)


if __name__ == "__main__":
    main()
