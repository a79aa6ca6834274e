"""What was begun and what was published, written down before it is relied on, so that any later driver knows.

One line of JSON per fact, each on the disk before the call returns. A driver that ends with nothing in flight removes
its ledger; one that dies leaves it to the next.
"""

import fcntl
import getpass
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .sandbox import NO_ROOM


class Held(Exception):
    """Another driver works in this state directory; the message says who."""


class Ledger:
    """The ledger of a state directory, held by one driver at a time.

    Raises
    ------
    Held
        If another driver holds it.
    """

    def __init__(self, state: Path) -> None:
        self.state = state
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        state.chmod(0o700)
        self._lock = _taken(state / "lock")
        self.path = state / "ledger.jsonl"
        self.before = list(self._read())
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def _read(self) -> Iterator[dict[str, Any]]:
        """The facts of drivers that died; a last line that was cut short was never relied on."""
        if not self.path.exists():
            return
        whole, _, cut = self.path.read_text().rpartition("\n")
        if cut:
            os.truncate(self.path, len(whole) + 1 if whole else 0)
        for line in filter(None, whole.split("\n")):
            yield json.loads(line)

    def write(self, fact: str, **about: Any) -> None:
        """Add a fact; while the disk is full, wait for room rather than lose one."""
        line = json.dumps({"fact": fact, "at": time.time(), **about}).encode() + b"\n"
        write_whole(self._file, line)

    def of(self, fact: str) -> dict[str, dict[str, Any]]:
        """The facts of one kind that earlier drivers left, the latest by name."""
        return {one["name"]: one for one in self.before if one["fact"] == fact}

    def close(self, *, settled: bool) -> None:
        """Let go; where nothing is in flight, nothing has to be remembered."""
        os.close(self._file)
        if settled:
            self.path.unlink()
        os.close(self._lock)


def write_whole(file: int, line: bytes) -> None:
    """Append a line and have it on the disk, or nothing of it; wait while the disk is full."""
    at = os.fstat(file).st_size
    while True:
        try:
            if os.write(file, line) == len(line):
                os.fsync(file)
                return
            os.ftruncate(file, at)
        except OSError as error:
            os.ftruncate(file, at)
            if error.errno not in NO_ROOM:
                raise
        time.sleep(1)


def _taken(path: Path) -> int:
    """The lock file, ours until we close it or die."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.read(file, 1000).decode() or "another driver"
        os.close(file)
        raise Held(f"{path}: this study is held by {holder}; wait for it, or end it") from error
    os.ftruncate(file, 0)
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    os.write(file, f"{getpass.getuser()} on {socket.gethostname()}, process {os.getpid()}, since {since}".encode())
    return file
