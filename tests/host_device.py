"""A CuPy without a GPU: arrays are NumPy's, and kernels of CUDA, compiled by g++, run one thread after the other.

The shim stands for what the sources use of CUDA. Arrays refuse to be mixed with NumPy's, as CuPy's do, so that what
runs here asks for no more than there is on a device.
"""

import ctypes
import re
import subprocess
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import numpy as np

SHIM = """
#include <cmath>
using std::exp; using std::fabs; using std::floor; using std::log; using std::pow; using std::sqrt;
#define __global__
#define __device__
#define __constant__
#define __forceinline__ inline
#define __launch_bounds__(...)
struct double2 { double x, y; };
static struct { int x; } blockIdx, blockDim, threadIdx;
static int atomicSub(int *place, int value) { const int old = *place; *place -= value; return old; }
"""
THREADS = """
extern "C" void all_{name}(int blocks, int threads, {parameters})
{{
    blockDim.x = threads;
    for (blockIdx.x = 0; blockIdx.x < blocks; blockIdx.x++)
        for (threadIdx.x = 0; threadIdx.x < threads; threadIdx.x++)
            {name}({names});
}}
"""
KERNEL = re.compile(r'extern "C" __global__ void .*?\n(\w+)\((.*?)\)\n\{', re.DOTALL)
SCALARS = {np.int32: ctypes.c_int, np.float64: ctypes.c_double, np.uintp: ctypes.c_void_p}


class DeviceArray(np.ndarray):
    """An array that is on the device as far as others can tell."""

    def __array_ufunc__(self, function, method, *inputs, **options):
        if any(type(one) is np.ndarray and one.ndim for one in inputs):
            raise TypeError("an array of the device met one of the host")
        plain = [one.view(np.ndarray) if isinstance(one, DeviceArray) else one for one in inputs]
        return on_device(getattr(function, method)(*plain, **options))

    def __setitem__(self, place, value):
        if type(value) is np.ndarray:
            raise TypeError("an array of the host was put into one of the device")
        super().__setitem__(place, value)


def on_device(values):
    return values.view(DeviceArray) if isinstance(values, np.ndarray) else values


class Cupy:
    """The module, as far as it is used; shared libraries are kept in ``folder``."""

    __version__ = "14"

    def __init__(self, folder: Path) -> None:
        self.folder, self.launched = folder, 0
        runtime = SimpleNamespace(getDevice=lambda: 0, getDeviceProperties=lambda number: {"name": b"host"})
        stream = SimpleNamespace(synchronize=lambda: None)
        self.cuda = SimpleNamespace(runtime=runtime, get_current_stream=lambda: stream)

    def __getattr__(self, name):
        if name not in ("asarray", "empty", "empty_like", "full", "ones", "zeros", "copyto"):
            raise AttributeError(name)
        function = getattr(np, name)
        return lambda *values: on_device(np.copy(function(*values)) if name == "asarray" else function(*values))

    def is_available(self) -> bool:
        return True

    def asnumpy(self, values: DeviceArray) -> np.ndarray:
        assert isinstance(values, DeviceArray)
        return np.array(values.view(np.ndarray))

    def RawModule(self, *, code: str, options: tuple[str, ...]):
        path = self.folder / f"{sha256(code.encode()).hexdigest()[:20]}.cpp"
        library = path.with_suffix(".so")
        if not library.exists():
            path.write_text(SHIM + code + "\n#undef pow\n" + "".join(map(partial(threads, code), KERNEL.findall(code))))
            flags = ["-std=c++17", "-O2", "-w", "-fPIC", "-shared", "-Wl,-Bsymbolic"]
            subprocess.run(["g++", *flags, str(path), "-o", str(library)], check=True)
        return SimpleNamespace(get_function=partial(self._function, ctypes.CDLL(str(library))))

    def _function(self, loaded: ctypes.CDLL, name: str):
        function = loaded[f"all_{name}"]

        def launch(grid: tuple[int], block: tuple[int], arguments) -> None:
            self.launched += 1
            function(*map(ctypes.c_int, grid + block), *map(passed, arguments))

        return launch


def threads(code: str, kernel: tuple[str, str]) -> str:
    """A function that runs all threads of a kernel, whose parameters may be macros of the source."""
    name, parameters = kernel
    for macro, text in re.findall(r"#define ([A-Z]+) (const .*)", code):
        parameters = parameters.replace(macro, text)
    names = re.findall(r"(\w+)(?:,|$)", " ".join(parameters.split()))
    return THREADS.format(name=name, parameters=parameters, names=", ".join(names))


def passed(value):
    """What ctypes passes for an argument: of the type that the caller chose, as CuPy does."""
    if isinstance(value, DeviceArray):
        assert value.flags.c_contiguous
        return ctypes.c_void_p(value.ctypes.data)
    return SCALARS[type(value)](value.item())
