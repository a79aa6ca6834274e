"""Parameters of segmentation."""

from typing import Annotated, Literal

from pydantic import Field

from ..units import Volume
from .section import Section


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

    muscle_variation: Annotated[float, Field(gt=0)] = 0.2
    """Largest standard deviation of the myocardium over the cycle, as a share of its mean: muscle keeps its volume."""

    minimum_confidence: Annotated[float, Field(ge=0, le=1)] = 0.8
    """Mean confidence over the heart below which the patient is rejected."""
