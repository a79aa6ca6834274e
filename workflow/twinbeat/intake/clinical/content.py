"""What a clinical file holds before anything of it is believed; readers fill it, the cleaning judges it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .figures import AgesFrom


@dataclass(frozen=True)
class Raw:
    """One value of a quantity of the mapping, as the file has it: any type may stand anywhere."""

    name: str
    value: Any
    unit: Any
    """UCUM."""

    time: Any = None
    """ISO 8601, in the clock of its source."""

    until: Any = None
    """End of the period for which the value holds."""

    sources: tuple[Any, ...] = ()
    """Where it may come from, in the words of the file."""

    fault: str = ""
    """Why the reader itself would not use it, in words of ours."""


@dataclass(frozen=True)
class RawEvent:
    """A medication or an outcome, as the file has it: codes such as ``atc:C07AB02``."""

    kind: str
    codes: tuple[str, ...]
    time: Any = None


@dataclass(frozen=True)
class RawTrace:
    """LV pressure over time in mmHg and ms, as the file has it."""

    content: Mapping[str, Any]
    time: Any = None
    sources: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Content:
    """All of a clinical file that the mapping knows."""

    values: tuple[Raw, ...] = ()
    events: tuple[RawEvent, ...] = ()
    traces: tuple[RawTrace, ...] = ()
    examination: Any = None
    """ISO 8601 time of the imaging."""

    ages_from: AgesFrom | None = None
