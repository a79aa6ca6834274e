"""Weights between those of two networks, the second of which learnt on from the first (Wortsman et al. 2022).

python -m twinbeat.segmentation.blend first.onnx second.onnx 0.75 blended.onnx

gives a quarter of the first network's weights and three quarters of the second's.
"""

import argparse
import logging
from pathlib import Path

import torch
from torch import nn

from . import train
from .unet import Dimensions, build

log = logging.getLogger("twinbeat")


@torch.no_grad()
def blend(first: Path, second: Path, share: float, dimensions: Dimensions) -> tuple[nn.Module, str]:
    """The network with ``share`` of the weights of the second file, and the notes of both; ValueError where a file is
    no network of ``train``."""
    networks = [build(dimensions), build(dimensions)]
    notes = [train.load(path, network) for path, network in zip((first, second), networks, strict=True)]
    for kept, other in zip(*(network.parameters() for network in networks), strict=True):
        kept.lerp_(other, share)
    return networks[0], f"{1 - share:g} of ({notes[0]}), {share:g} of ({notes[1]})"


def main() -> None:
    """Parse the command line, blend, validate and export."""
    parser = argparse.ArgumentParser(prog="python -m twinbeat.segmentation.blend", description=__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("share", type=float, help="of the second")
    parser.add_argument("output", type=Path)
    parser.add_argument("--dimensions", type=int, choices=(2, 3), default=3)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    network, origin = blend(options.first, options.second, options.share, options.dimensions)
    dice = [round(value, 4) for value in train.validate(network, options.dimensions)]
    log.info("blend: Dice %s", dice)
    train.export(network, options.output, options.dimensions, {"synthetic_dice": dice, "from": origin})


if __name__ == "__main__":
    main()
