"""What is kept of a wave on its way, on the CPU and on a device."""

from collections.abc import Callable
from typing import Any


class Samples:
    """What something is every ``interval`` ms from the start, kept where it was made; nothing where ``of`` is None."""

    def __init__(self, interval: float, of: Callable[[Any], Any] | None) -> None:
        self.interval, self.of = interval, of
        self.times: list[float] = []
        self.values: list[Any] = []

    def take(self, time: float, voltage: Any) -> None:
        """A sample of the ``voltage`` (node,) in mV at a time in ms, if one is due."""
        if self.of and time >= len(self.times) * self.interval - 1e-9:
            self.times.append(time)
            self.values.append(self.of(voltage))
