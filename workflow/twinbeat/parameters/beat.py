"""Parameters of the beating heart: circulation and the time loop."""

from typing import Annotated

from pydantic import Field

from ..units import Time
from .section import Section


class Beat(Section):
    """Mechanics coupled to the closed-loop circulation (Regazzoni et al. 2022)."""

    time_step: Time = "20 ms"
    """Interval at which the three-dimensional heart is solved; between, its closed form follows it."""

    beats: Annotated[int, Field(ge=1)] = 5
    """Most beats of the three-dimensional heart, each with the circulation at its limit cycle."""

    frames: Annotated[int, Field(ge=2)] = 20
    """Displacements that are kept, evenly spaced in time."""

    steady: Annotated[float, Field(gt=0)] = 0.01
    """Change of the circulation's state from beat to beat, relative to its magnitude, at which the heart is steady."""
