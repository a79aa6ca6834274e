"""A process that has imported Snakemake once and forks an attempt in milliseconds.

It is forked from the pilot before that has threads, speaks lines of JSON with it over a socket, and ends, with all
attempts, when the pilot does.
"""

import asyncio
import importlib
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from .attempt import FULL, RESULT, watch


def _serve(link: socket.socket, preload: Iterable[str]) -> NoReturn:
    for name in ("snakemake.cli", "snakemake.api", "snakemake.workflow", "snakemake.executors.local", *preload):
        importlib.import_module(name)
    watchers: dict[int, str] = {}
    woken, waker = socket.socketpair()
    waker.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the pilot decides
    signal.set_wakeup_fd(waker.fileno())
    selector = selectors.DefaultSelector()
    selector.register(link, selectors.EVENT_READ)
    selector.register(woken, selectors.EVENT_READ)
    lines = b""
    while True:
        ready = {key.fileobj for key, _ in selector.select()}
        if woken in ready:
            woken.recv(4096)
            _reap(watchers, link)
        if link in ready:
            if not (read := link.recv(1 << 16)):
                _end(watchers)
            *whole, lines = (lines + read).split(b"\n")
            for line in whole:
                _obey(json.loads(line), watchers, (link, woken, waker, selector))


def _obey(order: dict[str, Any], watchers: dict[int, str], handles: tuple[Any, ...]) -> None:
    if "cancel" in order:
        for process in [process for process, name in watchers.items() if name == order["cancel"]]:
            os.kill(process, signal.SIGTERM)
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # one that comes early stays with the watcher
    process = os.fork()
    if process == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for handle in handles:
            handle.close()
        watch(order)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    watchers[process] = order["id"]


def _reap(watchers: dict[int, str], link: socket.socket) -> None:
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            process, status = found
            if name := watchers.pop(process, None):
                link.sendall(json.dumps({"id": name, "status": os.waitstatus_to_exitcode(status)}).encode() + b"\n")


def _end(watchers: dict[int, str]) -> NoReturn:
    for process in watchers:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)
    with suppress(ChildProcessError):
        while True:
            os.wait()
    os._exit(0)


REFUSED = "refused"


class ForkServer:
    """The pilot's end of it."""

    def __init__(self, preload: Iterable[str] = ()) -> None:
        self._link, theirs = socket.socketpair()
        self.process = os.fork()
        if self.process == 0:
            self._link.close()
            try:
                _serve(theirs, preload)
            except BaseException as error:  # a forked process must not return into its parent's code
                print(f"fork server: {error!r}", file=sys.stderr, flush=True)
            os._exit(1)
        theirs.close()
        self._waiting: dict[str, tuple[dict[str, Any], asyncio.Future[dict[str, Any]]]] = {}
        self._ended = False
        self.leaving = False

    async def listen(self) -> None:
        """Hear of ended attempts for as long as the server lives."""
        reader, self._writer = await asyncio.open_connection(sock=self._link, limit=1 << 24)
        with suppress(ConnectionError):
            while line := await reader.readline():
                told = json.loads(line)
                spec, future = self._waiting.pop(told["id"])
                if not future.done():
                    future.set_result(_result(spec, told["status"]))
        self._ended = True
        for spec, future in self._waiting.values():
            if not future.done():
                future.set_result(_result(spec, -9))
        self._waiting.clear()

    async def run(self, spec: dict[str, Any]) -> dict[str, Any]:
        """Run an attempt; its result, which is that it was refused where the pilot is about to go.

        Raises
        ------
        RuntimeError
            If the server has ended: the pilot is of no use any more.
        """
        if self._ended:
            raise RuntimeError("the fork server has ended")
        if self.leaving:
            return {"id": spec["id"], "cause": REFUSED, "exit": None}
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[spec["id"]] = (spec, future)
        self._writer.write(json.dumps(spec).encode() + b"\n")
        return await asyncio.shield(future)

    def cancel(self, name: str) -> None:
        """Have an attempt ended; its result comes as any other."""
        self._writer.write(json.dumps({"cancel": name}).encode() + b"\n")

    @property
    def running(self) -> list[str]:
        """The attempts that have not ended."""
        return list(self._waiting)


def _result(spec: dict[str, Any], status: int) -> dict[str, Any]:
    """What the watcher wrote, or, where it could not, what its end says."""
    with suppress(OSError, ValueError):
        if status == 0:
            return json.loads((Path(spec["directory"]) / RESULT).read_text())
    return {"id": spec["id"], "cause": "disk" if status == FULL else "killed", "exit": status}
