"""C kernels from cell models: generated at run time, compiled by the environment's gcc, kept in the cache.

States are a structure of arrays, ``states[state][cell]``, so that the loop over cells vectorises with libmvec.
"""

import hashlib
import json
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

FLAGS = ("-O3", "-march=native", "-ffast-math", "-fopenmp-simd", "-fPIC", "-shared")
GENERATOR = tuple(Path(__file__).with_name(name) for name in ("generator.py", "uniform.py", "kernel.c", "kernel.cu"))
NONE: Mapping[str, str] = {}
log = logging.getLogger("twinbeat")


def kernel(
    ode: Path, equations: Mapping[str, str] = NONE, varied: Sequence[str] = ()
) -> tuple[Path, dict[str, dict[str, float]]]:
    """The shared library of a model, and its default ``parameters`` and initial ``states`` by name, in its order.

    The ``varied`` parameters have a value for each cell. The same step in CUDA is beside the library (``code.cu``).
    """

    def write(work: Path) -> None:
        from .generator import source  # imports sympy, which takes a second: only where a kernel is made

        texts, model = source(ode, equations, varied)
        for language, text in texts.items():
            (work / f"code.{language}").write_text(text)
        (work / "model.json").write_text(json.dumps(model))

    folder = _published(ode.stem, [*GENERATOR, ode], write, f"{sorted(equations.items())} {varied}")
    return folder / "code.so", json.loads((folder / "model.json").read_text())


def library(code: Path) -> Path:
    """The shared library of a file of C."""
    return _published(code.stem, [code], lambda work: shutil.copy(code, work / "code.c")) / "code.so"


def _published(name: str, origins: list[Path], write: Callable[[Path], Any], changed: str = "") -> Path:
    """The folder of a shared library whose ``code.c`` is written by ``write`` from its origins, as ``changed``.

    Compiled at most once per origins, generator, compiler and processor. Two processes may race: each compiles in a
    directory of its own, and the first to rename it into place wins.
    """
    folder = _cache() / _fingerprint(origins, changed)
    if not folder.exists():
        log.info("ionic: compiling %s", name)
        _publish(folder, write)
    return folder


def _publish(folder: Path, write: Callable[[Path], Any]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        write(work)
        _compile(work)
        work.rename(folder)
    except OSError:
        if not folder.exists():  # else another process has published the same library meanwhile
            raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _compile(work: Path) -> None:
    command = ["gcc", *FLAGS, str(work / "code.c"), "-o", str(work / "code.so"), "-lm"]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(f"gcc could not compile: {result.stderr.strip()}")


def _fingerprint(origins: list[Path], changed: str) -> str:
    compiler = subprocess.run(["gcc", "--version"], capture_output=True, text=True, check=True).stdout
    parts = [*(path.read_text() for path in origins), changed, *FLAGS, version("gotranx"), compiler, _processor()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def _processor() -> str:
    """What ``-march=native`` stands for here: a cache on a shared file system serves nodes of several kinds."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return "\n".join(
        [platform.machine(), *sorted({line for line in lines if line.startswith(("flags", "model name"))})]
    )


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "twinbeat-kernels"
