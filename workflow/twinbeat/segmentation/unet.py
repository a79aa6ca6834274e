"""The networks: U-Nets of MONAI (Isensee et al. 2021) for single slices and for anisotropic stacks."""

from collections.abc import Sequence
from typing import Literal

import torch
from monai.networks.nets import DynUNet
from torch import Tensor, nn

Dimensions = Literal[2, 3]
TRAINED = 7
"""Labels that the network learns (``synthesis.NAMES``)."""
LABELS = 4
"""Labels that it gives: what lies beside the ventricles is background."""
WIDTHS = (16, 32, 64, 128, 160)
HEADS = 3
"""Resolutions at which training looks at the answer: deep supervision."""
_FLAT, _CUBE = [1, 3, 3], [3, 3, 3]


def build(dimensions: Dimensions, widths: Sequence[int] = WIDTHS) -> DynUNet:
    """Images (batch, 1, [z,] y, x) to logits (batch, label, [z,] y, x); in training (batch, head, label, ...).

    Slices lie six times as far apart as pixels, so that the finest two levels of the 3-D network see one slice each,
    and only the fourth halves their number: ``y`` and ``x`` must be divisible by 16, ``z`` by 2.
    """
    levels = len(widths)
    if dimensions == 2:
        kernels, strides = [[3, 3]] * levels, [[1, 1]] + [[2, 2]] * (levels - 1)
    else:
        kernels = [_FLAT, _FLAT, *[_CUBE] * (levels - 2)]
        strides = [[1, 1, 1], [1, 2, 2], [1, 2, 2], [2, 2, 2], *[[1, 2, 2]] * (levels - 4)][:levels]
    return DynUNet(
        dimensions, 1, TRAINED, kernels, strides, strides[1:], filters=widths, norm_name=("instance", {"affine": True}),
        deep_supervision=True, deep_supr_num=HEADS - 1,
    )  # fmt: skip


class Merged(nn.Module):
    """Probabilities of the labels that a store knows."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        probability = self.network(images).softmax(1)
        beside = probability[:, LABELS:].sum(1, keepdim=True)
        return torch.cat([probability[:, :1] + beside, probability[:, 1:LABELS]], 1)
