"""The one who places jobs: a Dask scheduler, the pilots that serve it, and every attempt until it is published.

It lives in a thread of its own beside Snakemake and is spoken to through ``submit`` and ``close``.
"""

import asyncio
import logging
import shutil
import threading
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import dask
from distributed import Client, Scheduler
from distributed.diagnostics.plugin import SchedulerPlugin

from .attempts import Attempts
from .crew import Crew
from .ledger import Ledger
from .pilot import describe
from .request import Unplaceable, pools_for
from .security import certificates
from .settings import Fleet
from .task import Task, Waiting

WAIT = 1.0  # seconds between two looks at what nobody tells
QUIET = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.worker-ttl": "60 s",
}
UNSAID = {"distributed.scheduler.http.routes": []}  # pages, which anybody could read


class User(Protocol):
    """Whom the controller speaks to."""

    def tell(self, line: str) -> None:
        """Say something."""

    def fail(self, error: BaseException) -> None:
        """End the run."""


class Controller:
    """Places tasks on pilots; see the package's README for the rules it follows.

    Parameters
    ----------
    state
        The directory for all that has to outlive a driver, mode 0700.
    frozen
        Files that jobs see as they are now, by path in the working directory.
    user
        ``tell(line)`` says something to the user, ``fail(error)`` ends the run.

    Raises
    ------
    Held
        If another driver holds the state directory.
    """

    def __init__(self, fleet: Fleet, state: Path, work: Path, frozen: Mapping[str, str], user: "User") -> None:
        self._user = user
        self.fleet, self.state, self.tell = fleet, state.absolute(), user.tell
        self.ledger = Ledger(self.state)
        self.waiting = Waiting()
        self.attempts = Attempts(self, work.absolute(), frozen)
        self.crew = Crew(self)
        self.changed = asyncio.Event()
        self.closing = False
        self._tasks: set[asyncio.Task[Any]] = set()
        logging.getLogger("distributed").setLevel(logging.ERROR)  # what a user should know, we tell
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live(ready)), name="controller", daemon=True)
        self._thread.start()
        ready.result()

    def submit(self, task: Task) -> None:
        """Take a task; one of its callbacks will be called."""
        self._loop.call_soon_threadsafe(self._take, task)

    def close(self) -> None:
        """End what runs, let all pilots go, and remember what is not settled."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop)
            self._thread.join()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside all else; an error in it ends the run."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._heard)

    def requeue(self, task: Task) -> None:
        """Let a task wait for a place, or fail where there can be none."""
        try:
            pools_for(task.request, self.fleet)
        except Unplaceable as error:
            task.failed(str(error), None)
            return
        self.waiting.add(task)
        self.changed.set()

    def _take(self, task: Task) -> None:
        if not self.attempts.adopt(task):
            self.requeue(task)

    def _stop(self) -> None:
        self.closing = True
        self.changed.set()

    def _heard(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._user.fail(error)

    async def _live(self, ready: "Future[None]") -> None:
        self._loop = asyncio.get_running_loop()
        try:
            with dask.config.set(QUIET if self.fleet.dashboard else QUIET | UNSAID):
                await self._open()
        except BaseException as error:
            self.ledger.close(settled=False)
            ready.set_exception(error)
            return
        ready.set_result(None)
        try:
            while not self.closing:
                self.changed.clear()
                self._place()
                self.crew.size()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.changed.wait(), WAIT)
        except Exception as error:
            self._user.fail(error)
        finally:
            await self._shut()

    async def _open(self) -> None:
        """The scheduler, for pilots that know the certificates, and our own client to it."""
        self.security = certificates(self.state / "tls") if self.fleet.tls else None
        page = f"127.0.0.1:{self.fleet.dashboard or 0}"
        self.scheduler = await Scheduler(
            interface=self.fleet.interface, port=0, protocol="tls://" if self.security else "tcp://",
            security=self.security, dashboard=bool(self.fleet.dashboard), dashboard_address=page,
        )  # fmt: skip
        self.scheduler.add_plugin(_Arrivals(self), name="arrivals")
        self.client = await Client(self.scheduler.address, security=self.security, asynchronous=True)
        await self.crew.sweep()
        self.spawn(self.crew.watch())

    def _place(self) -> None:
        """Give every waiting task a seat for which there is one."""
        for request in self.waiting.requests():
            kinds = pools_for(request, self.fleet)
            while self.waiting.count(request):
                task = self.waiting.first(request)
                pilot = next(iter(self.crew.with_room(kinds, task)), None)
                if pilot is None:
                    break
                self.spawn(self.attempts.run(self.waiting.pop(request), pilot, pilot.seat(request)))

    async def arrived(self, address: str, name: str) -> None:
        """A worker has come: of a pilot of ours, if it knows its name."""
        if pilot := self.crew.pilots.get(name):
            told = await self.client.submit(describe, workers=[address], pure=False, key=f"describe-{name}")
            pilot.comes_up(address, told)
            self.crew.came(pilot)
            self.changed.set()

    async def _shut(self) -> None:
        """Let pilots end their attempts, which then are heard, before nobody listens any more."""
        await self.crew.dismiss()
        await self.attempts.finish()
        for task in self._tasks:
            task.cancel()
        await self.client.close()
        await self.scheduler.close()
        shutil.rmtree(self.state / "tls", ignore_errors=True)
        self.ledger.close(settled=self.attempts.settled)


class _Arrivals(SchedulerPlugin):
    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    def add_worker(self, scheduler: Scheduler, worker: str) -> None:
        self._controller.spawn(self._controller.arrived(worker, str(scheduler.workers[worker].name)))

    def remove_worker(self, scheduler: Scheduler, worker: str, **_: Any) -> None:
        self._controller.crew.left(worker)
