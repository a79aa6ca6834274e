"""Parameters of the beating heart: circulation and the time loop."""

from typing import Annotated, Literal

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

    contraction: Literal["phenomenological", "land_2017"] = "phenomenological"
    """phenomenological: the tension curve that calibration found, from local activation on. land_2017: by the calcium
    of electrophysiology's cells and the stretch and shortening of the muscle (Land et al. 2017), scaled to the
    patient's stroke volume; not yet with surrogate or whatif."""

    coupling: Literal["strong", "stabilised", "staggered"] = "strong"
    """How tension of land_2017 meets the stretch that it makes: strong, until both agree; stabilised, with its slope
    about the last step (Regazzoni and Quarteroni 2021); staggered, by the last step, which oscillates."""
