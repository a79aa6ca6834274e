"""A plan as a file: a node with a GPU needs nothing else of the library, and none of what it was made with."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from .plan import Cells, Leak, Plan, Pulse, Sliced

PARTS = {"cells": Cells, "pulses": Pulse, "leaks": Leak}


def write(plan: Plan, path: Path) -> None:
    """The plan as a compressed archive of NumPy."""
    values: dict[str, Any] = {f"rate.{name}": array for name, array in plan.rate._asdict().items()}
    values |= {name: getattr(plan, name) for name in ("size", "time_step", "stages", "members")}
    for kind in PARTS:
        for number, part in enumerate(getattr(plan, kind)):
            named = {f"{kind}.{number}.{field.name}": getattr(part, field.name) for field in fields(part)}
            values |= {name: value for name, value in named.items() if value is not None}
    np.savez_compressed(path, **values)


def read(path: Path) -> Plan:
    """The plan of such an archive."""
    with np.load(path) as archive:
        values = {name: archive[name] for name in archive.files}
    rate = Sliced(*(values[f"rate.{name}"] for name in Sliced._fields))
    numbers = {name: values[name].item() for name in ("size", "time_step", "stages", "members")}
    return Plan(rate=rate, **numbers, **{kind: _parts(values, kind, type_) for kind, type_ in PARTS.items()})


def _parts(values: dict[str, np.ndarray], kind: str, type_: type) -> tuple[Any, ...]:
    found: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        place, _, field = name.rpartition(".")
        if place.startswith(f"{kind}."):
            found.setdefault(place, {})[field] = value if value.ndim else value.item()
    return tuple(type_(**part) for part in found.values())
