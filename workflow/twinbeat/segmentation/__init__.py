"""Labels of LV blood, LV myocardium and RV blood in every frame of a short-axis cine, by a small U-Net."""

from .inference import segment

__all__ = ["segment"]
