"""The network at work: ONNX Runtime on one core."""

from pathlib import Path

import numpy as np
import onnxruntime

from .grid import Array

PACKAGED = Path(__file__).with_name("unet.onnx")
"""The network that comes with Twinbeat; its model card lies beside it."""
_BATCH = 16


class Network:
    """Images to label probabilities."""

    def __init__(self, path: str | None) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(path or PACKAGED), options, providers=["CPUExecutionProvider"])

    def probability(self, images: Array, orientations: int = 1) -> Array:
        """Probabilities (image, label, y, x) of normalised square ``images`` (image, y, x), averaged over turns."""
        turns = [4 * turn // orientations for turn in range(orientations)]
        return sum(self._turned(images, turn) for turn in turns) / np.float32(orientations)

    def _turned(self, images: Array, quarters: int) -> Array:
        turned = np.ascontiguousarray(np.rot90(images, quarters, axes=(-2, -1)))[:, None]
        parts = [self._session.run(None, {"image": turned[i : i + _BATCH]})[0] for i in range(0, len(turned), _BATCH)]
        return np.rot90(np.concatenate(parts), -quarters, axes=(-2, -1))
