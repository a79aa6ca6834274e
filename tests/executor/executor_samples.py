"""What the tests of the executor plugin share: pools, trees of files, processes apart, attempts at anything."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from snakemake_executor_plugin_dask_jobqueue import attempt
from snakemake_executor_plugin_dask_jobqueue.request import Request
from snakemake_executor_plugin_dask_jobqueue.settings import Fleet, Pool
from snakemake_executor_plugin_dask_jobqueue.task import Paths, Task

MEBI = 2**20
POOLS = "backend: local\npools: {small: {cpus: 4, memory: 8 GiB}}\n"
SMALL: dict[str, Any] = {"cpus": "4", "memory": "8 GiB"}
ENDLESS = "import time; time.sleep(60)"


def pool(**keys: Any) -> Pool:
    """A pool of 4 cores and 8 GiB, unless told otherwise."""
    return Pool.model_validate(SMALL | keys)


def fleet(*, pools: Mapping[str, Any] | None = None, **keys: Any) -> Fleet:
    """A fleet of one small pool, unless told otherwise."""
    return Fleet.model_validate({"pools": pools or {"small": SMALL}} | keys)


def task(name: str = "a", *, request: Request | None = None, **keys: Any) -> Task:
    """A task that does nothing and tells nobody."""
    about: dict[str, Any] = {
        "rule": "rule", "wildcards": {}, "words": lambda tries, request: [], "paths": Paths([], [], [], []),
        "env": {}, "done": lambda: None, "failed": lambda message, log: None,
    }  # fmt: skip
    return Task(name=name, request=request or Request(), **about | keys)


def grow(root: Path, tree: Mapping[str, str]) -> Path:
    """Write files of text by their paths."""
    root.mkdir(parents=True, exist_ok=True)
    for path, content in tree.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    return root


def files(root: Path) -> dict[str, str]:
    """All files below, through links to directories too, by their paths."""
    found = (Path(folder) / name for folder, _, names in os.walk(root, followlinks=True) for name in names)
    return {str(path.relative_to(root)): path.read_text() for path in found}


def mode(path: Path) -> int:
    """The permissions of a path."""
    return path.stat().st_mode & 0o777


def apart(function: Callable[[], Any]) -> Any:
    """What a function returns in a process of its own; the text of its error, where it raises one."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reading)
        try:
            told = function()
        except BaseException as error:
            told = f"{type(error).__name__}: {error}"
        os.write(writing, json.dumps(told, default=repr).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = json.load(pipe)
    os.waitpid(process, 0)
    return told


def python(argv: list[str]) -> int:
    """In place of Snakemake: the program that an attempt is given, in an interpreter of its own."""
    return subprocess.run([sys.executable, "-c", argv[0]], check=False).returncode


def bash(argv: list[str]) -> int:
    """The same, for a shell."""
    return subprocess.run(["bash", "-c", argv[0]], check=False).returncode


def spec(folder: Path, *argv: str, name: str = "job-1", **keys: Any) -> dict[str, Any]:
    """What an attempt is told: ``argv``, in a sandbox of the directory ``real``, without limits."""
    (folder / "real").mkdir(exist_ok=True)
    about = {
        "id": name, "argv": list(argv), "directory": str(folder / "attempts" / name), "workdir": str(folder / "real"),
        "inputs": [], "products": [], "updated": [], "frozen": {}, "env": {}, "memory": 0, "seconds": None,
    }  # fmt: skip
    return about | keys


def begin(told: dict[str, Any]) -> int:
    """Fork a watcher of an attempt."""
    watcher = os.fork()
    if watcher == 0:
        attempt.watch(told)
    return watcher


def end(watcher: int) -> int:
    """The exit status of a watcher, once it has one."""
    return os.waitstatus_to_exitcode(os.waitpid(watcher, 0)[1])


def result(told: dict[str, Any]) -> dict[str, Any]:
    """What the watcher of an attempt wrote."""
    return json.loads((Path(told["directory"]) / attempt.RESULT).read_text())


def tried(told: dict[str, Any]) -> dict[str, Any]:
    """The result of an attempt that is watched from its begin to its end."""
    assert end(begin(told)) == 0
    return result(told)


def until(holds: Callable[[], Any]) -> Any:
    """What another process does, as soon as it has done it."""
    for _ in range(6000):
        if found := holds():
            return found
        time.sleep(0.01)
    raise AssertionError("it did not happen within a minute")


def alive(process: int) -> bool:
    """Whether a process runs, that is, is no zombie either."""
    with suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def number(path: Path) -> int | None:
    """The number that another process writes, once it is there with its line end."""
    with suppress(OSError):
        text = path.read_text()
        return int(text) if text.endswith("\n") else None
    return None


def ahead(path: Path, seconds: float) -> None:
    """Date a file so many seconds after now."""
    then = time.time() + seconds
    os.utime(path, (then, then))


def denied(*args: Any, **keys: Any) -> None:
    """In place of a call that needs a permission."""
    raise PermissionError(1, "Operation not permitted")
