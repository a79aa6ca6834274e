"""One row of the verification table."""

import time
from collections.abc import Callable
from typing import TypedDict


class Row(TypedDict):
    """A check: its value beside a published or analytic reference."""

    name: str
    value: float
    reference: float
    deviation: float
    tolerance: float
    passed: bool
    source: str
    seconds: float


def timed(name: str, reference: float, tolerance: float, source: str, value: Callable[[], float]) -> Row:
    """Run ``value`` and hold it against the reference; the deviation is absolute and passes up to the tolerance."""
    start = time.perf_counter()
    found, expected = float(value()), float(reference)  # plain numbers, which JSON can hold
    seconds = time.perf_counter() - start
    deviation = abs(found - expected)
    return Row(
        name=name, value=found, reference=expected, deviation=deviation, tolerance=float(tolerance),
        passed=deviation <= float(tolerance), source=source, seconds=seconds,
    )  # fmt: skip
