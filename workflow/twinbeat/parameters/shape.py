"""Parameters of the statistical shape model and of what is drawn from it."""

from typing import Annotated

from pydantic import Field

from ..units import Length, Volume
from .section import Section

MOST = 99_999
"""Virtual anatomies that five digits can number."""


class Synthesis(Section):
    """Virtual anatomies: how many, what each must be, and how far it must keep from every patient."""

    number: Annotated[int, Field(ge=0, le=MOST)] = 0
    """Virtual anatomies of the study; more of them leave the earlier ones as they are."""

    attempts: Annotated[int, Field(ge=1)] = 50
    """Draws after which a virtual anatomy is given up."""

    wall_bounds: tuple[Length, Length] = ("2 mm", "30 mm")
    """Least and largest thickness of the wall, anywhere."""

    cavity_bounds: tuple[Volume, Volume] = ("30 mL", "500 mL")
    """Cavity at end-diastole; the bounds of segmentation."""

    muscle_bounds: tuple[Volume, Volume] = ("30 mL", "500 mL")
    """Volume of the wall."""

    nearest: Length = "1 mm"
    """Least root mean square distance from each patient: below it contours cannot tell two hearts apart."""

    nearest_share: Annotated[float, Field(ge=0)] = 0.5
    """The same as a share of the median distance from a patient to the nearest other one."""

    def names(self) -> list[str]:
        """What the virtual anatomies are called."""
        return [f"v-{number:05d}" for number in range(1, self.number + 1)]


class Shape(Section):
    """Statistical shape model of the cohort's hearts: principal components of corresponding points."""

    minimum_patients: Annotated[int, Field(ge=3)] = 10
    """Meshed patients below which no model is built: modes of fewer hearts are those hearts."""

    variance: Annotated[float, Field(gt=0, le=1)] = 0.98
    """Share of the variance that the modes keep."""

    modes: Annotated[int, Field(ge=1)] | None = None
    """Modes that are kept at most; none: as many as the share of the variance asks for."""

    bound: Annotated[float, Field(gt=0)] = 3.0
    """Standard deviations of each mode within which anatomies are drawn (Cootes et al. 1995)."""

    seed: int = 2026
    """Seed of all that is drawn."""

    synthesise: Synthesis = Synthesis()
    """Virtual anatomies that are drawn from the model."""
