"""Parameters of the beating heart: circulation and the time loop."""

from typing import Annotated

from pydantic import Field

from ..units import Time
from .section import Section


class Beat(Section):
    """Mechanics coupled to the closed-loop circulation (Regazzoni et al. 2022)."""

    time_step: Time = "10 ms"
    """Step of the coupled problem."""

    beats: Annotated[int, Field(ge=1)] = 2
    """Beats of the three-dimensional heart, after the circulation alone has reached its limit cycle."""

    steady: Annotated[float, Field(gt=0)] = 0.01
    """Largest relative change of the state between the ends of the last two beats."""
