"""The processes of one attempt on this node: all below its watcher, and the ranks that srun starts.

The latter are descendants of SLURM's daemons; they are known by a mark in the environment, which srun hands on.
"""

import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MARK = "SNAKEMAKE_ATTEMPT"
NO_EXEC_YET = 0x40  # PF_FORKNOEXEC of the kernel's flags of a process
PATIENCE = 5.0  # seconds that srun has to end its ranks on all nodes


class Tree:
    """What belongs to an attempt of this name; to be looked at now and then, and ended by its watcher."""

    def __init__(self, name: str) -> None:
        self.peak = 0  # bytes
        self._mark = f"{MARK}={name}".encode()
        self._away: dict[int, float] = {}  # CPU seconds of ranks, which nobody here waits for

    def look(self) -> None:
        """Raise the peak to the memory of all; shared pages, which are slow to tell apart, only where it matters."""
        below = list(descendants(os.getpid()))
        away = self._marked(below) if _launchers(below) else []
        self._away |= {process: _seconds(process) for process in away}
        members = [process for process in (*below, *away) if not _borrows(process)]
        if sum(map(_resident, members)) > self.peak:
            self.peak = max(self.peak, sum(map(_proportional, members)))

    def _marked(self, below: list[int]) -> list[int]:
        known = {*below, os.getpid()}
        others = [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if int(entry.name) not in known]
        return [process for process in others if self._mark in _read(process, "environ").split(b"\0")]

    @property
    def cpu(self) -> float:
        """User and system seconds of all that has ended, and of ranks when they were last seen."""
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime + sum(self._away.values())

    def end(self) -> None:
        """Ask srun to end its ranks; then kill all that is below, and all that this orphans, until nothing is."""
        until = time.monotonic() + PATIENCE
        launchers = _launchers(descendants(os.getpid()))
        _signal(launchers, signal.SIGTERM)
        while _reaped() and time.monotonic() < until and any(_name(process) == "srun" for process in launchers):
            time.sleep(0.05)
        _signal(self._marked([]) if launchers else [], signal.SIGKILL)
        _signal(descendants(os.getpid()), signal.SIGKILL)
        while _reaped():
            _signal(descendants(os.getpid()), signal.SIGKILL)
            time.sleep(0.01)


def descendants(process: int) -> Iterator[int]:
    """All processes below one, from the kernel's own lists."""
    with suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield int(child)
                yield from descendants(int(child))


def _launchers(processes: Iterator[int] | list[int]) -> list[int]:
    return [process for process in processes if _name(process) == "srun"]


def _signal(processes: Iterator[int] | list[int], number: signal.Signals) -> None:
    for process in list(processes):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process, number)


def _reaped() -> bool:
    """Take the status of all children that have ended; whether there are others."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _read(process: int, name: str) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process}/{name}").read_bytes()
    return b""


def _name(process: int) -> str:
    return _read(process, "comm").decode(errors="replace").strip()


def _status(process: int) -> list[bytes]:
    """Fields of the kernel's line on a process, from its state on; none once it is gone."""
    return _read(process, "stat").rpartition(b")")[2].split()


def _seconds(process: int) -> float:
    return sum(map(int, _status(process)[11:13])) / os.sysconf("SC_CLK_TCK")


def _borrows(process: int) -> bool:
    """Whether a process is between vfork and exec: all the memory it shows is its parent's, and is not shared out."""
    fields = _status(process)
    if not fields or not int(fields[6]) & NO_EXEC_YET:
        return False
    return _read(process, "statm") == _read(int(fields[1]), "statm") != b""


def _resident(process: int) -> int:
    fields = _read(process, "statm").split()
    return int(fields[1]) * resource.getpagesize() if fields else 0


def _proportional(process: int) -> int:
    for line in _read(process, "smaps_rollup").splitlines():
        if line.startswith(b"Pss:"):
            return int(line.split()[1]) * 1024
    return 0
