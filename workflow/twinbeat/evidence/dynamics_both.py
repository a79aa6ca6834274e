"""The case of both ventricles of Arostica et al. 2025: so long that it only runs where its topic is named."""

from collections.abc import Iterator

from . import dynamics, fibers
from .row import Row


def rows() -> Iterator[Row]:
    """The history of each point beside the team mean, where the folder of shared data is there."""
    if fibers.folder().is_dir():
        yield from dynamics.benchmark(dynamics.BOTH)
