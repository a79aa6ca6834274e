"""Parameters of segmentation."""

from typing import Annotated

from pydantic import Field

from ..units import Length
from .section import Section


class Segmentation(Section):
    """Labels of LV blood, LV myocardium and RV blood in every frame."""

    network: str = "workflow/twinbeat/segmentation/unet.onnx"
    """ONNX network; its model card lies beside it."""

    pixel_size: Length = "1.5 mm"
    """In-plane size at which the network was trained; images are resampled to it."""

    minimum_confidence: Annotated[float, Field(ge=0, le=1)] = 0.8
    """Mean confidence over the heart below which the patient is rejected."""
