"""A line for the terminal now and then: how many patients are done, running, waiting, stopped, and the time left."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any

EVERY = 10.0  # seconds between two lines


class Progress:
    """Counts jobs by the value of one wildcard; jobs without it belong to nobody.

    ``outcome`` says of the paths that a job has made whether its subject was stopped by a verdict, and by which.
    """

    def __init__(
        self, jobs: Iterable[Any], subject: str, tell: Callable[[str], None],
        outcome: Callable[[list[str]], str | None] = lambda paths: None,
    ) -> None:  # fmt: skip
        self._subject, self._tell, self._outcome = subject, tell, outcome
        self._left: Counter[str] = Counter()
        self._rules: Counter[str] = Counter()
        self._walls: dict[str, list[float]] = defaultdict(lambda: [0.0, 0])
        self._said = time.monotonic()
        self.stopped: dict[str, str] = {}
        for job in jobs:
            self._rules[job.rule.name] += 1
            if name := self._whom(job):
                self._left[name] += 1

    def _whom(self, job: Any) -> str:
        return str(getattr(job.wildcards, self._subject, ""))

    def note(self, jobs: Iterable[Any], wall: float, *, failed: bool) -> None:
        """Jobs ended, after so many seconds."""
        for job in jobs:
            name, known = self._whom(job), self._walls[job.rule.name]
            known[0], known[1] = known[0] + wall, known[1] + 1
            self._rules[job.rule.name] -= 1
            if name:
                self._left[name] -= 1
            word = "failed" if failed else self._outcome([str(path) for path in job.output])
            if name and word:
                self.stopped.setdefault(name, word)

    def show(self, running: Iterable[str], slots: int) -> None:
        """Say where things stand, unless that was said just now; ``running`` are the subjects of running jobs."""
        if time.monotonic() - self._said >= EVERY:
            self._said = time.monotonic()
            self._tell(self.line(running, slots))

    def line(self, running: Iterable[str], slots: int) -> str:
        """Where things stand, in one line."""
        words = Counter(self.stopped.values())
        going = {name for name in running if self._left[name] > 0 and name not in self.stopped}
        done = sum(left <= 0 and name not in self.stopped for name, left in self._left.items())
        waiting = len(self._left) - done - len(going) - len(self.stopped)
        parts = [
            f"{done} done",
            f"{len(going)} running",
            f"{waiting} waiting",
            *(f"{n} {word}" for word, n in words.items()),
        ]
        return f"{self._subject}s: {', '.join(parts)}; {self._time_left(slots)}"

    def _time_left(self, slots: int) -> str:
        """From what jobs of each rule took so far in this run, spread over as many as run now."""
        seconds, count = (sum(known[part] for known in self._walls.values()) for part in (0, 1))
        if not count:
            return "time left not yet known"
        mean = {rule: total / many for rule, (total, many) in self._walls.items() if many}
        left = sum(many * mean.get(rule, seconds / count) for rule, many in self._rules.items())
        minutes = round(left / max(slots, 1) / 60)
        return (
            f"about {minutes // 60} h {minutes % 60} min left" if minutes >= 60 else f"about {max(minutes, 1)} min left"
        )
