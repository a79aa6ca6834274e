"""Where kernels run: CuPy on a GPU, behind what the stepping asks of a machine. All that needs a GPU is here.

CuPy is no dependency of the library (``envs/gpu.txt``).
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Literal, Protocol

import numpy as np

BLOCK = 128  # threads
Launch = Callable[..., None]
"""(kernel, threads, *arguments); arguments are arrays of the machine and NumPy's scalars."""


class NoGpu(OSError):
    """This machine lacks what a GPU needs: no fault of a patient, so the job fails, and can be run again elsewhere."""

    code = "no-gpu"

    def __init__(self, message: str) -> None:
        super().__init__(f"{self.code}: electrophysiology.device: gpu: {message}")


class Machine(Protocol):
    """What the stepping asks of a machine; ``xp`` is NumPy, or what stands for it there."""

    name: str
    xp: Any

    def load(self, source: str) -> Launch:
        """The kernels of a source."""

    def host(self, values: Any) -> np.ndarray:
        """An array of the machine as NumPy's."""

    def wait(self) -> None:
        """Return once all that was launched is done."""


class Gpu:
    """The current GPU, by CuPy."""

    def __init__(self, cupy: Any) -> None:
        self.xp, self.host = cupy, cupy.asnumpy
        self.name = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.runtime.getDevice())["name"].decode()

    def wait(self) -> None:
        """Return once all that was launched is done."""
        self.xp.cuda.get_current_stream().synchronize()

    def load(self, source: str) -> Launch:
        """The kernels of a source, compiled by NVRTC and kept in CuPy's cache."""
        kernels = cache(self.xp.RawModule(code=source, options=("--std=c++17",)).get_function)

        def launch(kernel: str, threads: int, *arguments: Any) -> None:
            kernels(kernel)((-(-threads // BLOCK),), (BLOCK,), arguments)

        return launch


def chosen(wish: Literal["cpu", "gpu", "auto"]) -> Gpu | None:
    """The GPU, or None for the CPU: ``auto`` is the GPU where CuPy sees one.

    Raises NoGpu where ``gpu`` is wished for and CuPy is missing, or sees none.
    """
    if wish == "cpu":
        return None
    try:
        import cupy
    except ImportError as error:
        return _without(wish, f"expected CuPy (envs/gpu.txt), got {error}")
    if not cupy.is_available():
        return _without(wish, f"expected a GPU that CuPy {cupy.__version__} sees, got none")
    return Gpu(cupy)


def _without(wish: str, message: str) -> None:
    if wish == "gpu":
        raise NoGpu(message)
