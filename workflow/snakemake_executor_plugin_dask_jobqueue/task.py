"""A job on its way: what the executor hands to the controller, and what the controller remembers of it."""

import heapq
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .request import Request


@dataclass(frozen=True)
class Paths:
    """What a job reads and makes, relative to the working directory; logs are among the products, updated files too."""

    inputs: list[str]
    products: list[str]
    logs: list[str]
    updated: list[str]


@dataclass(eq=False)
class Task:
    """A job, under a name that stands for all it depends on.

    ``words(tries, request)`` are Snakemake's arguments for the try of that number. One of ``done()`` and
    ``failed(message, log)`` is called, once.
    """

    name: str
    rule: str
    wildcards: dict[str, str]
    request: Request
    words: Callable[[int, Request], list[str]]
    paths: Paths
    env: dict[str, str]
    done: Callable[[], None]
    failed: Callable[[str, Path | None], None]
    priority: int = 0
    adoptable: bool = False  # an earlier driver had it in flight
    tries: int = 0
    wall: float = 0.0  # seconds of its last attempt
    submitted: float = field(default_factory=time.time)
    avoid: frozenset[str] = frozenset()  # hosts where it was lost


class Waiting:
    """Tasks that wait, by what they ask; first by priority, and then the newest, so that a patient is seen through."""

    def __init__(self) -> None:
        self._heaps: dict[Request, list[tuple[int, int, Task]]] = {}
        self._serial = itertools.count()

    def add(self, task: Task) -> None:
        """Let a task wait."""
        heap = self._heaps.setdefault(task.request, [])
        heapq.heappush(heap, (-task.priority, -next(self._serial), task))

    def requests(self) -> list[Request]:
        """What is asked, the most urgent first."""
        return sorted(self._heaps, key=lambda request: self._heaps[request][0][:2])

    def first(self, request: Request) -> Task:
        """The next task among those that ask this."""
        return self._heaps[request][0][2]

    def pop(self, request: Request) -> Task:
        """The same, which waits no longer."""
        heap = self._heaps[request]
        task = heapq.heappop(heap)[2]
        if not heap:
            del self._heaps[request]
        return task

    def remove(self, task: Task) -> None:
        """Let a task wait no longer, wherever it stands."""
        left = [entry for entry in self._heaps.pop(task.request) if entry[2] is not task]
        heapq.heapify(left)
        if left:
            self._heaps[task.request] = left

    def count(self, request: Request) -> int:
        """How many ask this."""
        return len(self._heaps.get(request, ()))

    def __len__(self) -> int:
        return sum(map(len, self._heaps.values()))

    def __iter__(self) -> Iterator[Task]:
        return (task for heap in self._heaps.values() for _, _, task in heap)
