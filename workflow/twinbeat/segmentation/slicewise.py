"""A network of stacks computed slice by slice: the same numbers by kernels in the plane, for training on processors.

Neighbouring slices are laid side by side as channels, so that convolutions in space become ones in the plane. With AMX
the gradients of oneDNN 3.7's convolutions in space write past their memory; those in the plane are sound, and faster
than without (``benchmarks/training.py``).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn.functional import batch_norm, conv2d, conv_transpose2d, leaky_relu

_LAST = torch.channels_last


@contextmanager
def by_slices(network: nn.Module) -> Iterator[None]:
    """Within, a network of ``build`` gives in training what it always does; one of slices has nothing to change."""
    own = {layer: type(layer) for layer in network.modules() if type(layer) in _BY_SLICES}
    try:
        for layer, kind in own.items():
            layer.__class__ = _BY_SLICES[kind]
        yield
    finally:
        for layer, kind in own.items():
            layer.__class__ = kind


def _flat(stacks: Tensor) -> Tensor:
    """Stacks (n, c, z, y, x) as their slices (n z, c, y, x), the channels of a pixel side by side in memory."""
    return stacks.movedim(2, 1).flatten(0, 1).contiguous(memory_format=_LAST)


def _stacked(slices: Tensor, count: int) -> Tensor:
    """The opposite for ``count`` stacks."""
    return slices.contiguous(memory_format=_LAST).unflatten(0, (count, -1)).movedim(1, 2)


def _in_plane(weight: Tensor) -> Tensor:
    """Weights (a, b, z, y, x) of kernels in space as (a, z b, y, x)."""
    return weight.movedim(2, 1).flatten(1, 2).contiguous(memory_format=_LAST)


class _Neighbours(Function):
    """Stacks (n, c, z, y, x) to every ``stride``-th of their slices with ``size`` about each, (n z', size c, y, x)."""

    @staticmethod
    def forward(ctx: Any, stacks: Tensor, size: int, stride: int) -> Tensor:
        count, channels, depth, *plane = stacks.shape
        slices = stacks.permute(0, 2, 3, 4, 1)
        beside = stacks.new_zeros(count, 1 + (depth - 1) // stride, *plane, size, channels)
        ctx.shape, ctx.pairs = slices.shape, _pairs(depth, size, stride)
        for place, (here, there) in enumerate(ctx.pairs):
            beside[:, here, :, :, place] = slices[:, there]
        return beside.flatten(4).flatten(0, 1).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        beside = gradient.permute(0, 2, 3, 1).unflatten(3, (len(ctx.pairs), -1)).unflatten(0, (ctx.shape[0], -1))
        slices = gradient.new_zeros(ctx.shape)
        for place, (here, there) in enumerate(ctx.pairs):
            slices[:, there] += beside[:, here, :, :, place]
        return slices.permute(0, 4, 1, 2, 3), None, None


def _pairs(depth: int, size: int, stride: int) -> list[tuple[slice, slice]]:
    """For each place about a slice: which of those that are kept have a neighbour there, and which it is."""
    pairs = []
    for offset in range(-(size // 2), size - size // 2):
        first, last = -(min(offset, 0) // stride), (depth - 1 - max(offset, 0)) // stride
        there = slice(first * stride + offset, last * stride + offset + 1, stride)
        pairs.append((slice(first, last + 1), there))
    return pairs


class _Convolution(nn.Conv3d):
    def forward(self, stacks: Tensor) -> Tensor:
        (size, *_), (step, *stride), (_, *padding) = self.kernel_size, self.stride, self.padding
        slices = _flat(stacks) if size == 1 else _Neighbours.apply(stacks, size, step)
        return _stacked(conv2d(slices, _in_plane(self.weight), self.bias, stride, padding), len(stacks))


class _Transposed(nn.ConvTranspose3d):
    """Its stride is its size, and it has no bias."""

    def forward(self, stacks: Tensor) -> Tensor:
        size, *stride = self.stride
        beside = conv_transpose2d(_flat(stacks), _in_plane(self.weight), None, stride).permute(0, 2, 3, 1)
        slices = beside.unflatten(3, (size, -1)).movedim(3, 1).flatten(0, 1)
        return _stacked(slices.permute(0, 3, 1, 2), len(stacks))


class _Norm(nn.InstanceNorm3d):
    """One stack's norm is that of a batch of its slices."""

    def forward(self, stacks: Tensor) -> Tensor:
        def norm(stack: Tensor) -> Tensor:
            return batch_norm(_flat(stack), None, None, self.weight, self.bias, training=True, eps=self.eps)

        return _stacked(torch.cat([norm(stack) for stack in stacks.split(1)]), len(stacks))


class _Rectified(nn.LeakyReLU):
    """Not in place: of a view that would cost more than the rest of the layer."""

    def forward(self, stacks: Tensor) -> Tensor:
        return leaky_relu(stacks, self.negative_slope)


_BY_SLICES: dict[type[nn.Module], type[nn.Module]] = {
    nn.Conv3d: _Convolution, nn.ConvTranspose3d: _Transposed, nn.InstanceNorm3d: _Norm, nn.LeakyReLU: _Rectified,
}  # fmt: skip
