"""Parameters of the surrogate."""

from typing import Annotated

from pydantic import Field

from .section import Section

HELD_OUT = 1000
"""Members from this number on only measure the error and the coverage."""


class Ensemble(Section):
    """What a member is: the domain of the factors by which the calibrated heart is varied, and what is kept of it."""

    seed: int = 2026
    """Seed of the design; with the same seed further members are added and none is changed."""

    spread: Annotated[float, Field(gt=0)] = 2.0
    """Half-width of the domain of stiffness and tension, in posterior standard deviations."""

    narrowest: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Half-width of ln(factor) that stiffness and tension have at least."""

    widest: Annotated[float, Field(gt=0, lt=1)] = 0.3
    """Half-width of ln(factor) that stiffness and tension have at most: hearts far from the calibrated one may fail."""

    preload: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Half-width of ln(factor) of the pressure that fills the ventricle."""

    resistance: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Half-width of ln(factor) of the systemic arterial resistance."""

    frames: Annotated[int, Field(ge=2, le=50)] = 5
    """Displacements that are kept of a beat, evenly spaced in time."""


class Surrogate(Section):
    """Proper orthogonal decomposition and Gaussian processes over an ensemble around the posterior."""

    ensemble: Ensemble = Ensemble()
    """What a member is."""

    members: Annotated[int, Field(ge=16, le=1000)] = 16
    """Simulated members that train the surrogate."""

    held_out: Annotated[int, Field(ge=2, le=1000)] = 4
    """Further members that only measure the error and the coverage."""

    usable: Annotated[float, Field(gt=0, le=1)] = 0.8
    """Share of the members whose simulation must have succeeded; else there is no surrogate."""

    energy: Annotated[float, Field(gt=0, lt=1)] = 0.9999
    """Share of the variance of displacement and loop that the modes keep."""

    patients: list[str] | None = None
    """Patients that get a surrogate; none means all."""

    def numbers(self) -> list[int]:
        """Numbers of the members, those held out last."""
        return [*range(self.members), *range(HELD_OUT, HELD_OUT + self.held_out)]
