"""What every attempt took: one row each in a table that any run adds to, and what it cost."""

import csv
import io
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from .ledger import write_whole
from .settings import Prices


@dataclass(frozen=True)
class Row:
    """One attempt. Times in seconds, memory in bytes (of the whole process tree on the pilot's node)."""

    attempt: str
    rule: str
    wildcards: str  # JSON
    subject: str
    pool: str
    pilot: str
    slurm_job: str
    hosts: str
    cause: str
    submitted: float  # since the epoch
    waited: float
    wall: float
    cpu: float
    memory: int
    cores: int
    gpus: int
    cost: float
    currency: str


def cost(prices: Prices, wall: float, cores: int, gpus: int) -> float:
    """What was held for how long, at the profile's prices."""
    return wall / 3600 * (cores * prices.cpu_hour + gpus * prices.gpu_hour)


class Table:
    """The table at a path; every row is on the disk when ``add`` returns."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if not os.fstat(self._file).st_size:
            write_whole(self._file, _line([field.name for field in fields(Row)]))

    def add(self, row: Row) -> None:
        """Append a row."""
        write_whole(self._file, _line(list(asdict(row).values())))

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def _line(values: list[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter="\t", lineterminator="\n").writerow(values)
    return text.getvalue().encode()


def as_text(wildcards: Mapping[str, str]) -> str:
    """Wildcards as JSON, in the same order every time."""
    return json.dumps(dict(wildcards), sort_keys=True)
