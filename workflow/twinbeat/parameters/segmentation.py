"""Parameters of segmentation."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..units import Volume
from .section import Section

Share = Annotated[float, Field(ge=0, le=1)]


class Segmentation(Section):
    """Labels of LV blood, LV myocardium and RV blood in every frame."""

    network: str | None = None
    """ONNX network of slices or of stacks, with its card (.toml or .json) beside it; none: those of Twinbeat."""

    orientations: Literal[1, 2, 4] = 4
    """Quarter-turned copies of each image, every other one upside down, over which opinions are averaged."""

    volume_bounds: tuple[Volume, Volume] = ("30 mL", "500 mL")
    """Left ventricle at end-diastole; a patient outside is rejected."""

    ejection_bounds: tuple[float, float] = (3.0, 90.0)
    """Ejection fraction in percent; a patient outside is rejected."""

    minimum_slices: Annotated[int, Field(ge=1)] = 5
    """Fewest slices with the left ventricle at end-diastole. Who fails this or one of the next four needs review."""

    mass_variation: Annotated[float, Field(gt=0)] = 0.1
    """Largest departure of the myocardium from its median over the cycle, as a share of that: muscle keeps its mass."""

    stroke_difference: Annotated[float, Field(gt=0)] = 0.3
    """Largest difference of the stroke volumes of both ventricles, as a share of their mean."""

    minimum_confidence: Share = 0.8
    """Least mean confidence over the heart."""

    minimum_dice: tuple[Share, Share, Share] = (0.8, 0.85, 0.7)
    """Least predicted Dice of LV blood, LV myocardium and RV blood in any frame."""

    review: str = "review"
    """Folder of what reviewers drew, in a folder for each patient: it replaces the automatic labels."""

    DECISIONS: ClassVar = (
        *("volume_bounds", "ejection_bounds", "minimum_slices", "mass_variation", "stroke_difference"),
        *("minimum_confidence", "minimum_dice", "review"),
    )
    """Keys of which the network knows nothing."""
