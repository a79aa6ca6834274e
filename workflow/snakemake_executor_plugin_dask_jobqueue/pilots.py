"""Where attempts sit: the nodes of the pilots that are up, what is free there, how many more pilots are worth it."""

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .pilot import GRACE
from .request import Request, roomy
from .settings import Pool

FRESH = 30.0  # seconds


@dataclass
class Room:
    """What is free on one node."""

    host: str
    cores: int
    memory: int
    gpus: list[str]


@dataclass(frozen=True)
class Seat:
    """What one attempt has: whole nodes where it has several, and the GPUs by name, node by node."""

    nodes: tuple[int, ...]
    hosts: tuple[str, ...]
    gpus: tuple[str, ...]


@dataclass
class Pilot:
    """A batch job of ours, from its submission on; up once its worker has told where it is."""

    name: str
    kind: str
    pool: Pool
    job: Any = None  # dask-jobqueue's
    submitted: float = field(default_factory=time.time)
    address: str | None = None
    rooms: list[Room] = field(default_factory=list)
    ends: float = math.inf
    attempts: set[str] = field(default_factory=set)
    idle: float = field(default_factory=time.time)  # since when
    up: float = -math.inf  # since when
    leaving: bool = False

    @property
    def job_id(self) -> str | None:
        """The batch system's name for it, once it has one."""
        return self.job.job_id if self.job else None

    def comes_up(self, address: str, told: dict[str, Any]) -> None:
        """Take note of the nodes of the allocation."""
        names = sorted((told["gpus"] or [str(number) for number in range(self.pool.gpus)])[: self.pool.gpus])
        self.rooms = [Room(host, self.pool.cpus, roomy(self.pool), [*names]) for host in told["hosts"]]
        self.ends = told["ends"] or math.inf
        self.address, self.idle, self.up = address, time.time(), time.time()

    def can_seat(self, request: Request) -> bool:
        """Whether what a request asks is free, and there is time for it."""
        free = self.address is not None and not self.leaving and not self.is_late_for(request)
        return free and len(self._free(request)) >= request.nodes

    def is_late_for(self, request: Request) -> bool:
        """Whether its walltime ends too soon; a pilot that has just come up is as early as any will be."""
        return time.time() > self.up + FRESH and time.time() + (request.seconds or 0) + GRACE > self.ends

    def _free(self, request: Request) -> list[int]:
        if request.nodes == 1:
            return [0] if _holds(self.rooms[0], request) else []  # the pilot starts processes where it is
        return [n for n, room in enumerate(self.rooms) if room.cores == self.pool.cpus and _holds(room, request)]

    def seat(self, request: Request) -> Seat:
        """Take what a request asks, which ``can_seat``."""
        chosen = self._free(request)[: request.nodes]
        gpus = [self._take(self.rooms[number], request) for number in chosen]
        return Seat(tuple(chosen), tuple(self.rooms[number].host for number in chosen), tuple(gpus[0]))

    def _take(self, room: Room, request: Request) -> list[str]:
        cores = request.cores if request.nodes == 1 else self.pool.cpus
        room.cores -= cores
        room.memory -= request.memory
        taken, room.gpus = room.gpus[: request.gpus], room.gpus[request.gpus :]
        return taken

    def leave(self, seat: Seat, request: Request) -> None:
        """Give back what an attempt had."""
        for number in seat.nodes:
            room = self.rooms[number]
            room.cores += request.cores if request.nodes == 1 else self.pool.cpus
            room.memory += request.memory
            room.gpus = sorted([*room.gpus, *seat.gpus])  # so that the first ones of whole nodes have the same names
        self.idle = time.time()


def _holds(room: Room, request: Request) -> bool:
    return room.cores >= request.cores and room.memory >= request.memory and len(room.gpus) >= request.gpus


def share(request: Request, pool: Pool) -> float:
    """How much of a pilot a request fills."""
    if request.nodes > 1:
        return request.nodes / pool.nodes
    per_node = [request.cores / pool.cpus, request.memory / roomy(pool), request.gpus / max(pool.gpus, 1)]
    return max(per_node)


def wanted(pool: Pool, waiting: Iterable[Request], alive: int, coming: int) -> int:
    """How many pilots more to ask for: enough for all that waits, less those coming, within least and most."""
    needed = math.ceil(round(sum(share(request, pool) for request in waiting), 6))
    more = max(needed - coming, pool.least - alive)
    return max(0, min(more, pool.most - alive))
