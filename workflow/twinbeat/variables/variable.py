"""A row of the table."""

from typing import NamedTuple


class Variable(NamedTuple):
    """Dimensions, unit and meaning of a stored array."""

    dims: tuple[str, ...]
    unit: str
    meaning: str
