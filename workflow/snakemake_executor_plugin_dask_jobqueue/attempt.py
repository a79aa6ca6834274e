"""One attempt at a job, watched by a process of its own until it and all that it started are gone.

The watcher is forked from the fork server, so that nothing has to be imported. It leads a session, adopts whatever its
descendants orphan, adds up the memory of the whole tree, ends the tree at its limits or on request, and leaves a result
behind which is the only word on how the attempt ended, whoever reads it.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from . import sandbox
from .tree import MARK, Tree

PR_SET_CHILD_SUBREAPER = 36
LOOK = 0.2  # seconds between two looks at the memory
ECHO = 0.3  # seconds within which SLURM, ending a batch job, has sent SIGTERM to its last process, which is perhaps us
RESULT = "result.json"
FULL_BELOW = 2**20  # bytes left on a disk that is as good as full
FULL = 28  # exit status of a watcher that could not write the result: the disk is full


class Ended(Exception):
    """The attempt has to end now, for the reason given."""


def watch(spec: dict[str, Any]) -> NoReturn:
    """Run the attempt of a specification to its end in this (forked) process, write its result, and exit."""
    os.umask(0o077)
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # looked for, as a handler's exceptions may get lost
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    directory = Path(spec["directory"])
    try:
        directory.mkdir(parents=True, exist_ok=True)
        result = _run(spec, directory)
        _write(directory / RESULT, result)
    except BaseException as error:  # a forked process must not return into its parent's code
        print(f"{spec['id']}: {error!r}", file=sys.stderr, flush=True)
        os._exit(FULL if getattr(error, "errno", None) in sandbox.NO_ROOM else 1)
    os._exit(0)


def _run(spec: dict[str, Any], directory: Path) -> dict[str, Any]:
    parent, scratch = os.getppid(), Path(tempfile.mkdtemp(prefix="a-"))
    started, kills = time.time(), _kills_of_the_kernel()
    tree, status, cause = Tree(spec["id"]), None, None
    try:
        sandbox.prepare(directory / "work", Path(spec["workdir"]), spec)
        child = _start(spec, directory, scratch)
        status = _wait(child, spec, started, tree, parent)
    except Ended as reason:
        cause = str(reason)
    finally:
        tree.end()
        shutil.rmtree(scratch, ignore_errors=True)
    if cause is None:
        cause = _cause(status, directory, kills)
    if cause == "done":
        sandbox.synchronise(directory / "work", spec["products"])
    return {
        "id": spec["id"],
        "cause": cause,
        "exit": status,
        "started": started,
        "wall": time.time() - started,
        "cpu": tree.cpu,
        "memory": tree.peak,
        "host": os.environ.get("SLURMD_NODENAME") or socket.gethostname(),
    }


def _cause(status: int | None, directory: Path, kills: int) -> str:
    if status == 0:
        return "done"
    time.sleep(ECHO)
    if signal.SIGTERM in signal.sigpending():
        return "cancelled"
    if _kills_of_the_kernel() > kills:
        return "memory"
    left = os.statvfs(directory)
    if left.f_bavail * left.f_frsize < FULL_BELOW:
        return "disk"
    return "killed" if status is not None and status < 0 else "error"


def _kills_of_the_kernel() -> int:
    """How often this node ran out of memory and the kernel chose a victim."""
    with suppress(OSError):
        for line in Path("/proc/vmstat").read_text().splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


def _start(spec: dict[str, Any], directory: Path, scratch: Path) -> int:
    child = os.fork()
    if child:
        return child
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        os.setpgid(0, 0)
        _redirect(directory / "log")
        os.environ.update(spec["env"], TMPDIR=str(scratch), **{MARK: spec["id"]})
        tempfile.tempdir = None  # what the parent found is not for the child
        os.chdir(directory / "work")
        os._exit(_snakemake([*spec["argv"], "--directory", str(directory / "work")]))
    except BaseException as error:  # a forked process must not return into its parent's code
        print(repr(error), file=sys.stderr, flush=True)
        os._exit(1)


def _redirect(log: Path) -> None:
    nothing, file = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(nothing, 0)
    os.dup2(file, 1)
    os.dup2(file, 2)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(n, "w" if n else "r", buffering=1) for n in range(3))


def _snakemake(argv: list[str]) -> int:
    """Snakemake on one job, in this process; what it returns to a shell."""
    from snakemake.cli import main

    sys.argv = ["snakemake", *argv]
    try:
        main(argv)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _wait(child: int, spec: dict[str, Any], started: float, tree: Tree, parent: int) -> int:
    """Exit status of the child, negative for a signal; raises Ended at a limit."""
    handle = os.pidfd_open(child)
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    pause = 0.02
    while not poll.poll(1000 * pause):
        pause = min(2 * pause, LOOK)
        tree.look()
        if spec["memory"] and tree.peak > spec["memory"]:
            raise Ended("memory")
        if spec["seconds"] and time.time() - started > spec["seconds"]:
            raise Ended("time")
        if signal.SIGTERM in signal.sigpending():
            raise Ended("cancelled")
        if os.getppid() != parent:
            raise Ended("lost")
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _write(path: Path, result: dict[str, Any]) -> None:
    beside = path.with_suffix(".new")
    with beside.open("w") as file:
        json.dump(result, file)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
