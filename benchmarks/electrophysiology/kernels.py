"""The kernels of the GPU compiled without one, the last line is JSON:

envs/run python benchmarks/electrophysiology/kernels.py

NVRTC makes PTX of the same sources that CuPy is given, ptxas machine code of it for sm_90: registers, spills and
divisions of each kernel. Then it looks in CuPy for all that ``device`` calls. The compilers are installed for the run
into a virtual environment of their own (``kernels.lock``).
"""

import ctypes
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from twinbeat import ionic
from twinbeat.device.plan import SOURCE

LOCK = Path(__file__).with_name("kernels.lock")
CELLS = (("tentusscher_panfilov_2006_epi", 0.05), ("torord_dyncl_endo", 0.02), ("bueno_orovio_2008_epi", 0.05))
OPTIONS = (b"--gpu-architecture=compute_90", b"--std=c++17")
ENTRY = re.compile(
    r"entry function '(\w+)'.*?(\d+) bytes spill stores, (\d+) bytes spill loads.*?(\d+) registers", re.S
)
CALLED = (
    "RawModule.get_function", "asarray", "asnumpy", "copyto", "cuda.Stream.synchronize", "cuda.get_current_stream",
    "cuda.runtime.getDevice", "cuda.runtime.getDeviceProperties", "empty", "empty_like", "full", "is_available",
    "ndarray.copy", "ndarray.sum", "ones", "zeros",
)  # fmt: skip
LOOK = """
import sys, numpy, cupy
from operator import attrgetter
from cupy._core._scalar import CScalar
cupy.RawModule(code="", options=("--std=c++17",))
for name in sys.argv[1:]:
    attrgetter(name)(cupy)
for value in (numpy.int32(1), numpy.float64(1), numpy.uintp(0)):
    CScalar(value)
print(cupy.__version__)
"""


def main() -> None:
    """Compile all, look for all."""
    with tempfile.TemporaryDirectory() as folder:
        python = install(Path(folder) / "venv")
        (nvidia,) = Path(folder).glob("venv/lib/python*/site-packages/nvidia")
        figures = {name: compiled(source, nvidia, Path(folder)) for name, source in sources().items()}
        ran = subprocess.run([python, "-c", LOOK, *CALLED], stdout=subprocess.PIPE, text=True, check=True)
    print(f"CuPy {ran.stdout.strip()} has all that is called")
    print(json.dumps(figures))


def install(folder: Path) -> Path:
    """The Python of a virtual environment with the compilers and CuPy, and NumPy of this one."""
    subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", folder], check=True)
    inherit = f"import sys; sys.path.extend({[path for path in sys.path if 'site-packages' in path]!r})\n"
    next(folder.glob("lib/python*/site-packages")).joinpath("inherit.pth").write_text(inherit)
    lock = ["--requirement", LOCK, "--require-hashes", "--no-deps"]
    subprocess.run([folder / "bin/python", "-m", "pip", "install", "-qq", *lock], check=True)
    return folder / "bin/python"


def sources() -> dict[str, str]:
    """What CuPy is given, by name."""
    cells = {name: ionic.load(name) for name, _ in CELLS}
    texts = {name: cells[name].cuda(cells[name].unpaced(), step) for name, step in CELLS}
    return texts | {"tissue": SOURCE.read_text()}


def compiled(source: str, nvidia: Path, folder: Path) -> dict[str, dict[str, int]]:
    """Registers, spilled bytes a thread and divisions of each kernel of a source."""
    text = ptx(source, nvidia)
    path = folder / "kernel.ptx"
    path.write_text(text)
    command = [nvidia / "cuda_nvcc/bin/ptxas", "-v", "-arch=sm_90", path, "-o", path.with_suffix(".cubin")]
    said = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=True).stderr
    found = {}
    for name, stored, loaded, registers in ENTRY.findall(said):
        body = text.split(f".entry {name}(")[1].split(".entry ")[0]
        found[name] = {
            "registers": int(registers),
            "spill_store_bytes": int(stored),
            "spill_load_bytes": int(loaded),
            "divisions": len(re.findall(r"(?:div|rcp)\.rn\.f64", body)),
        }
        print(f"{name}: {found[name]}")
    return found


def ptx(source: str, nvidia: Path) -> str:
    """PTX by NVRTC; RuntimeError with its log."""
    nvrtc = ctypes.CDLL(str(next(nvidia.glob("cuda_nvrtc/lib/libnvrtc.so.*"))))
    program, options = ctypes.c_void_p(), (ctypes.c_char_p * len(OPTIONS))(*OPTIONS)
    nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernel.cu", 0, None, None)
    failed = nvrtc.nvrtcCompileProgram(program, len(OPTIONS), options)
    wanted = "ProgramLog" if failed else "PTX"
    size = ctypes.c_size_t()
    nvrtc[f"nvrtcGet{wanted}Size"](program, ctypes.byref(size))
    text = ctypes.create_string_buffer(size.value)
    nvrtc[f"nvrtcGet{wanted}"](program, text)
    if failed:
        raise RuntimeError(f"NVRTC could not compile: {text.value.decode()}")
    return text.value.decode()


if __name__ == "__main__":
    main()
