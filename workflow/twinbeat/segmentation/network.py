"""Networks at work: ONNX Runtime on a GPU or on up to two cores."""

import os
from pathlib import Path

import numpy as np
import onnxruntime

from ..parameters import ConfigurationError
from . import card
from .grid import Array
from .scale import normalise, standardise

PACKAGED = tuple(Path(__file__).with_name(name) for name in ("unet2d.onnx", "unet3d.onnx"))
"""The networks that come with Twinbeat, of slices and of stacks; their model card is ``unet.md``."""
_BATCH = 16


class Network:
    """Images to label probabilities, slice by slice or stack by stack, as the rank of its input says."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigurationError where the network or the card beside it cannot be used."""
        self.card = card.read(path)
        self._session = _session(path)
        (given, *more), answers = self._session.get_inputs(), self._session.get_outputs()
        self._name, self._shape = given.name, given.shape
        if more or len(given.shape) not in (4, 5) or len(answers) != 1:
            raise ConfigurationError(
                f"{path}: {1 + len(more)} inputs, the first with {len(given.shape)} axes, and {len(answers)} outputs; "
                "expected one input (batch, 1, y, x) or (batch, 1, z, y, x) and one output"
            )
        self._channels = [getattr(self.card.labels, name) for name in ("lv_blood", "lv_myocardium", "rv_blood")]
        count = answers[0].shape[1]
        if isinstance(count, int) and max(map(max, self._channels)) >= count:
            raise ConfigurationError(f"{path}: the card names channel {max(map(max, self._channels))} of {count}")

    @property
    def flat(self) -> bool:
        """Whether it sees one slice at a time."""
        return len(self._shape) == 4

    def scaled(self, images: Array) -> Array:
        """A cine's signals on the scale that the network was trained on."""
        return normalise(images) if self.card.normalisation == "percentile" else standardise(images)

    def probability(self, stack: Array, orientations: int = 1) -> Array:
        """Probabilities (label, z, y, x) of a ``scaled`` square ``stack`` (z, y, x), averaged over ``orientations``.

        These are quarter turns, every other one upside down.
        """
        turns = [4 * turn // orientations for turn in range(orientations)]
        opinions = [self._seen(stack, turn, upset) for turn, upset in zip(turns, _ALTERNATE, strict=False)]
        return sum(opinions) / np.float32(orientations)

    def _seen(self, stack: Array, quarters: int, upset: bool) -> Array:
        order = slice(None, None, -1 if upset else 1)
        turned = np.ascontiguousarray(np.rot90(stack[order], quarters, axes=(-2, -1)))
        answer = self._slices(turned) if self.flat else self._stack(turned)
        return np.rot90(self._ours(answer), -quarters, axes=(-2, -1))[:, order]

    def _slices(self, stack: Array) -> Array:
        parts = [self._run(stack[i : i + _BATCH, None]) for i in range(0, len(stack), _BATCH)]
        return np.concatenate(parts).swapaxes(0, 1)

    def _stack(self, stack: Array) -> Array:
        """Filled up with copies of the last slice to a number that the network can halve."""
        missing = -len(stack) % self.card.slices
        whole = np.concatenate([stack, np.repeat(stack[-1:], missing, axis=0)])
        return self._run(whole[None, None])[0][:, : len(stack)]

    def _run(self, images: Array) -> Array:
        return self._session.run(None, {self._name: images})[0]

    def _ours(self, answer: Array) -> Array:
        """Our four labels of the network's channels (channel, z, y, x)."""
        if self.card.output == "logits":
            answer = np.exp(answer - answer.max(0))
            answer /= answer.sum(0)
        ours = [answer[list(channels)].sum(0) for channels in self._channels]
        return np.stack([1 - sum(ours), *ours]).astype(np.float32)


_ALTERNATE = (False, True, False, True)


def networks(path: str | None) -> tuple[Network, Network]:
    """The one that finds the heart in the whole field of view and the one that labels it: those of Twinbeat,
    or the network at ``path`` for both."""
    if path:
        return (network := Network(Path(path))), network
    finder, labeller = PACKAGED
    return Network(finder), Network(labeller)


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(2, os.process_cpu_count() or 1)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    there = onnxruntime.get_available_providers()
    wanted = [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in there]
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=wanted)
    except Exception as error:  # onnxruntime has no common class of errors
        raise ConfigurationError(f"{path}: no ONNX network that can be run ({type(error).__name__})") from error
