"""The pools file of a profile: which pilots there may be, and how they talk. Read once, refused with the key's name."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ByteSize, ConfigDict, Field, ValidationError, model_validator

CLOCK = re.compile(r"(?:(\d{1,4})-)?(\d{1,6}):([0-5]\d):([0-5]\d)")


class PoolsError(ValueError):
    """The pools file cannot be used; the message names the key, the value found and what was expected."""


def clock(text: str) -> timedelta:
    """A duration in SLURM's notation: ``H:MM:SS`` or ``D-HH:MM:SS``."""
    if not (found := CLOCK.fullmatch(str(text))):
        raise ValueError("expected SLURM's H:MM:SS or D-HH:MM:SS")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


Clock = Annotated[timedelta, BeforeValidator(clock)]


class Model(BaseModel):
    """Frozen, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class Pool(Model):
    """Pilots of one kind; figures are of one node."""

    cpus: int = Field(ge=1)
    memory: ByteSize
    nodes: int = Field(default=1, ge=1)
    gpus: int = Field(default=0, ge=0)
    gres: str | None = None  # what SLURM is asked for; gpu:<gpus> where nothing is said
    walltime: Clock = "1:00:00"
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    least: int = Field(default=0, ge=0)
    most: int = Field(default=1, ge=1)
    prologue: tuple[str, ...] = ()  # shell lines before the pilot, such as module load
    options: tuple[str, ...] = ()  # further options of sbatch

    @model_validator(mode="after")
    def _more_than_the_pilot_takes(self) -> Self:
        if self.memory < 2**29:
            raise ValueError(
                f"memory {self.memory.human_readable()} is too little for a pilot, expected 512 MiB or more"
            )
        if self.walltime < timedelta(minutes=5):
            raise ValueError(f"walltime {self.walltime} is too short for a pilot, expected 0:05:00 or more")
        return self

    @model_validator(mode="after")
    def _least_is_no_more_than_most(self) -> Self:
        if self.least > self.most:
            raise ValueError(f"least {self.least} is more than most {self.most}")
        return self


class Prices(Model):
    """What an hour costs; the cost of a patient is made from these."""

    cpu_hour: float = Field(default=0.0, ge=0)
    gpu_hour: float = Field(default=0.0, ge=0)
    currency: str = "EUR"


class Fleet(Model):
    """A whole pools file."""

    pools: dict[Annotated[str, Field(pattern=r"^\w[\w.-]*$")], Pool] = Field(min_length=1)  # by a word for scripts
    backend: Literal["slurm", "local"] = "slurm"
    interface: str = "lo"  # network of driver and pilots, such as ib0
    tls: bool = True
    dashboard: int | None = None  # port of Dask's pages, on this machine's loopback only
    idle: Clock = "0:05:00"  # after which a pilot without work goes
    attempts: int = Field(default=3, ge=1)  # of one job, where the cause may pass
    patience: Clock = "0:30:00"  # with an sbatch that refuses
    subject: str = "patient"  # wildcard by which progress and costs are told
    outcome: str | None = None  # module:function that tells from the paths a job made whether its subject was stopped
    preload: tuple[str, ...] = ()  # modules that each job would import, kept ready in the pilot
    freeze: tuple[Path, ...] = ()  # files read while rules are parsed, kept as they were when the run began
    prices: Prices = Prices()

    @model_validator(mode="after")
    def _in_the_clear_on_loopback_only(self) -> Self:
        if not self.tls and self.interface != "lo":
            raise ValueError(f"tls is off, but interface is {self.interface}: without TLS nothing leaves lo")
        return self


def read_fleet(path: Path) -> Fleet:
    """The pools file at ``path``.

    Raises
    ------
    PoolsError
        If the file is not there, is no YAML, or says something that cannot be.
    """
    try:
        said = yaml.load(Path(path).read_text(), yaml.BaseLoader)  # noqa: S506  (text only: 4:00:00 stays a time)
        return Fleet.model_validate(said)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PoolsError(f"{path}: {error}") from error
    except ValidationError as error:
        raise PoolsError(_told(path, error)) from error


def _told(path: Path, error: ValidationError) -> str:
    lines = (
        f"{path}: {'.'.join(map(str, one['loc'])) or 'file'}: {one['msg']}, found {one['input']!r}"
        for one in error.errors()
    )
    return "\n".join(lines)
