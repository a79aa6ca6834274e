"""The pilots of a run: asked for when jobs wait, let go when they idle, replaced when they die."""

import asyncio
import itertools
import math
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from . import fleet as batch
from .pilots import Pilot, wanted
from .request import Request, pools_for
from .task import Task

if TYPE_CHECKING:
    from .controller import Controller

LOOKS = {"lost": 2.0, "coming": 15.0, "up": 60.0}  # seconds between two questions to SLURM, by the most urgent need
HURRY = 15.0  # seconds after which an idle pilot goes while others are queued, perhaps for what it holds
SUBMISSION = 30.0  # seconds that sbatch may take
STILLBORN = 5  # pilots of a pool in a row that ended before they came up


class Crew:
    """All pilots of this run by name, and what SLURM said of them last."""

    def __init__(self, controller: "Controller") -> None:
        self._c = controller
        self.pilots: dict[str, Pilot] = {}
        self.run = secrets.token_hex(3)
        self.living: set[str] | None = None
        self.asked = -math.inf  # when
        self.lost = 0  # attempts whose pilot is out of contact
        self._away: set[str | None] = set()  # batch jobs of pilots out of contact
        self._numbers = itertools.count(1)
        self._stillborn: Counter[str] = Counter()
        self._refused: dict[str, tuple[float, float, int]] = {}  # since, not before, how often

    def with_room(self, kinds: Iterable[str], task: Task) -> list[Pilot]:
        """Pilots that could seat a task now: where it was not lost, and the fullest, first."""
        up = [pilot for pilot in self.pilots.values() if pilot.kind in kinds and pilot.can_seat(task.request)]
        return sorted(up, key=lambda pilot: (pilot.rooms[0].host in task.avoid, pilot.rooms[0].cores))

    def size(self) -> None:
        """Ask for pilots that are worth it, and let those go that are not."""
        demand: dict[str, list[Request]] = defaultdict(list)
        for request in self._c.waiting.requests():
            kinds = pools_for(request, self._c.fleet)
            kind = next((kind for kind in kinds if self._alive(kind) < self._c.fleet.pools[kind].most), kinds[0])
            demand[kind] += [request] * self._c.waiting.count(request)
        for kind, pool in self._c.fleet.pools.items():
            requests, alive = demand[kind], self._alive(kind)
            coming = sum(pilot.kind == kind and pilot.address is None for pilot in self.pilots.values())
            if time.time() >= self._refused.get(kind, (0, 0, 0))[1]:
                for _ in range(wanted(pool, requests, alive, coming)):
                    self._c.spawn(self._ask(kind))
        self._let_go()

    def _alive(self, kind: str) -> int:
        return sum(pilot.kind == kind and not pilot.leaving for pilot in self.pilots.values())

    def _let_go(self) -> None:
        """Those that idle, and those that have too little time left for anything that waits for them."""
        coming = any(pilot.address is None for pilot in self.pilots.values())
        patience = self._c.fleet.idle.total_seconds()
        long_ago = time.time() - (min(patience, HURRY) if coming else patience)
        for pilot in [one for one in self.pilots.values() if one.address and not one.attempts and not one.leaving]:
            asked = [one for one in self._c.waiting.requests() if pilot.kind in pools_for(one, self._c.fleet)]
            late = asked and all(pilot.is_late_for(request) for request in asked)
            if late or (pilot.idle < long_ago and self._alive(pilot.kind) > pilot.pool.least):
                pilot.leaving = True
                self._c.spawn(self._retire(pilot))

    async def _retire(self, pilot: Pilot) -> None:
        await self._c.scheduler.retire_workers(workers=[pilot.address], close_workers=True, remove=True)

    async def _ask(self, kind: str) -> None:
        """Submit a pilot; where SLURM refuses, try again later, and in the end say so."""
        pool = self._c.fleet.pools[kind]
        pilot = Pilot(f"{kind}-{self.run}-{next(self._numbers)}", kind, pool)
        self.pilots[pilot.name] = pilot
        logs = self._c.state / "pilots"
        pilot.job = batch.pilot_job(self._c.fleet, pool, pilot.name, self._c.scheduler.address, self._c.security, logs)
        try:
            await pilot.job.start()
        except (RuntimeError, OSError, ValueError) as error:
            del self.pilots[pilot.name]
            self._note_refusal(kind, str(error))
            return
        self._refused.pop(kind, None)
        self._c.ledger.write("pilot", name=pilot.name, job=pilot.job_id)

    def _note_refusal(self, kind: str, said: str) -> None:
        since, _, often = self._refused.get(kind, (time.time(), 0, 0))
        pause = min(60, 2**often)
        self._refused[kind] = (since, time.time() + pause, often + 1)
        self._c.tell(f"dask-jobqueue: no pilot of {kind} was accepted, next try in {pause} s: {' '.join(said.split())}")
        if time.time() - since > self._c.fleet.patience.total_seconds():
            self._give_up(kind, "the batch system refuses its pilots")

    def _give_up(self, kind: str, why: str) -> None:
        for task in [task for task in self._c.waiting if kind in pools_for(task.request, self._c.fleet)]:
            self._c.waiting.remove(task)
            task.failed(f"pool {kind}: {why}", None)

    def left(self, address: str) -> None:
        """A worker is out of contact; whether its pilot lives on is for SLURM to say."""
        for pilot in [pilot for pilot in self.pilots.values() if pilot.address == address]:
            del self.pilots[pilot.name]
            self._away |= set() if pilot.leaving else {pilot.job_id}
        self._c.changed.set()

    async def sweep(self) -> None:
        """End what earlier drivers left in the queue; their pilots that run end by themselves with what they run."""
        earlier = {one.get("job") for one in self._c.ledger.of("pilot").values()}
        if earlier:
            states = await batch.living(self._c.fleet) or {}
            await batch.cancel(
                self._c.fleet, [job for job, state in states.items() if job in earlier and state == "PENDING"]
            )

    async def watch(self) -> None:
        """Ask SLURM as often as someone needs to know, and notice pilots that ended before they came up."""
        while True:
            await asyncio.sleep(0.5)
            coming = [pilot for pilot in self.pilots.values() if pilot.job_id and pilot.address is None]
            need = "lost" if self.lost else "coming" if coming else "up"
            if time.time() - self.asked < LOOKS[need] or not (self.lost or self.pilots):
                continue
            asked = time.time()
            states = await batch.living(self._c.fleet)
            if states is None:
                continue
            self.living, self.asked = set(states), asked
            for pilot in coming:
                if pilot.submitted < asked - 2 and pilot.address is None and pilot.job_id not in self.living:
                    self._note_stillborn(pilot)

    def _note_stillborn(self, pilot: Pilot) -> None:
        self.pilots.pop(pilot.name, None)
        self._stillborn[pilot.kind] += 1
        where = self._c.state / "pilots"
        self._c.tell(f"dask-jobqueue: pilot {pilot.name} (job {pilot.job_id}) ended before it came up; see {where}")
        if self._stillborn[pilot.kind] >= STILLBORN:
            self._give_up(pilot.kind, f"{STILLBORN} pilots in a row ended before they came up; see {where}")
        self._c.changed.set()

    def came(self, pilot: Pilot) -> None:
        """A pilot is up."""
        self._stillborn.pop(pilot.kind, None)

    async def has_ended(self, job: str | None, since: float) -> bool:
        """Whether SLURM says, in an answer later than ``since``, that a batch job is no more."""
        self.lost += 1
        try:
            while self.asked < since:
                await asyncio.sleep(0.2)
            return job not in (self.living or ())
        finally:
            self.lost -= 1

    async def dismiss(self) -> None:
        """Let all pilots go, and those of earlier drivers that nobody needs any more."""
        until = time.time() + SUBMISSION
        while any(pilot.job_id is None for pilot in self.pilots.values()) and time.time() < until:
            await asyncio.sleep(0.1)  # one that is being submitted has no name yet to be cancelled by
        earlier = {one.get("job") for one in self._c.ledger.of("pilot").values()}
        jobs = {pilot.job_id for pilot in self.pilots.values()} | self._away | earlier
        await batch.cancel(self._c.fleet, sorted(filter(None, jobs)))
