"""A small U-Net (Ronneberger et al. 2015) with batch normalisation; fully convolutional for sizes that 16 divides."""

from itertools import pairwise

import torch
from torch import Tensor, nn

LABELS = 4
WIDTHS = (12, 24, 48, 96, 128)


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    layers = (nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """Images (batch, 1, y, x) to logits (batch, label, y, x)."""

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        finer_and_coarser = list(pairwise(widths))
        self.entry = nn.Sequential(_convolution(1, widths[0]), _convolution(widths[0], widths[0]))
        self.down = nn.ModuleList(
            nn.Sequential(nn.MaxPool2d(2), _convolution(fine, coarse), _convolution(coarse, coarse))
            for fine, coarse in finer_and_coarser
        )
        self.up = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in finer_and_coarser)
        self.merge = nn.ModuleList(
            nn.Sequential(_convolution(2 * fine, fine), _convolution(fine, fine)) for fine in widths[:-1]
        )
        self.exit = nn.Conv2d(widths[0], LABELS, 1)

    def forward(self, images: Tensor) -> Tensor:
        features = [self.entry(images)]
        for down in self.down:
            features.append(down(features[-1]))
        deep = features.pop()
        for up, merge in zip(reversed(self.up), reversed(self.merge), strict=True):
            deep = merge(torch.cat([up(deep), features.pop()], dim=1))
        return self.exit(deep)
