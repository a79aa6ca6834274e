"""What a job of Snakemake asks of a pool, in the resource names of the SLURM executor plugin, and who it is."""

import hashlib
import json
import math
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .settings import Fleet, Pool

MEBI = 2**20
MARGIN = 120  # seconds
RESERVED = 256 * MEBI
MATCHED = {"slurm_partition": "partition", "slurm_account": "account", "qos": "qos", "constraint": "constraint"}


class Unplaceable(Exception):
    """No pool can hold a job, ever; the message says what it asks and what there is."""


def usable(pool: Pool) -> int:
    """Seconds of a pilot that a job can have: its walltime less what coming up and going take."""
    return int(pool.walltime.total_seconds()) - MARGIN


def roomy(pool: Pool) -> int:
    """Bytes per node that jobs can have: those of the pool less what the pilot itself takes."""
    return pool.memory - RESERVED


@dataclass(frozen=True)
class Request:
    """Per node: cores, bytes, GPUs; seconds of wall time; values that the pool must share."""

    nodes: int = 1
    tasks: int = 1
    cores: int = 1
    memory: int = 0
    gpus: int = 0
    seconds: int | None = None
    matched: tuple[tuple[str, str], ...] = ()

    def fits(self, pool: Pool) -> bool:
        """Whether an empty pilot of the pool holds it."""
        return (
            self.nodes <= pool.nodes
            and self.cores <= pool.cpus
            and self.memory <= roomy(pool)
            and self.gpus <= pool.gpus
            and (self.seconds or 0) <= usable(pool)
            and all(getattr(pool, name) == value for name, value in self.matched)
        )

    def grown(self, cause: str, fleet: Fleet) -> "Request":
        """Twice of what it had too little of, as far as a pool reaches."""
        fields = {"memory": ("memory", roomy), "time": ("seconds", usable)}
        if cause not in fields:
            return self
        name, reach = fields[cause]
        if not getattr(self, name):
            return self  # no limit that could grow: it was that of an earlier driver
        others = replace(self, **{name: 0})
        most = max((reach(pool) for pool in fleet.pools.values() if others.fits(pool)), default=0)
        return replace(self, **{name: max(getattr(self, name), min(2 * getattr(self, name), most))})


def request_of(resources: Mapping[str, Any], threads: int, fleet: Fleet) -> Request:
    """Read a job's resources; a GPU is dropped where no pool has one."""
    nodes, tasks = int(resources.get("nodes", 1)), int(resources.get("tasks", 1))
    cores = math.ceil(tasks / nodes) * int(resources.get("cpus_per_task", threads))
    memory = int(resources.get("mem_mb", 0)) or int(resources.get("mem_mb_per_cpu", 0)) * cores
    gpus = _gpus(resources) if any(pool.gpus for pool in fleet.pools.values()) else 0
    minutes = resources.get("runtime")
    matched = tuple((field, str(resources[name])) for name, field in MATCHED.items() if resources.get(name))
    return Request(
        nodes, tasks, cores, memory * MEBI, math.ceil(gpus / nodes), int(minutes) * 60 if minutes else None, matched
    )


def _gpus(resources: Mapping[str, Any]) -> int:
    gres = re.fullmatch(r"gpu(?::[\w.]+)?:(\d+)", str(resources.get("gres", "")))
    return int(resources.get("gpu", 0)) or (int(gres[1]) if gres else 0)


def pools_for(request: Request, fleet: Fleet) -> list[str]:
    """Names of the pools that a request may go to: those that can hold it with the fewest GPUs and nodes.

    Raises
    ------
    Unplaceable
        If none can.
    """
    fitting = {name: (pool.gpus, pool.nodes) for name, pool in fleet.pools.items() if request.fits(pool)}
    if not fitting:
        raise Unplaceable(f"no pool can hold {request}; there are {dict(fleet.pools)}")
    return [name for name, spare in fitting.items() if spare == min(fitting.values())]


def members(job: Any) -> list[Any]:
    """The jobs of a group; of any other job, itself."""
    return list(job.jobs) if job.is_group() else [job]


def identity(job: Any) -> str:
    """A name for what a job is: its rule, paths, inputs as they are now, parameters and code. Equal ones do the same.

    It is told to Snakemake as the external id, and so outlives the driver: an attempt with this name can be adopted.
    """
    parts = [_described(one) for one in members(job)]
    text = json.dumps(sorted(parts), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _described(job: Any) -> str:
    rule = job.rule
    scripts = [source for source in (rule.script, rule.notebook) if source]
    code = [(str(source), _digest(Path(str(rule.basedir)) / str(source))) for source in scripts]
    inputs = [(str(path), _stamp(str(path))) for path in job.input]
    said = [rule.name, [str(path) for path in job.output], inputs, repr(job.params), job.shellcmd, code]
    return json.dumps(said)


def _stamp(path: str) -> list[int]:
    """Size and time of a file, of the marker that Snakemake leaves in a directory; of nothing where it is absent."""
    marker = Path(path) / ".snakemake_timestamp"
    try:
        found = (marker if marker.exists() else Path(path)).stat()
    except FileNotFoundError:
        return []
    return [found.st_size, found.st_mtime_ns]


def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def arguments(command: str) -> list[str]:
    """What follows ``-m snakemake`` in the command that Snakemake made for a job.

    Raises
    ------
    ValueError
        If something has to run before it: a fork server cannot do that.
    """
    words = shlex.split(command)
    if words[1:3] != ["-m", "snakemake"]:
        raise ValueError(
            f"expected a command that begins with python -m snakemake, found: {command}; "
            "a precommand belongs into the prologue of a pool"
        )
    return words[3:]


def with_old_inputs(words: list[str], rules: Iterable[Any]) -> list[str]:
    """The same, with no input of the rules new: what to make again is for the driver to say, who has the records.

    Else an attempt at a rule that makes its own inputs would make these, too, where what they come from looks newer.
    """
    items = {rule.name: [*map(str, range(len(rule.input))), *dict(rule.input.items())] for rule in rules}
    told = [f"{name}={','.join(found)}" for name, found in items.items() if found and name.isidentifier()]
    return [*words, "--consider-ancient", *told] if told else words


def with_resources(words: list[str], rules: Iterable[str], request: Request) -> list[str]:
    """The same, telling the rules of a retry what they have now."""
    told = [f"{rule}:mem_mb={request.memory // MEBI}" for rule in rules if request.memory]
    told += [f"{rule}:runtime={request.seconds // 60}" for rule in rules if request.seconds]
    if not told:
        return words
    if "--set-resources" in words:
        first = words.index("--set-resources") + 1
        end = next((at for at in range(first, len(words)) if words[at].startswith("-")), len(words))
        return [*words[:end], *told, *words[end:]]  # the last word on a resource is the one that counts
    return [*words, "--set-resources", *told]
