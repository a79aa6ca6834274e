"""A GPU that is none: the CUDA sources compiled for this processor by g++, one thread after the other.

What the shim stands for is what the sources use of CUDA, so that all of a device's loop but the launch is run.
"""

import ctypes
import re
import subprocess
from hashlib import sha256
from pathlib import Path

import numpy as np

SHIM = """
#include <cmath>
using std::exp; using std::fabs; using std::floor; using std::log; using std::pow; using std::sqrt;
#define __global__
#define __device__
#define __constant__
#define __forceinline__ inline
#define __launch_bounds__(...)
static struct { int x; } blockIdx, blockDim = {1}, threadIdx;
static int atomicSub(int *place, int value) { const int old = *place; *place -= value; return old; }
"""
KERNEL = re.compile(r'extern "C" __global__ void .*?\n(\w+)\((.*?)\)\n\{', re.DOTALL)


class Host:
    """The machine of ``device.Medium`` on this processor; libraries are kept in ``folder``."""

    name, xp = "host", np

    def __init__(self, folder: Path) -> None:
        self.folder, self.launched = folder, 0

    def host(self, values: np.ndarray) -> np.ndarray:
        return np.array(values)

    def load(self, source: str):
        path = self.folder / f"{sha256(source.encode()).hexdigest()[:20]}.cpp"
        library = path.with_suffix(".so")
        if not library.exists():
            path.write_text(SHIM + source + loops(source))
            command = [
                "g++",
                "-std=c++17",
                "-O2",
                "-w",
                "-fPIC",
                "-shared",
                "-Wl,-Bsymbolic",
                str(path),
                "-o",
                str(library),
            ]
            subprocess.run(command, check=True)
        loaded = ctypes.CDLL(str(library))

        def launch(kernel: str, threads: int, *arguments) -> None:
            self.launched += 1
            loaded[f"all_{kernel}"](ctypes.c_int(threads), *map(passed, arguments))

        return launch


def loops(source: str) -> str:
    """A function for each kernel that runs all its threads."""
    text = "#undef pow\n"
    for name, parameters in KERNEL.findall(source):
        whole = expanded(parameters, source)
        names = ", ".join(re.findall(r"(\w+)(?:,|$)", whole))
        text += f'extern "C" void all_{name}(int threads, {whole}) {{\n'
        text += f"    for (blockIdx.x = 0; blockIdx.x < threads + 3; blockIdx.x++) {name}({names});\n}}\n"
    return text


def expanded(parameters: str, source: str) -> str:
    """Parameters with the source's macros of parameters written out, on one line."""
    macros = dict(re.findall(r"#define ([A-Z]+) (const .*)", source))
    for name, text in macros.items():
        parameters = parameters.replace(name, text)
    return " ".join(parameters.split())


def passed(value):
    """What ctypes passes for an argument: the type that the kernel's caller chose, as CuPy does."""
    if isinstance(value, np.ndarray):
        assert value.flags.c_contiguous
        return ctypes.c_void_p(value.ctypes.data)
    types = {np.int32: ctypes.c_int, np.float64: ctypes.c_double, np.uintp: ctypes.c_void_p}
    return types[type(value)](value.item())
