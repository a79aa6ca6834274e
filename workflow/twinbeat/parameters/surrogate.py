"""Parameters of the surrogate."""

from typing import Annotated

from pydantic import Field

from .section import Section


class Surrogate(Section):
    """Proper orthogonal decomposition and Gaussian processes over an ensemble around the posterior."""

    members: Annotated[int, Field(ge=16)] = 16
    """Simulated members of the ensemble."""

    held_out: Annotated[int, Field(ge=2)] = 4
    """Further members that only measure the error and the coverage."""

    spread: Annotated[float, Field(gt=0)] = 2.0
    """Half-width of the training domain in posterior standard deviations (at least 5 % of the value)."""

    energy: Annotated[float, Field(gt=0, lt=1)] = 0.999
    """Share of the variance of the displacement that the modes keep."""

    patients: list[str] | None = None
    """Patients that get a surrogate; none means all."""
